/*
 * backend.h -- private to backend.c, commit.c, move.c and settle.c: an open
 * store on PostgreSQL.
 */
#ifndef STORE_POSTGRES_BACKEND_H
#define STORE_POSTGRES_BACKEND_H

#include <stdatomic.h>

#include "store/postgres/batch.h"
#include "store/postgres/lease.h"
#include "store/postgres/postgres.h"

/*
 * A commit takes no longer than this, all of it, but for what large bodies take
 * on their way. Of that the last part is for a new connection, should the
 * answer to COMMIT be lost. The intake does not wait so long: it answers 503.
 */
#define PG_COMMIT_MS 6000
#define PG_SETTLE_MS 1500
#define PG_MS_PER_MB 100

/* One try to connect: of a reopen it holds up what is queued meanwhile. */
#define PG_OPEN_MS 10000
#define PG_REOPEN_MS 3000

/* The connection of the writer, as the server knows it. */
struct pg_session {
	int64_t pid; /* 0: not known */
	int64_t started;
};

struct pg_store {
	/* Set by open, then constant. */
	struct store *st;
	char *url, *receiver_name;
	enum store_mode mode;
	unsigned lease_ms;
	enum store_moving moving;

	/* The writer's. */
	struct pg_conn *conn; /* NULL: only reopen helps */
	struct pg_session session;
	struct lease *lease;        /* NULL: a verb's, which owns nothing */
	_Atomic int64_t receiver;   /* 0: it has to become one */
	int64_t batch;              /* of the last transaction that is known */
	_Atomic int64_t renewed_ms; /* when that was begun */
	int64_t unsure;  /* of one whose answer was lost; 0: there is none */
	int64_t *starts; /* which jobs that one begins, or is to begin */
	size_t nstarts, starts_room;
	struct flood flood;
	enum store_rc shut; /* as is_shut() */
	char why_shut[STORE_REASON_MAX];

	struct pg_move *move; /* NULL: it is not moved; see move.c */

	/* The reader's. */
	struct pg_conn *reader;
	int stop_fd; /* eventfd: what is read is to end */
};

/* -- commit.c -- */

/* As struct store_ops commit and probe. */
enum store_rc commit_ops(struct pg_store *s, struct store_op *const *ops,
    size_t n, char *reason);
enum store_rc commit_probe(struct pg_store *s, char *reason);

/* -- settle.c -- */

/* The writer's connection is of no use any more. */
void settle_drop(struct pg_store *s);

/* What this receiver did is known; from now on it is another. */
void settle_forget(struct pg_store *s);

/*
 * Find out what became of the last transaction, on a new connection if the
 * other is lost, and be sure that it is durable. give_back: what it began has
 * no caller any more. STORE_OK: all is known; *ret_committed: the one that was
 * `unsure' is committed. Else as commit, and it has to be asked again; but if
 * the receiver is dead (STORE_AWAY) there is nothing to be asked any more.
 */
enum store_rc settle_last(struct pg_store *s, bool give_back,
    int64_t deadline_ms, bool *ret_committed, char *reason);

/*
 * Connect the writer anew, within that time, settle, and be a receiver. Returns
 * as struct store_ops reopen; STORE_REFUSED: the login or the database is
 * refused.
 */
enum store_rc settle_reopen(struct pg_store *s, unsigned within_ms,
    char *reason);

/* -- move.c: how its rows come from another store, or go there -- */

/* How long a statement may take then, and a transaction wait for its next. */
#define MOVE_STATEMENT_MS 600000
#define MOVE_IDLE_MS 3600000

extern const struct store_move_ops postgres_move_ops;

/*
 * The writer's connection is there, and the schema is this version's. If it is
 * opened for a move, that begins; else: may it be opened at all? STORE_OK,
 * STORE_REFUSED, or as pg_query().
 */
enum store_rc move_enter(struct pg_store *s, char *reason);

/* The same for a connection that only reads. */
enum store_rc move_look(struct pg_conn *c, char *reason);

#endif /* STORE_POSTGRES_BACKEND_H */
