/*
 * tables.h -- what klikitd migrate-store takes from one store to another:
 * every table whose rows are moved, and its columns. Pure.
 *
 * Tables and columns have the same names in every backend. What is not here is
 * no row that lasts: the clock and the count of rejected bytes, which are set
 * at the end (struct store_move_ops); who owns a job, locks, receivers.
 */
#ifndef STORE_MOVE_TABLES_H
#define STORE_MOVE_TABLES_H

#include <stdbool.h>
#include <stddef.h>

enum move_type { MOVE_INT, MOVE_BOOL, MOVE_TEXT, MOVE_BYTES };

struct move_column {
	const char *name;
	enum move_type type;
	bool steady; /* a time of the steady clock; 0: at once, or none */
	bool names;  /* something is found by it: never changed */
};

#define MOVE_COLUMNS_MAX 22
struct move_table {
	const char *name;
	size_t nkeys; /* its first columns are its primary key */
	struct move_column columns[MOVE_COLUMNS_MAX + 1]; /* ends with NULL */
};

/* In an order in which no row refers to one that comes later. */
#define MOVE_TABLES 13
extern const struct move_table move_tables[MOVE_TABLES];

size_t move_table_columns(const struct move_table *t);

#endif /* STORE_MOVE_TABLES_H */
