/*
 * lists.h -- what is read, and changes nothing: struct store_ops' lists, and
 * how much there is.
 */
#ifndef STORE_SQLITE_LISTS_H
#define STORE_SQLITE_LISTS_H

#include "store/sqlite/sqlite.h"

/* -- lists.c -- */
int lists_events(struct db *db, struct store_op *op);
int lists_event(struct db *db, struct store_op *op);
int lists_last_event(struct db *db, struct store_op *op);
int lists_orders(struct db *db, struct store_op *op);
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
int lists_rejection(struct db *db, struct store_op *op);

#endif /* STORE_SQLITE_LISTS_H */
