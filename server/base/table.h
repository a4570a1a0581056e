/*
 * table.h -- lists for a terminal or a program: columns as wide as their widest
 * cell.
 *
 * Cells come from outside: they are escaped as log_escape() does.
 *
 * For a program all is printed. A terminal's lines are not to be broken: there
 * ids are cut as far as they stay distinct, columns in which nothing stands
 * are left out, long cells are cut, and then whole columns are left out, which
 * is said below the table.
 */
#ifndef SERVER_TABLE_H
#define SERVER_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "server/base/screen.h"

#define TABLE_COLUMNS_MAX 24

enum table_look {
	TABLE_PLAIN,
	TABLE_STATE, /* how something stands, in one word: coloured */
	TABLE_ID     /* a long id, perhaps with a blank and its scope */
};

struct table_column {
	const char *title;
	enum table_look look;
	unsigned least; /* its cells may be cut to so many characters; 0: not */
	unsigned spare; /* the highest is left out first; 0: never */
};

struct table; /* opaque */

/*
 * A table with these columns, at most TABLE_COLUMNS_MAX. Keeps them. Owned by
 * the caller; NULL when out of memory.
 */
struct table *table_new(const struct table_column *columns, size_t n);

/* Accepts NULL. */
void table_free(struct table *t);

/*
 * Add the next cell, row by row; NULL gives "-". A copy is made. What memory
 * does not suffice for is remembered: table_print() then fails.
 */
void table_add(struct table *t, const char *text);

/*
 * Print heading and rows for this screen. Returns 0, or -1 if cells were lost,
 * or memory is short.
 */
int table_print(struct table *t, const struct screen *s, FILE *out);

/*
 * Go on below what was printed: its rows go, and those that are added now come
 * without a heading, in the same columns.
 */
void table_go_on(struct table *t);

/* Of "9fb1a2c3-...": how many bytes of an id stand in a table at least. */
size_t table_id_least(const char *id);

#endif /* SERVER_TABLE_H */
