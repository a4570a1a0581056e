/*
 * field.h -- rows of the store for programs and for people, by a list of
 * their fields.
 *
 * Owns:    how a value of each kind looks in JSON, and in a cell.
 * Touches: nothing. Pure but for memory. entity.h has the lists.
 *
 * A list ends with a field without a name. Members of the row are named by
 * FIELD(): what a kind demands of the member stands beside it.
 */
#ifndef SERVER_FIELD_H
#define SERVER_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "server/base/json_write.h"

enum field_kind {
	FIELD_NUMBER, /* an integer of 32 or 64 bits; null if it is `none' */
	FIELD_COUNT,  /* the same, never null */
	FIELD_MS,     /* the same: a duration in ms */
	FIELD_TEXT,   /* const char *; NULL: null */
	FIELD_WORD,   /* what word() says of the row */
	FIELD_TIME,   /* int64_t, ms since the epoch; 0: null */
	FIELD_BOOL,   /* bool */
	FIELD_BYTES,  /* const void *, of len_at bytes, mostly text */
	FIELD_BASE64, /* the same, of any bytes; for programs only */
	FIELD_LINES,  /* const char *: text of several lines */
	FIELD_OBJECT, /* an object: `fields', of the same row */
	FIELD_ROWS,   /* an array, of len_at rows with fields of their own */
	FIELD_LATER,  /* such an array, which its owner adds to the JSON */
	FIELD_PAIRS,  /* an array of names with values, added likewise */
	FIELD_ALL     /* not a field: all those of `fields', of the same row */
};

/* How a person reads it on a terminal; for a program it stays as it is. */
enum field_look {
	FIELD_PLAIN,
	FIELD_STATE,  /* how something stands, in one word */
	FIELD_ID,     /* a long id; perhaps behind a blank its scope */
	FIELD_TYPE,   /* of an event: without what all begin with */
	FIELD_MOMENT, /* a text that is a time; FIELD_TIME always is one */
};

struct field {
	const char *name;  /* in JSON, and before the value of a single row */
	const char *title; /* of its column in a table; NULL: it has none */
	bool outermost;    /* no column where rows stand within another row */
	enum field_kind kind;
	enum field_look look;

	/* Of its column on a terminal; see table.h. */
	unsigned char least;
	unsigned char spare;
	size_t at;     /* of the member in the row */
	size_t size;   /* of the member */
	size_t len_at; /* of the size_t that says how long it is */
	int64_t none;
	const char *(*word)(const void *row);
	bool (*has)(const void *row); /* is it shown? NULL: always */
	const struct field *fields;   /* of its rows */
	size_t stride;                /* of its rows, in bytes */

	/* What a cell shows, if not the value alone; see field_cell(). */
	const char *(*cell)(const json_t *object, char *buf, size_t max);
};

#define FIELD(type, member)                                                    \
	.at = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* Write the row as an object; of n rows, one after the other, each. */
void field_write(struct json_write *w, const struct field *fields,
    const void *row);
void field_write_rows(struct json_write *w, const struct field *fields,
    const void *rows, size_t n, size_t stride);

/* The row as a value, rows as an array: a new reference, or NULL. */
json_t *field_json(const struct field *fields, const void *row);
json_t *field_array(const struct field *fields, const void *rows, size_t n,
    size_t stride);

/*
 * Go through a list, through those within it as well: call each() for every
 * field but FIELD_ALL, in order.
 */
void field_each(const struct field *fields,
    void (*each)(const struct field *f, void *arg), void *arg);

#define FIELD_CELL_MAX 1024

/*
 * What stands in a table for that field of an object that field_json() made:
 * "-" for null or nothing, a number of rows for an array. Bytes are as they
 * came: to be escaped. Borrows object and buf.
 */
const char *field_cell(const struct field *f, const json_t *object,
    char buf[FIELD_CELL_MAX]);

#endif /* SERVER_FIELD_H */
