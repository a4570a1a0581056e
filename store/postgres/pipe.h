/*
 * pipe.h -- private to store/postgres/: a connection, and statements on it,
 * each wait with a deadline of our own (a stopped backend ignores all others).
 *
 * Owns: the connection, and which statements it has prepared.
 * Threads: one at a time; the writer and the reader have one connection each.
 */
#ifndef STORE_POSTGRES_PIPE_H
#define STORE_POSTGRES_PIPE_H

#include <libpq-fe.h>

#include "store/flood.h"
#include "store/postgres/args.h"
#include "store/postgres/errors.h"
#include "store/store.h"

struct pg_conn; /* opaque */

/* Prepared once per connection, when it is first used. */
struct pg_statement {
	const char *name;
	const char *text; /* each $n with a cast */
};

/* The kernel's clock of the time since its start, of which deadlines are. */
int64_t pg_now_ms(void);

/* What pg_connect() is to make. */
struct pg_connect {
	const char *url;       /* as configured */
	bool read_only;        /* lists only; may be a standby's */
	int64_t deadline_ms;   /* of the whole */
	unsigned statement_ms; /* how long any statement may take */
	unsigned idle_ms;      /* and a transaction wait for its next */
	/*
	 * An eventfd, borrowed as long as the connection lives; -1: none. While
	 * it is readable, what waits for the server fails with STORE_AWAY. It
	 * is never read here. The connecting is ended by it, too.
	 */
	int stop_fd;
};

/*
 * Connect, look whether the server is one that keeps what it acknowledges, and
 * set up the session. Returns STORE_OK and *ret_c; STORE_AWAY (it cannot be
 * reached, is no primary, is starting, has no connection left); STORE_REFUSED
 * (it refuses the login, or has no such database: by that a start fails; later
 * it is as STORE_AWAY); or STORE_FAILED (it can never do: pgbouncer in
 * transaction mode, fsync off, no UTF8, too old; an option that libpq does not
 * take). The reason names the server, without any password.
 */
enum store_rc pg_connect(const struct pg_connect *what, struct pg_conn **ret_c,
    char reason[STORE_REASON_MAX]);
void pg_conn_free(struct pg_conn *c); /* accepts NULL */

/* The server, as a reason names it. */
const char *pg_name(const struct pg_conn *c);

/* Is a transaction open, or one that has failed and waits for ROLLBACK? */
bool pg_in_transaction(const struct pg_conn *c);

/*
 * What went wrong last on c, as outcome (pg_rc() of the verdict) and words, or
 * of what the server warned (STORE_AWAY).
 */
enum store_rc pg_reason(struct pg_conn *c, char reason[STORE_REASON_MAX]);

/*
 * One statement, outside of a batch. On STORE_OK *ret_res is the caller's to
 * PQclear(). Else as pg_reason(); STORE_AWAY: the connection is of no use now.
 */
enum store_rc pg_query(struct pg_conn *c, const struct pg_statement *s,
    const struct pg_args *args, PGresult **ret_res,
    char reason[STORE_REASON_MAX]);

/*
 * Several statements without values in one text, as psql would send them: all
 * in one transaction, unless one is open already. within_ms is for all of it;
 * 0: as for any statement. Returns as pg_query().
 */
enum store_rc pg_script(struct pg_conn *c, const char *sql, unsigned within_ms,
    char reason[STORE_REASON_MAX]);

/* -- Pieces of a pipeline: for batch.c -- */

/*
 * Put a statement into the pipeline (prepared before it if it is not yet), or
 * end it there. args may be NULL: it has no values; what they lead to is
 * borrowed for the call. Returns STORE_OK; or as pg_reason(), and then the
 * connection is of no use.
 */
enum store_rc pg_send(struct pg_conn *c, const struct pg_statement *s,
    const struct pg_args *args);
enum store_rc pg_sync(struct pg_conn *c);

/*
 * The result of the next statement that was sent. STORE_OK: *ret_res is the
 * caller's to PQclear(). Else as pg_reason(), and all that follow up to the end
 * fail the same way. deadline_ms is of pg_now_ms(): past it the answer
 * is STORE_AWAY, and the connection is of no use.
 */
enum store_rc pg_receive(struct pg_conn *c, int64_t deadline_ms,
    PGresult **ret_res);

/*
 * The end of the pipeline, after pg_sync(); results that were not received are
 * dropped. Returns STORE_OK, or how a statement failed: then the connection is
 * of use only if pg_verdict() is not PG_AWAY, and a transaction that was open
 * waits for ROLLBACK.
 */
enum store_rc pg_receive_end(struct pg_conn *c, int64_t deadline_ms);

/*
 * What went wrong last, as errors.c's table has it; and whether the server had
 * something to say beside its answers since the first pg_send() of this
 * pipeline: of a COMMIT that a standby is gone, and that it may be lost.
 */
enum pg_verdict pg_verdict(const struct pg_conn *c);
bool pg_warned(const struct pg_conn *c);

/* -- A transaction, all of it sent at once -- */

struct pg_batch; /* opaque: statements that wait to be sent, and locks */

/*
 * The result of a statement, in the order in which they were added, before the
 * commit. Returns 0; -1 when out of memory, or if the result is not what the
 * statement should give: then nothing is committed.
 */
typedef int pg_take_fn(struct pg_batch *b, const PGresult *res, void *arg);

/* Lives until the batch has ended: for args, and for what take needs. */
struct arena *pg_batch_mem(struct pg_batch *b);

/* This receiver's number; 0: a verb's, that owns nothing. */
int64_t pg_batch_receiver(const struct pg_batch *b);

/* How many duplicates this connection's appends may still note. */
struct flood *pg_batch_flood(struct pg_batch *b);

/* take may be NULL. Returns 0; -1 when out of memory, or if args failed. */
int pg_batch_add(struct pg_batch *b, const struct pg_statement *s,
    const struct pg_args *args, pg_take_fn *take, void *arg);

/*
 * Before all statements, the locks of these orders, and of the orders in whose
 * lanes that job stands, are taken: all of the batch at once, sorted. No lane
 * is looked at or changed without. Return 0, or -1 when out of memory.
 */
int pg_batch_lock_order(struct pg_batch *b, const char *order_id,
    const char *scope);
int pg_batch_lock_job(struct pg_batch *b, int64_t job);

/* Told to the pages of other receivers, if somebody looks at them. */
enum pg_news { PG_NEWS_EVENT, PG_NEWS_JOB, PG_NEWS_REJECTION };
void pg_batch_news(struct pg_batch *b, enum pg_news kind, int64_t number);

#endif /* STORE_POSTGRES_PIPE_H */
