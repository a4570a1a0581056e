/*
 * counts.h -- numbers that were counted, kept by the minute and by the hour.
 *
 * Pure: what a row is, how long it is kept, how its numbers look in a table.
 * What they mean is the business of who counts (server/stats/).
 *
 * Rows of the same time, kind and name are added up: those of one receiver, of
 * several, and of both steps.
 */
#ifndef STORE_COUNTS_H
#define STORE_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_count_kind {
	STORE_COUNT_INTAKE,  /* one row, without a name */
	STORE_COUNT_HANDLER, /* by its name */
	STORE_COUNT_BRANCH,  /* by its id, and by the hour only */
	STORE_COUNT_NKINDS
};

enum store_count_step {
	STORE_COUNT_MINUTE,
	STORE_COUNT_HOUR,
	STORE_COUNT_NSTEPS
};

#define STORE_COUNT_NUMBERS 24 /* of a row */

/* Of names beyond store_count_names() in one minute or hour, together. */
#define STORE_COUNT_REST "*"

struct store_count {
	enum store_count_kind kind;
	const char *name;
	int64_t at_ms; /* when its minute or hour begins */
	int64_t numbers[STORE_COUNT_NUMBERS]; /* are added up */
	int64_t peak;                         /* of these the greatest stays */
};

/* Its word in the table; static. */
const char *store_count_kind_name(enum store_count_kind kind);

/* The kind of that word. Returns 0, or -1 if there is none. */
int store_count_kind_parse(const char *word, enum store_count_kind *ret_kind);

int64_t store_count_step_ms(enum store_count_step step);

/* When the minute or hour begins in which at_ms lies. */
int64_t store_count_begin_ms(enum store_count_step step, int64_t at_ms);

/* How long rows of a step are kept, up to the begin of the hour: older ones go.
 */
int64_t store_count_keep_ms(enum store_count_step step);

/*
 * Rows dated further ahead than that go, too: their clock was wrong. So with
 * store_count_keep_ms() the rows of a step are bounded.
 */
#define STORE_COUNT_AHEAD_MS INT64_C(3600000)

/* When rows went last; zeros: never. */
struct store_count_sweeps {
	int64_t hour_ms;
	unsigned n; /* in that hour */
};

/*
 * Are rows to go with a write at now_ms? They are pages at the other end of the
 * table: so few writes of an hour do it, as many as delete what an hour adds.
 */
bool store_count_sweep(struct store_count_sweeps *s, int64_t now_ms);

/* How many names of a kind have rows of their own; 0: none are kept. */
int64_t store_count_names(enum store_count_kind kind,
    enum store_count_step step);

/* Add what is counted in `more' to sum. */
void store_count_add(struct store_count *sum, const struct store_count *more);

/* As they stand in the table: with blanks between, and no zeros at the end. */
#define STORE_COUNT_TEXT_MAX (STORE_COUNT_NUMBERS * 21 + 1)
void store_count_print(const int64_t numbers[STORE_COUNT_NUMBERS],
    char ret_text[STORE_COUNT_TEXT_MAX]);

/* And back; of what is no such text as much as is. NULL: nothing. */
void store_count_parse(const char *text,
    int64_t ret_numbers[STORE_COUNT_NUMBERS]);

#endif /* STORE_COUNTS_H */
