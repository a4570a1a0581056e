/*
 * append_args.h -- private to store/postgres/: what is appended, as arrays of
 * values. Pure.
 */
#ifndef STORE_POSTGRES_APPEND_ARGS_H
#define STORE_POSTGRES_APPEND_ARGS_H

#include "store/op.h"
#include "store/postgres/args.h"

/* The operations of one statement. */
struct appends {
	struct store_op *const *ops;
	size_t n;
};

/* Put all values of append() that come from its operations. */
void append_put(struct pg_args *a, const struct appends *all);

/* Does a job stand in the lanes of its orders? */
bool append_has_lanes(const struct store_job_spec *spec);

/*
 * Put those events whose date is doubted, as the arrays of doubt_dates() in
 * schema/009_doubted.sql.
 */
void append_put_doubted(struct pg_args *a, const struct appends *doubted);

#endif /* STORE_POSTGRES_APPEND_ARGS_H */
