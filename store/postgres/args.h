/*
 * args.h -- private to store/postgres/: the values of a statement, in libpq's
 * binary form. Pure: knows no connection.
 *
 * Owns: nothing; values are copied into the arena, but for bytes, which are
 *       borrowed until the statement was sent.
 *
 * A failure (no memory) is kept and found by pg_args_failed() at the end, so
 * that a row of calls needs no check of its own. In a statement's text each
 * value has a cast ($1::int8, $2::text[]), from which the server knows its
 * type.
 */
#ifndef STORE_POSTGRES_ARGS_H
#define STORE_POSTGRES_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/arena.h"

#define PG_ARGS_MAX 44

struct pg_args {
	struct arena *mem;
	int n;
	bool failed;
	const char *values[PG_ARGS_MAX]; /* NULL: the SQL NULL */
	int lengths[PG_ARGS_MAX];
	/* The array under way. */
	unsigned char *array;
	size_t array_len, array_room, items_left;
};

void pg_args_init(struct pg_args *a, struct arena *mem);
bool pg_args_failed(const struct pg_args *a);

/* The next value: $1, then $2, and so on. */
void pg_arg_int(struct pg_args *a, int64_t value);         /* int8 */
void pg_arg_int_or_null(struct pg_args *a, int64_t value); /* 0: NULL */
void pg_arg_bool(struct pg_args *a, bool value);           /* bool */
void pg_arg_text(struct pg_args *a, const char *text);     /* NULL: NULL */
void pg_arg_bytes(struct pg_args *a, const void *p, size_t len);

/* The next value is an array of that type, of the n items that follow. */
enum pg_array { PG_INT8S, PG_BOOLS, PG_TEXTS, PG_BYTES };
void pg_arg_array(struct pg_args *a, enum pg_array type, size_t n);
void pg_item_int(struct pg_args *a, int64_t value);
void pg_item_int_or_null(struct pg_args *a, int64_t value);
void pg_item_bool(struct pg_args *a, bool value);
void pg_item_text(struct pg_args *a, const char *text); /* NULL: NULL */
void pg_item_bytes(struct pg_args *a, const void *p, size_t len); /* copied */

#endif /* STORE_POSTGRES_ARGS_H */
