/*
 * regroup.h -- private to store/postgres/: in which order the operations of a
 * batch are run, and how many of them in one statement. Pure.
 */
#ifndef STORE_POSTGRES_REGROUP_H
#define STORE_POSTGRES_REGROUP_H

#include "store/postgres/postgres.h"

/* What goes in one statement: more makes no difference but to memory. */
#define REGROUP_BYTES (8 << 20)

/*
 * How many of ops[0..n), from the first on, may be sorted by their groups: one
 * that keeps its place is alone, and of two that name a job the second comes
 * later. At least 1, if n is.
 */
size_t regroup_next(struct store_op *const *ops, size_t n);

/*
 * Put those of ops[0..n) that are of that group into list, which has n places,
 * in their order. Returns how many.
 */
size_t regroup_pick(struct store_op *const *ops, size_t n, enum pg_group group,
    struct store_op **list);

/*
 * How many of ops[0..n), from the first on, go in one statement. At least 1, if
 * n is.
 */
size_t regroup_fits(struct store_op *const *ops, size_t n);

/* About how many bytes op sends. */
size_t regroup_bytes(const struct store_op *op);

#endif /* STORE_POSTGRES_REGROUP_H */
