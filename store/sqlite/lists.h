/*
 * lists.h -- what is read, and changes nothing: struct store_ops' lists, and
 * how much there is.
 */
#ifndef STORE_SQLITE_LISTS_H
#define STORE_SQLITE_LISTS_H

#include "store/sqlite/sqlite.h"

/* -- walk.c: how far a list is looked through -- */

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

/* The part of a list of events that this call looks at, by f; of orders by
 * the events that carry them. */
int walk_events(struct db *db, const struct store_filter *f, struct walk *w);
int walk_orders(struct db *db, const struct store_filter *f, struct walk *w);
int walk_jobs(struct db *db, const struct store_job_filter *f, struct walk *w);

/*
 * It was looked through, and gave n rows: the last of them has that number.
 * which: SQL_WALK_EVENTS or SQL_WALK_JOBS.
 */
int walk_end(struct db *db, enum db_sql which, const struct walk *w, size_t n,
    int64_t last, struct store_scan *ret);

/*
 * Numbers of the events that f->find names, as a JSON array in a: of all of
 * them, if few have an id that begins so; else *ret_json is NULL.
 */
int walk_find(struct db *db, const struct store_filter *f, struct walk *w,
    struct arena *a, const char **ret_json);

/* Bind what statements with a part FINDS ask for; copies are made in a. */
int walk_bind(sqlite3_stmt *st, struct arena *a, const char *find);

/* A list's first `before': w's high where the filter has none. */
int64_t walk_before(int64_t before);

/* -- lists.c -- */
int lists_events(struct db *db, struct store_op *op);
int lists_event(struct db *db, struct store_op *op);
int lists_last_event(struct db *db, struct store_op *op);
int lists_orders(struct db *db, struct store_op *op);
int lists_board(struct db *db, struct store_op *op);
int lists_order(struct db *db, struct store_op *op);

/* -- lists_jobs.c -- */

/* The first jobs of an event, up to max, in op's result memory. */
int lists_jobs_of_event(struct db *db, struct store_op *op, size_t max,
    struct store_event_info *info);
int lists_jobs(struct db *db, struct store_op *op);
int lists_attempts(struct db *db, struct store_op *op);
int lists_event_attempts(struct db *db, struct store_op *op);
int lists_handlers(struct db *db, struct store_op *op);

/* -- measure.c -- */
int measure_run(struct db *db, struct store_op *op);

/* -- lists_rejections.c -- */
int lists_rejections(struct db *db, struct store_op *op);
int lists_rejection_groups(struct db *db, struct store_op *op);
int lists_rejection(struct db *db, struct store_op *op);

#endif /* STORE_SQLITE_LISTS_H */
