/*
 * The way back after a connection was lost, and what became of the transaction
 * that was under way then.
 *
 * The receiver's row has the number of its last transaction. Whoever has locked
 * it knows that no other transaction of this receiver is open: an earlier one
 * is there, by its number, or never will be. That it is there does not mean yet
 * that it is durable: its COMMIT may still wait for a standby. A further
 * transaction that is committed without a warning says so for both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres/backend.h"
#include "store/postgres/row.h"
#include "store/postgres/schema.h"

#define STATEMENT_MS 4000 /* the server ends it before we end the commit */
#define IDLE_MS 2000      /* a transaction waits so long for its COMMIT */

static const struct pg_statement who_am_i = { "who_am_i",
	"SELECT pid::int8, (extract(epoch FROM backend_start) * "
	"1000000)::int8 FROM pg_stat_activity WHERE pid = pg_backend_pid()" };
static const struct pg_statement end_session = { "end_session",
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = "
	"$1::int8 AND (extract(epoch FROM backend_start) * 1000000)::int8 = "
	"$2::int8" };
static const struct pg_statement last_batch = { "last_batch",
	"SELECT batch, dead FROM receivers WHERE id = $1::int8 FOR UPDATE" };
static const struct pg_statement beat_after = { "beat_after",
	"SELECT beat($1::int8, (SELECT batch + 1 FROM receivers WHERE id = "
	"$1::int8))" };

/* -- The connection -- */

void
settle_drop(struct pg_store *s)
{
	pg_conn_free(s->conn);
	s->conn = NULL;
}

void
settle_forget(struct pg_store *s)
{
	s->receiver = 0;
	s->batch = 0;
	s->unsure = 0;
	s->nstarts = 0;
}

/*
 * The server may not know yet that the connection before this one is lost: then
 * that holds the row of this receiver, and perhaps locks of orders. A failure
 * shows when they are asked for.
 */
static void
end_old_session(struct pg_store *s)
{
	char reason[STORE_REASON_MAX];
	struct arena mem = { 0 };
	struct pg_args args;
	PGresult *res;

	if (s->session.pid != 0) {
		pg_args_init(&args, &mem);
		pg_arg_int(&args, s->session.pid);
		pg_arg_int(&args, s->session.started);
		if (pg_query(s->conn, &end_session, &args, &res, reason) ==
		    STORE_OK)
			PQclear(res);
		arena_fini(&mem);
	}
	s->session.pid = 0;
	if (pg_query(s->conn, &who_am_i, NULL, &res, reason) == STORE_OK) {
		s->session.pid = pg_int(res, 0, 0);
		s->session.started = pg_int(res, 0, 1);
		PQclear(res);
	}
}

static enum store_rc
connect_writer(struct pg_store *s, int64_t deadline_ms, char *reason)
{
	struct pg_connect what = { .url = s->url,
		.deadline_ms = deadline_ms,
		.statement_ms = STATEMENT_MS,
		.idle_ms =
		    s->lease_ms / 2 < IDLE_MS ? s->lease_ms / 2 : IDLE_MS,
		.stop_fd = -1 };
	enum store_rc rc;

	if (s->moving != STORE_MOVING_NOT) {
		what.statement_ms = MOVE_STATEMENT_MS;
		what.idle_ms = MOVE_IDLE_MS;
	}

	if ((rc = pg_connect(&what, &s->conn, reason)) != STORE_OK) {
		s->conn = NULL;
		return (rc);
	}
	end_old_session(s);
	return (STORE_OK);
}

/* -- The last transaction -- */

/* What the receiver's row says. */
struct stored {
	bool seen;
	bool alive;
	int64_t batch;
};

/* pg_take_fn */
static int
stored_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	struct stored *stored = arg;

	(void)b;
	stored->seen = true;
	stored->alive = PQntuples(res) == 1 && !pg_bool(res, 0, 1);
	stored->batch = pg_int(res, 0, 0);
	return (stored->alive ? 0 : -1);
}

static int
add_settling(struct pg_batch *b, const struct pg_store *s, bool give_back,
    struct stored *ret)
{
	struct pg_args args;

	pg_args_init(&args, pg_batch_mem(b));
	pg_arg_int(&args, s->receiver);
	if (pg_batch_add(b, &last_batch, &args, stored_take, ret) == -1 ||
	    pg_batch_add(b, &beat_after, &args, NULL, NULL) == -1)
		return (-1);
	if (!give_back || s->nstarts == 0)
		return (0);
	pg_arg_array(&args, PG_INT8S, s->nstarts);
	for (size_t i = 0; i < s->nstarts; i++)
		pg_item_int(&args, s->starts[i]);
	return (pg_batch_add(b, &lease_give_back, &args, NULL, NULL));
}

static enum pg_end
run_settling(struct pg_store *s, bool give_back, int64_t deadline_ms,
    struct stored *ret, struct pg_failure *why)
{
	const struct pg_batch_run how = { .deadline_ms = deadline_ms };
	/* Without a receiver: it knows no number to begin with. */
	struct pg_batch *b = pg_batch_new(0, NULL);
	enum pg_end end = PG_NOTHING;

	if (b == NULL || add_settling(b, s, give_back, ret) == -1) {
		why->verdict = PG_BUSY;
		why->rc = STORE_BUSY;
		(void)snprintf(why->reason, sizeof(why->reason),
		    "out of memory");
	} else {
		end = pg_batch_run(b, s->conn, &how, why);
	}
	pg_batch_free(b);
	return (end);
}

enum store_rc
settle_last(struct pg_store *s, bool give_back, int64_t deadline_ms,
    bool *ret_committed, char *reason)
{
	int64_t began_ms = pg_now_ms();
	struct stored stored = { 0 };
	struct pg_failure why;
	enum store_rc rc;

	*ret_committed = false;
	if (s->conn == NULL &&
	    (rc = connect_writer(s, deadline_ms, reason)) != STORE_OK)
		return (rc == STORE_REFUSED ? STORE_AWAY : rc);
	if (run_settling(s, give_back, deadline_ms, &stored, &why) == PG_DONE) {
		*ret_committed = s->unsure != 0 && stored.batch >= s->unsure;
		s->batch = stored.batch + 1;
		s->unsure = 0;
		s->nstarts = 0;
		s->renewed_ms = began_ms;
		lease_go_on(s->lease, pg_now_ms());
		return (STORE_OK);
	}
	if (stored.seen && !stored.alive) {
		settle_forget(s);
		(void)snprintf(why.reason, sizeof(why.reason),
		    "%.200s: the lease of this receiver was over, and another "
		    "has taken over its jobs",
		    pg_name(s->conn));
		why.rc = STORE_AWAY;
	} else if (stored.seen && stored.batch < s->unsure) {
		/* Never will be: the next look must not take this one's
		 * number for it. */
		s->unsure = 0;
		s->nstarts = 0;
	}
	settle_drop(s);
	memcpy(reason, why.reason, sizeof(why.reason));
	return (why.rc);
}

/* -- Beginning anew -- */

/* Be the same receiver again, if that can be; else there is none any more. */
static enum store_rc
go_on(struct pg_store *s, char *reason)
{
	bool committed;
	enum store_rc rc;

	rc = settle_last(s, true, pg_now_ms() + PG_REOPEN_MS, &committed,
	    reason);
	/*
	 * A session of the server that was stopped keeps the row locked. Once
	 * the lease is over, who waits for it would wait alone.
	 */
	if (rc != STORE_OK && s->receiver != 0 &&
	    pg_now_ms() - s->renewed_ms > s->lease_ms)
		settle_forget(s);
	return (rc);
}

static enum store_rc
enter(struct pg_store *s, char *reason)
{
	const struct lease_who who = { s->receiver_name, s->lease_ms };
	int64_t began_ms = pg_now_ms(), receiver;
	enum store_rc rc;

	rc = lease_enter(s->lease, s->conn, &who, began_ms, &receiver, reason);
	if (rc != STORE_OK) {
		settle_drop(s);
		return (rc);
	}
	settle_forget(s);
	s->receiver = receiver;
	s->renewed_ms = began_ms;
	return (STORE_OK);
}

enum store_rc
settle_reopen(struct pg_store *s, unsigned within_ms, char *reason)
{
	enum store_mode mode = s->mode;
	enum store_rc rc;

	settle_drop(s);
	rc = connect_writer(s, pg_now_ms() + within_ms, reason);
	if (rc != STORE_OK)
		return (rc);
	/* What is to be filled is made. */
	if (s->moving == STORE_MOVING_TO)
		mode = STORE_SERVE;
	if ((rc = schema_bring(s->conn, mode, reason)) != STORE_OK) {
		settle_drop(s);
		return (rc);
	}
	if (s->receiver != 0)
		return (go_on(s, reason));
	if ((rc = move_enter(s, reason)) != STORE_OK)
		settle_drop(s);
	if (rc != STORE_OK || s->lease == NULL)
		return (rc);
	return (enter(s, reason));
}
