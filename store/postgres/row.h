/*
 * row.h -- private to store/postgres/: values out of a result in binary form.
 * Pure. A value that has not the form that is asked for, or an index that is
 * not there, is 0, false or NULL, and never read past its end.
 */
#ifndef STORE_POSTGRES_ROW_H
#define STORE_POSTGRES_ROW_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/arena.h"

bool pg_null(const PGresult *res, int row, int column);
int64_t pg_int(const PGresult *res, int row,
    int column); /* int2, 4, 8; NULL: 0 */
bool pg_bool(const PGresult *res, int row, int column);

/* A copy in a; NULL stays NULL. Returns 0, or -1 when out of memory. */
int pg_text(const PGresult *res, int row, int column, struct arena *a,
    const char **ret_text);

/* Borrowed from the result; NULL: it is NULL. */
const void *pg_bytes(const PGresult *res, int row, int column, size_t *ret_len);

/*
 * An array of int8 or of text, copied to a. NULL and an empty one: n is 0.
 * Texts may be NULL. Returns 0; -1 when out of memory or if it is no such
 * array.
 */
int pg_ints(const PGresult *res, int row, int column, struct arena *a,
    const int64_t **ret_items, size_t *ret_n);
int pg_texts(const PGresult *res, int row, int column, struct arena *a,
    const char *const **ret_items, size_t *ret_n);

#endif /* STORE_POSTGRES_ROW_H */
