/*
 * walk.h -- how far one call looks through a list, for every backend.
 *
 * Pure: it decides by what a backend answers. What an index has of few rows is
 * found by that. Everything else is looked for among the newest: one call looks
 * at so many, and says where the next goes on.
 */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "store/store_read.h"

struct arena;

/* So few that all of them are looked at. */
#define WALK_FEW 5000
/* Of ids that begin alike: fewer than a page has room for. */
#define WALK_FOUND_MAX 100

/* Numbers of rows, from low on and before high. */
struct walk {
	int64_t high, low;
	int64_t floor; /* before it there is nothing to be found */
	size_t limit;  /* of the page */
	bool back;     /* all from high to low are looked at; else what an
			  index has, and found says how many */
	size_t found;
	bool of_time; /* jobs: the events of that time are few */
};

enum walk_rows { WALK_EVENTS, WALK_JOBS };
enum walk_jobs_in { WALK_OPEN, WALK_DEAD };

/* Events that came in a time. */
struct walk_time {
	int64_t since_ms, until_ms; /* from the one on, and before the other */
	int64_t n;                  /* how many, counted up to WALK_FEW + 1 */
	int64_t first, last;        /* numbers of these; 0: none */
};

/* What a backend is asked. Each returns 0; else its own error, which is then
 * what the function below returns. */
struct walk_asks {
	void *arg;
	/* The greatest number before that one; 0: none. */
	int (*newest)(void *arg, enum walk_rows rows, int64_t before,
	    int64_t *ret);
	/* How many there are, counted up to WALK_FEW + 1. */
	int (*count)(void *arg, enum walk_jobs_in which, int64_t *ret);
	/* Fill in n, first and last. */
	int (*of_time)(void *arg, struct walk_time *t);
};

/*
 * The part of a list of events that this call looks at; of orders by the events
 * that carry them.
 */
int walk_events(const struct walk_asks *asks, const struct store_filter *f,
    struct walk *w);
int walk_orders(const struct walk_asks *asks, const struct store_filter *f,
    struct walk *w);
int walk_jobs(const struct walk_asks *asks, const struct store_job_filter *f,
    struct walk *w);

/* It was looked through, and gave n rows: the last of them has that number. */
int walk_end(const struct walk_asks *asks, enum walk_rows rows,
    const struct walk *w, size_t n, int64_t last, struct store_scan *ret);

/* A list's first `before': w's high where the filter has none. Also `until'. */
int64_t walk_before(int64_t before);

/* Look at fewer: of each row its orders are asked as well. */
void walk_less(struct walk *w);

/* What comes behind all that begins with find; in a. NULL: out of memory. */
char *walk_behind(struct arena *a, const char *find);

/* The text with the letters A to Z small; in a. NULL: out of memory. */
char *walk_lower(struct arena *a, const char *find);

#endif /* STORE_WALK_H */
