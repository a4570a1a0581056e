/*
 * table.h -- lists for a terminal: columns as wide as their widest cell.
 *
 * Cells come from outside: they are escaped as log_escape() does.
 */
#ifndef SERVER_TABLE_H
#define SERVER_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 12

struct table; /* opaque */

/*
 * A table under this heading: titles, NULL at the end, at most
 * TABLE_COLUMNS_MAX. Keeps titles. Owned by the caller; NULL when out of
 * memory.
 */
struct table *table_new(const char *const *titles);

/* Accepts NULL. */
void table_free(struct table *t);

/*
 * Add the next cell, row by row; NULL gives "-". A copy is made. What memory
 * does not suffice for is remembered: table_print() then fails.
 */
void table_add(struct table *t, const char *text);

/* Print heading and rows. Returns 0, or -1 if cells were lost. */
int table_print(const struct table *t, FILE *out);

#endif /* SERVER_TABLE_H */
