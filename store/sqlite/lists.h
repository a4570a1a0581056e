/*
 * lists.h -- what is read, and changes nothing: struct store_ops' lists, and
 * how much there is.
 */
#ifndef STORE_SQLITE_LISTS_H
#define STORE_SQLITE_LISTS_H

#include "store/sqlite/sqlite.h"
#include "store/walk.h"

/* -- walk.c -- */

/* How the database answers what store/walk.h asks; it must outlive that. */
struct walk_asks walk_asks(struct db *db);

/*
 * Numbers of the events that f->find names, as a JSON array in a: of all of
 * them, if few have an id that begins so; else *ret_json is NULL.
 */
int walk_find(struct db *db, const struct store_filter *f, struct walk *w,
    struct arena *a, const char **ret_json);

/* Bind what statements with a part FINDS ask for; copies are made in a. */
int walk_bind(sqlite3_stmt *st, struct arena *a, const char *find);

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
