/*
 * The table of functions that this backend is.
 *
 * The writer's connection and the reader's live by themselves: the reader's is
 * made when it is first needed, and again when it was lost.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/postgres/backend.h"
#include "store/postgres/schema.h"
#include "store/postgres/url.h"

#define READ_MS 300000 /* a list, or a check of all there is */
#define READ_IDLE_MS 10000

/* -- Reading -- */

static bool
is_interrupted(const struct pg_store *s)
{
	struct pollfd p = { .fd = s->stop_fd, .events = POLLIN };

	return (poll(&p, 1, 0) == 1);
}

static enum store_rc
connect_reader(struct pg_store *s, unsigned within_ms, char *reason)
{
	struct pg_connect what = { .url = s->url,
		.read_only = s->mode == STORE_READ,
		.deadline_ms = pg_now_ms() + within_ms,
		.statement_ms = READ_MS,
		.idle_ms = READ_IDLE_MS,
		.stop_fd = s->stop_fd };
	enum store_rc rc;

	rc = pg_connect(&what, &s->reader, reason);
	if (rc != STORE_OK)
		s->reader = NULL;
	return (rc);
}

static void
drop_reader(struct pg_store *s)
{
	pg_conn_free(s->reader);
	s->reader = NULL;
}

static enum store_rc
read_once(struct pg_store *s, struct store_op *op, char *reason)
{
	enum store_rc rc = STORE_OK;

	if (s->reader == NULL)
		rc = connect_reader(s, PG_REOPEN_MS, reason);
	if (rc == STORE_OK)
		rc = pg_kinds[op->kind].read(s->reader, op, reason);
	if (rc == STORE_AWAY)
		drop_reader(s);
	return (rc == STORE_REFUSED && s->reader == NULL ? STORE_AWAY : rc);
}

static void
postgres_read(void *be, struct store_op *op)
{
	char reason[STORE_REASON_MAX];
	struct pg_store *s = be;
	bool was_connected = s->reader != NULL;
	enum store_rc rc;

	rc = read_once(s, op, reason);
	/* It may have been lost long ago: that is no reason to fail. */
	if (rc == STORE_AWAY && was_connected && !is_interrupted(s)) {
		store_op_reset(op);
		rc = read_once(s, op, reason);
	}
	if (rc == STORE_AWAY && is_interrupted(s)) /* it is we who end it */
		rc = STORE_FAILED;
	if (rc != STORE_OK)
		store_op_fail(op, rc, reason);
	else if (op->kind == STORE_OP_LIST_RECEIVERS)
		receivers_find_own(op, s->receiver);
}

static void
postgres_interrupt(void *be)
{
	const uint64_t one = 1;
	struct pg_store *s = be;
	ssize_t n;

	n = write(s->stop_fd, &one, sizeof(one));
	(void)n; /* it cannot fail but by being full, which is as good */
}

/* -- Writing -- */

static enum store_rc
postgres_commit(void *be, struct store_op *const *ops, size_t n, char *reason)
{
	return (commit_ops(be, ops, n, reason));
}

static enum store_rc
postgres_probe(void *be, char *reason)
{
	return (commit_probe(be, reason));
}

static enum store_rc
postgres_tick(void *be, const struct store_asked *asked,
    struct store_news *news, char *reason)
{
	char unsettled[STORE_REASON_MAX];
	struct pg_store *s = be;
	int64_t batch = s->batch, now_ms = pg_now_ms();
	enum store_rc rc;
	bool committed;

	if (s->conn == NULL || s->receiver == 0) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "the database cannot be reached");
		return (STORE_AWAY);
	}
	rc = lease_tick(s->lease, s->conn, &s->batch, now_ms, asked, news,
	    reason);
	if (rc == STORE_OK) {
		if (s->batch != batch)
			s->renewed_ms = now_ms;
		return (STORE_OK);
	}
	if (pg_verdict(s->conn) == PG_FENCED)
		settle_forget(s);
	if (rc == STORE_AWAY)
		settle_drop(s);
	if (s->receiver == 0)
		return (rc);
	/*
	 * Nobody knows whether its transaction counts. A server that was only
	 * restarted is there again, so that no delivery has to wait for it.
	 */
	if (settle_last(s, false, pg_now_ms() + PG_SETTLE_MS, &committed,
		unsettled) != STORE_OK)
		return (STORE_AWAY);
	return (rc == STORE_AWAY ? STORE_OK : rc);
}

static bool
postgres_holds(const void *be, int64_t hold)
{
	const struct pg_store *s = be;
	/* Read before the number: of a new receiver the number is set first. */
	int64_t renewed_ms = s->renewed_ms;

	return (s->receiver == hold &&
		pg_now_ms() - renewed_ms < (int64_t)s->lease_ms);
}

static enum store_rc
postgres_reopen(void *be, char *reason)
{
	struct pg_store *s = be;
	enum store_rc rc;
	uint64_t n;
	ssize_t got;

	got = read(s->stop_fd, &n, sizeof(n)); /* may be empty */
	(void)got;
	rc = settle_reopen(s, PG_REOPEN_MS, reason);
	/* Others are in the way, or the login does not do now: that passes. */
	if (rc == STORE_BUSY || rc == STORE_REFUSED)
		rc = STORE_AWAY;
	return (rc);
}

/* -- Opening and closing -- */

/*
 * Give all away at once, so that nobody has to wait for the end of a lease;
 * if the server is there, even if it was not the last time.
 */
static void
leave_all(struct pg_store *s)
{
	char reason[STORE_REASON_MAX];
	bool committed;

	if (s->lease == NULL || s->receiver == 0)
		return;
	if (s->conn == NULL)
		(void)settle_last(s, true, pg_now_ms() + PG_SETTLE_MS,
		    &committed, reason);
	if (s->conn != NULL)
		lease_leave(s->lease, s->conn);
}

static void
postgres_close(void *be)
{
	struct pg_store *s = be;

	if (s == NULL)
		return;
	leave_all(s);
	settle_drop(s);
	drop_reader(s);
	lease_free(s->lease);
	if (s->stop_fd != -1)
		(void)close(s->stop_fd);
	if (s->url != NULL)
		explicit_bzero(s->url, strlen(s->url));
	free(s->url);
	free(s->receiver_name);
	free(s->starts);
	free(s->move);
	free(s);
}

static struct pg_store *
pg_store_new(const struct store_place *place)
{
	struct pg_store *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->st = place->st;
	s->mode = place->mode;
	s->moving = place->moving;
	s->lease_ms = place->lease_ms;
	s->url = strdup(place->url);
	s->receiver_name = strdup(place->receiver);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->mode == STORE_SERVE)
		s->lease = lease_new();
	if (s->url == NULL || s->receiver_name == NULL || s->stop_fd == -1 ||
	    (s->mode == STORE_SERVE && s->lease == NULL)) {
		postgres_close(s);
		return (NULL);
	}
	return (s);
}

/* A login or a database that is refused is a mistake in the settings. */
static enum store_rc
open_all(struct pg_store *s, char *reason)
{
	enum store_rc rc;

	if (s->mode == STORE_READ) {
		rc = connect_reader(s, PG_OPEN_MS, reason);
		if (rc == STORE_OK)
			rc = schema_bring(s->reader, s->mode, reason);
		if (rc == STORE_OK)
			rc = move_look(s->reader, reason);
		return (rc == STORE_REFUSED ? STORE_FAILED : rc);
	}
	rc = settle_reopen(s, PG_OPEN_MS, reason);
	if (s->mode == STORE_SERVE &&
	    (rc == STORE_AWAY || rc == STORE_BUSY || rc == STORE_FULL)) {
		s->shut = rc == STORE_AWAY ? STORE_AWAY : STORE_FAILED;
		(void)snprintf(s->why_shut, sizeof(s->why_shut), "%s", reason);
		return (STORE_OK);
	}
	return (rc == STORE_REFUSED ? STORE_FAILED : rc);
}

static enum store_rc
postgres_open(const struct store_place *place, void **ret_be, char *reason)
{
	struct pg_store *s;
	enum store_rc rc;

	if ((s = pg_store_new(place)) == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX, "the store: %s",
		    strerror(errno));
		return (STORE_FAILED);
	}
	if ((rc = open_all(s, reason)) == STORE_OK)
		*ret_be = s;
	else
		postgres_close(s);
	return (rc);
}

/* The server sees to what it has not closed by itself. */
static bool
postgres_was_unclean(const void *be)
{
	(void)be;
	return (false);
}

static enum store_rc
postgres_is_shut(const void *be, char *reason)
{
	const struct pg_store *s = be;

	if (s->shut != STORE_OK)
		memcpy(reason, s->why_shut, sizeof(s->why_shut));
	return (s->shut);
}

const struct store_ops store_postgres_ops = {
	.traits = {
	    .is_shared = true,
	    .backup_with = "pg_dump -Fc -n klikitd -f FILE URL",
	    .purge_leaves = "the database's own files until VACUUM FULL, its "
			    "log, archives and standbys",
	},
	.url_name = url_name,
	.check_url = url_check,
	.open = postgres_open,
	.commit = postgres_commit,
	.probe = postgres_probe,
	.reopen = postgres_reopen,
	.tick_ms = LEASE_TICK_MS,
	.tick = postgres_tick,
	.holds = postgres_holds,
	.read = postgres_read,
	.interrupt = postgres_interrupt,
	.was_unclean = postgres_was_unclean,
	.is_shut = postgres_is_shut,
	.move = &postgres_move_ops,
	.close = postgres_close,
};
