/*
 * store_move.h -- all of a store to another one, whatever backends they have:
 * klikitd migrate-store. See store/move/DESIGN.md.
 *
 * Owns:    both stores while it runs; no thread.
 * Touches: what the two backends touch.
 */
#ifndef STORE_STORE_MOVE_H
#define STORE_STORE_MOVE_H

#include "store/move/digest.h"
#include "store/move/tables.h"
#include "store/store.h"

enum store_move_step {
	STORE_MOVE_COPIES, /* the rows of a table */
	STORE_MOVE_CHECKS  /* reads them back, and compares */
};

struct store_move {
	const char *from, *to; /* URLs */
	int64_t now_ms;

	/*
	 * What a server that has kept these readings would keep now. Of a
	 * shared clock: what it would keep if it went on by its own.
	 */
	void (*renew)(const struct store_clock *kept,
	    struct store_clock *ret_now);

	/* After each piece. May be NULL. */
	void (*progress)(enum store_move_step step, const char *table,
	    int64_t done, int64_t total, void *arg);
	store_note_fn *note; /* may be NULL */
	void *arg;           /* for both */
};

/* Written as far as it came. */
struct store_move_result {
	bool resumed;   /* what an earlier one copied was kept */
	int64_t mended; /* texts that the new store could not take as they were:
			   bytes that are no UTF-8 are U+FFFD there */
	struct store_move_table {
		const char *name;
		int64_t rows;
		char digest[MOVE_DIGEST_TEXT_MAX]; /* see rows.h */
	} tables[MOVE_TABLES];
};

/*
 * Copy everything, read it back from the new store and compare it row by row,
 * then let the new store be opened and the old one no more: at no moment can
 * both be. Blocks. `to' must not be there, or hold nothing; or be what an
 * earlier move left that was cut short, which then goes on.
 *
 * STORE_OK. STORE_REFUSED (one of the two is no store for that, or what was
 * copied is not what the old one holds), STORE_BUSY (a server has one of them),
 * STORE_NOTFOUND, STORE_NEWER, STORE_NOTADB, STORE_FULL, STORE_AWAY or
 * STORE_FAILED, with a reason; then the old store is as before, and may be
 * served.
 */
enum store_rc store_move(const struct store_move *what,
    struct store_move_result *ret, char reason[STORE_REASON_MAX]);

/*
 * Let a store that was moved away be opened again, as it was then. STORE_OK;
 * else as store_move().
 */
enum store_rc store_move_back(const char *url, int64_t now_ms,
    char reason[STORE_REASON_MAX]);

#endif /* STORE_STORE_MOVE_H */
