/*
 * postgres.h -- private to store/postgres/: the kinds of operations, by
 * subject. Statements call the functions of schema/NNN_*.sql, in which what a
 * batch does stands, a set of rows at a time.
 */
#ifndef STORE_POSTGRES_POSTGRES_H
#define STORE_POSTGRES_POSTGRES_H

#include "store/op.h"
#include "store/postgres/pipe.h"
#include "store/store_ops.h"

struct pg_reader; /* the reader thread's side: a connection, in a snapshot */

/*
 * How operations of a kind are put together. In a transaction all appends come
 * first, then all finishes, then all starts: none of them depends on another's
 * result. All other kinds keep their place: what was queued before them is
 * done before, and they are added one by one.
 */
enum pg_group { PG_IN_PLACE, PG_APPENDS, PG_FINISHES, PG_STARTS };

struct pg_kind {
	enum pg_group group;
	/*
	 * Add what ops[0..n) need, in their order, to the batch; their res is
	 * set by the takes. Returns 0, or -1 when out of memory.
	 */
	int (*add)(struct pg_batch *b, struct store_op *const *ops, size_t n);
	/* Instead, of a kind that reads: as struct store_ops read. */
	enum store_rc (*read)(struct pg_conn *c, struct store_op *op,
	    char reason[STORE_REASON_MAX]);
};
extern const struct pg_kind pg_kinds[STORE_NOPS]; /* kinds.c */

/* -- Writing: append.c, finish.c, start.c, acts.c, ... -- */

typedef int pg_add_fn(struct pg_batch *b, struct store_op *const *ops,
    size_t n);
pg_add_fn append_add;     /* append.c */
pg_add_fn finish_add;     /* finish.c */
pg_add_fn start_add;      /* start.c */
pg_add_fn act_add;        /* acts.c */
pg_add_fn pause_add;      /* acts.c */
pg_add_fn unguard_add;    /* acts.c */
pg_add_fn release_add;    /* acts.c */
pg_add_fn runnable_add;   /* runnable.c: claims */
pg_add_fn register_add;   /* acts.c */
pg_add_fn clock_note_add; /* clock.c: the database's clock is the store's */
pg_add_fn counts_add;     /* counts.c */
pg_add_fn reject_add;     /* rejections.c */
pg_add_fn purge_add;      /* purge.c */

/* -- Reading -- */

typedef enum store_rc pg_read_fn(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX]);
pg_read_fn list_events; /* lists.c */
pg_read_fn get_event;
pg_read_fn last_event;
pg_read_fn list_orders;
pg_read_fn list_board;
pg_read_fn get_order;
pg_read_fn list_jobs; /* lists_jobs.c */
pg_read_fn list_attempts;
pg_read_fn list_event_attempts;
pg_read_fn list_handlers;
pg_read_fn list_receivers; /* receivers.c; `own' is set by the next: */
void receivers_find_own(struct store_op *op, int64_t receiver);
pg_read_fn list_rejections; /* lists_rejections.c */
pg_read_fn group_rejections;
pg_read_fn get_rejection;
pg_read_fn list_counts;   /* counts.c */
pg_read_fn get_arrival;   /* arrivals.c */
pg_read_fn measure_read;  /* measure.c */
pg_read_fn clock_read;    /* clock.c */
pg_read_fn check_read;    /* check.c: counters against lanes */
pg_read_fn backup_refuse; /* check.c: names pg_dump */

/* -- event_row.c: an event out of a result -- */

/*
 * The columns of an event from `first' on, as the SQL type event_row has them:
 * id, event_id, scope, type, origin, repeat_of (0), original, brand, branch,
 * signature, secret, peer, received_at, came_at (of older rows: received_at),
 * body_size, body (NULL: not asked for, or gone), places int8[], order_ids
 * text[], statuses text[], updated_ats text[], external_ids text[], endpoint.
 */
#define EVENT_ROW_COLUMNS 22

/*
 * Make the event of that row, kept by op (store_op_keep()). Returns 0; -1 when
 * out of memory or if the row is none.
 */
int event_row_read(struct store_op *op, const PGresult *res, int row, int first,
    struct store_event **ret_ev);

#endif /* STORE_POSTGRES_POSTGRES_H */
