/*
 * rows.h -- rows as bytes, the same whatever backend they come from: they are
 * what is compared, and what the digest is of. Pure, but for malloc.
 *
 * A row is its values, one after another: a byte that says what comes; then,
 * of a number, 8 bytes, or of text and bytes a length of 8 bytes and so many.
 * Numbers stand highest byte first. A key is the beginning of its row.
 */
#ifndef STORE_MOVE_ROWS_H
#define STORE_MOVE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/move/tables.h"

/* How much of a table is taken at once: rows, or a little more than bytes. */
#define MOVE_ROWS_AT_ONCE 1000
#define MOVE_BYTES_AT_ONCE ((size_t)4 << 20)

/* All zero is empty. */
struct move_rows {
	unsigned char *bytes;
	size_t len, room;
	size_t n;    /* rows: the caller's to count */
	bool failed; /* out of memory: what was put since is not there */
};

void move_rows_fini(struct move_rows *rows);
void move_rows_clear(struct move_rows *rows); /* keeps its memory */

enum move_kind { MOVE_IS_NULL, MOVE_IS_INT, MOVE_IS_TEXT, MOVE_IS_BYTES };

struct move_value {
	enum move_kind kind;
	int64_t number;
	const void *p; /* of text and bytes; no NUL follows */
	size_t len;
};

/* A piece of a row as it is: its key. */
void move_put_row(struct move_rows *rows, const void *p, size_t len);

void move_put_null(struct move_rows *rows);
void move_put_int(struct move_rows *rows, int64_t number);
void move_put_text(struct move_rows *rows, const void *p, size_t len);
void move_put_bytes(struct move_rows *rows, const void *p, size_t len);

/*
 * The value at p, of which `left' bytes may be read; borrowed from there.
 * Returns how long it is; 0 if there is none.
 */
size_t move_get(const unsigned char *p, size_t left, struct move_value *ret);

/* How long the first n values at p are; 0 if they are not all there. */
size_t move_length(const unsigned char *p, size_t left, size_t n);

/* How a row has to change on its way into another store. */
struct move_change {
	int64_t shift_ms; /* for times of the steady clock */
	bool utf8;        /* text must be UTF-8, without NUL */
};

/*
 * Append the row at p, changed, to *to. What is no UTF-8 becomes U+FFFD, and
 * *inout_mended is one more for each value in which that was so. Returns NULL;
 * or the name of a column whose text may not be changed, but has to be.
 */
const char *move_change_row(const struct move_table *t,
    const struct move_change *how, const unsigned char *p, size_t len,
    struct move_rows *to, int64_t *inout_mended);

/* The key of the row at p as people read it: "17", "4711 eu". */
#define MOVE_KEY_MAX 128
void move_key_text(const struct move_table *t, const unsigned char *p,
    size_t left, char ret_text[MOVE_KEY_MAX]);

#endif /* STORE_MOVE_ROWS_H */
