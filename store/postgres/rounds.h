/*
 * rounds.h -- private to store/postgres/: which appends go in one statement.
 * Pure.
 */
#ifndef STORE_POSTGRES_ROUNDS_H
#define STORE_POSTGRES_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/op.h"

/* Is it looked up whether the event of op, an append, repeats another? */
bool rounds_may_repeat(const struct store_op *op);

/*
 * How many of ops[0..n), which all append, go in one statement, from the first
 * on: up to the first of which what it repeats may depend on one before it. At
 * least 1, if n is.
 */
size_t rounds_next(struct store_op *const *ops, size_t n);

#endif /* STORE_POSTGRES_ROUNDS_H */
