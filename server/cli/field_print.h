/*
 * field_print.h -- rows of the admin API for people, by the lists of their
 * fields: as a table, or one with all that it holds.
 *
 * What a row holds came from outside: it is escaped as log_escape() does. On a
 * terminal times are of the machine's zone, and tables fit (table.h).
 */
#ifndef SERVER_FIELD_PRINT_H
#define SERVER_FIELD_PRINT_H

#include <stdio.h>

#include "server/admin/field.h"
#include "server/base/screen.h"

struct field_table; /* opaque */

/*
 * A table with a column for each field that has a title, in their order;
 * within: its rows stand within another one. Keeps fields and s. Owned by the
 * caller; NULL when out of memory.
 */
struct field_table *field_table_new(const struct field *fields, bool within,
    const struct screen *s);

/* Accepts NULL. */
void field_table_free(struct field_table *t);

/* Add an object as the next row; what is lost makes field_table_print() fail.
 */
void field_table_add(struct field_table *t, const json_t *object);

/* Returns 0, or -1 when out of memory. */
int field_table_print(struct field_table *t, FILE *out);

/* Go on below what was printed: see table_go_on(). */
void field_table_go_on(struct field_table *t);

/*
 * Print one object: a line for each value, then a table for each array of
 * rows that is not empty. Returns 0, or -1 when out of memory.
 */
int field_print(const struct field *fields, const json_t *object,
    const struct screen *s, FILE *out);

#endif /* SERVER_FIELD_PRINT_H */
