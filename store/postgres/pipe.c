/*
 * Statements on a connection. It is always in libpq's pipeline mode, but for
 * scripts; it never blocks, and each wait is a poll() with a deadline, since a
 * server that was stopped keeps its connections and answers nothing.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/postgres/pipe_private.h"

#define BINARY 1
#define TEXT 0
/* What the server ends by its own statement_timeout is heard of first. */
#define GRACE_MS 2000
/*
 * Of TLS some bytes may have been read and not handed on, while the socket is
 * silent: libpq is asked again at least so often.
 */
#define TLS_WAIT_MS 20
/* A connection that was lost may have a few results of why. */
#define LAST_WORDS_MAX 8

int64_t
pg_now_ms(void)
{
	struct timespec t;

	/* In suspend, too: the lease goes on there. */
	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* -- What went wrong -- */

static void conn_say(struct pg_conn *c, enum pg_verdict verdict,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
conn_say(struct pg_conn *c, enum pg_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	c->verdict = verdict;
	va_start(ap, fmt);
	(void)vsnprintf(c->reason, sizeof(c->reason), fmt, ap);
	va_end(ap);
	pg_clean(c->reason);
}

/* The pipeline fails; what was first said of it stays. */
static enum store_rc
conn_fail(struct pg_conn *c, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	if (!c->failed) {
		c->failed = true;
		/* DETAIL is left out: it quotes what is stored. */
		if (state != NULL && text != NULL)
			conn_say(c, pg_judge(state), "%s: %.300s (%s)", c->name,
			    text, state);
		else
			conn_say(c, pg_judge(state), "%s: %.300s", c->name,
			    PQresultErrorMessage(res));
	}
	return (pg_rc(c->verdict));
}

/* The connection is of no use any more. */
static enum store_rc
conn_lose(struct pg_conn *c, const char *why)
{
	if (!c->failed || c->verdict != PG_AWAY)
		conn_say(c, PG_AWAY, "%s: %.300s", c->name, why);
	c->failed = c->lost = true;
	c->open = false;
	return (STORE_AWAY);
}

/* So says libpq, in its first line: the server may have said why before. */
static enum store_rc
conn_lose_libpq(struct pg_conn *c)
{
	char words[STORE_REASON_MAX];
	PGresult *res;

	for (int i = 0; i < LAST_WORDS_MAX && PQstatus(c->pg) == CONNECTION_BAD;
	     i++) {
		if ((res = PQgetResult(c->pg)) == NULL)
			break;
		if (PQresultErrorField(res, PG_DIAG_SQLSTATE) != NULL)
			(void)conn_fail(c, res);
		PQclear(res);
	}
	(void)snprintf(words, sizeof(words), "%s", PQerrorMessage(c->pg));
	words[strcspn(words, "\n")] = '\0';
	return (conn_lose(c, words));
}

/* A notice receiver of libpq's: runs while it reads. */
static void
conn_notice_cb(void *arg, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	struct pg_conn *c = arg;

	c->warned = true;
	if (!c->failed)
		conn_say(c, PG_AWAY, "%s: the server warns: %.300s (%s)",
		    c->name, text != NULL ? text : "",
		    state != NULL ? state : "");
}

enum store_rc
pg_reason(struct pg_conn *c, char reason[STORE_REASON_MAX])
{
	memcpy(reason, c->reason, STORE_REASON_MAX);
	return (pg_rc(c->verdict));
}

enum pg_verdict
pg_verdict(const struct pg_conn *c)
{
	return (c->verdict);
}

bool
pg_warned(const struct pg_conn *c)
{
	return (c->warned);
}

const char *
pg_name(const struct pg_conn *c)
{
	return (c->name);
}

bool
pg_in_transaction(const struct pg_conn *c)
{
	PGTransactionStatusType now = PQtransactionStatus(c->pg);

	return (now == PQTRANS_INTRANS || now == PQTRANS_INERROR ||
		now == PQTRANS_ACTIVE);
}

/* -- Life -- */

struct pg_conn *
pg_conn_new(PGconn *pg, const char *name, int stop_fd)
{
	struct pg_conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		PQfinish(pg);
		return (NULL);
	}
	c->pg = pg;
	c->stop_fd = stop_fd;
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	(void)PQsetNoticeReceiver(pg, conn_notice_cb, c);
	(void)PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
	if (PQsetnonblocking(pg, 1) == -1 || PQenterPipelineMode(pg) == 0)
		(void)conn_lose(c, PQerrorMessage(pg));
	return (c);
}

void
pg_conn_free(struct pg_conn *c)
{
	if (c == NULL)
		return;
	PQfinish(c->pg);
	free(c->prepared);
	free(c->steps);
	free(c);
}

/* -- Waiting -- */

/* Wait until something may be read, or written if wanted. */
static enum store_rc
wait_some(struct pg_conn *c, bool write_too, int64_t deadline_ms)
{
	struct pollfd fds[2] = {
		{ .fd = PQsocket(c->pg),
		    .events = write_too ? POLLIN | POLLOUT : POLLIN },
		{ .fd = c->stop_fd, .events = POLLIN },
	};
	int64_t left = deadline_ms - pg_now_ms();

	if (left <= 0)
		return (conn_lose(c, "no answer in time"));
	if (PQsslInUse(c->pg) && left > TLS_WAIT_MS)
		left = TLS_WAIT_MS;
	if (left > INT_MAX)
		left = INT_MAX;
	if (poll(fds, 2, (int)left) == -1 && errno != EINTR)
		return (conn_lose(c, strerror(errno)));
	if (fds[1].revents != 0)
		return (conn_lose(c, "interrupted"));
	return (STORE_OK);
}

/* Send what is to be sent, and read until PQgetResult() has something. */
static enum store_rc
wait_result(struct pg_conn *c, int64_t deadline_ms)
{
	int unsent;

	if (c->lost)
		return (STORE_AWAY);
	for (;;) {
		/* When it fails, there may still be something to read. */
		unsent = PQflush(c->pg);
		if (PQisBusy(c->pg) == 0)
			return (STORE_OK);
		if (wait_some(c, unsent == 1, deadline_ms) != STORE_OK)
			return (STORE_AWAY);
		if (PQconsumeInput(c->pg) == 0 && PQisBusy(c->pg) != 0)
			return (conn_lose_libpq(c));
	}
}

/* The next of libpq's results; NULL is its end of a statement. */
static enum store_rc
next_result(struct pg_conn *c, int64_t deadline_ms, PGresult **ret_res)
{
	if (wait_result(c, deadline_ms) != STORE_OK)
		return (STORE_AWAY);
	*ret_res = PQgetResult(c->pg);
	return (STORE_OK);
}

/* -- Prepared statements -- */

static struct pg_prepared *
prepared_find(struct pg_conn *c, const struct pg_statement *s)
{
	for (size_t i = 0; i < c->nprepared; i++)
		if (c->prepared[i].s == s)
			return (&c->prepared[i]);
	return (NULL);
}

/* Its step was received. */
static void
prepared_settle(struct pg_conn *c, const struct pg_statement *s, bool done)
{
	struct pg_prepared *p = prepared_find(c, s);

	if (p != NULL && done)
		p->sure = true;
	else if (p != NULL && !p->sure)
		*p = c->prepared[--c->nprepared];
}

/* Room for one more in an array; -1: there is none. */
static int
make_room(void **array, size_t n, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 16 : 2 * *room;
	void *larger;

	if (n < *room)
		return (0);
	if ((larger = reallocarray(*array, more, size)) == NULL)
		return (-1);
	*array = larger;
	*room = more;
	return (0);
}

/* -- The pipeline -- */

static int
step_add(struct pg_conn *c, const struct pg_statement *s, bool prepares)
{
	void *steps = c->steps;

	if (make_room(&steps, c->nsteps, &c->steps_room, sizeof(*c->steps)) ==
	    -1)
		return (-1);
	c->steps = steps;
	c->steps[c->nsteps++] = (struct pg_step){ s, prepares };
	return (0);
}

static void
pipeline_open(struct pg_conn *c)
{
	if (c->open || c->lost)
		return;
	c->open = true;
	c->failed = c->warned = false;
	c->nsteps = c->received = 0;
}

static enum store_rc
send_prepare(struct pg_conn *c, const struct pg_statement *s)
{
	void *prepared = c->prepared;

	if (make_room(&prepared, c->nprepared, &c->prepared_room,
		sizeof(*c->prepared)) == -1)
		return (conn_lose(c, "out of memory"));
	c->prepared = prepared;
	if (PQsendPrepare(c->pg, s->name, s->text, 0, NULL) == 0)
		return (conn_lose_libpq(c));
	if (step_add(c, s, true) == -1)
		return (conn_lose(c, "out of memory"));
	c->prepared[c->nprepared++] = (struct pg_prepared){ s, false };
	return (STORE_OK);
}

enum store_rc
pg_send(struct pg_conn *c, const struct pg_statement *s,
    const struct pg_args *args)
{
	int formats[PG_ARGS_MAX];
	int n = args != NULL ? args->n : 0;

	pipeline_open(c);
	if (c->failed)
		return (pg_rc(c->verdict));
	if (args != NULL && pg_args_failed(args))
		return (conn_lose(c, "out of memory"));
	if (prepared_find(c, s) == NULL && send_prepare(c, s) != STORE_OK)
		return (STORE_AWAY);
	for (int i = 0; i < n; i++)
		formats[i] = BINARY;
	if (PQsendQueryPrepared(c->pg, s->name, n, n > 0 ? args->values : NULL,
		n > 0 ? args->lengths : NULL, formats, BINARY) == 0)
		return (conn_lose_libpq(c));
	if (step_add(c, s, false) == -1)
		return (conn_lose(c, "out of memory"));
	return (STORE_OK);
}

enum store_rc
pg_sync(struct pg_conn *c)
{
	pipeline_open(c);
	if (c->failed)
		return (pg_rc(c->verdict));
	if (PQpipelineSync(c->pg) == 0)
		return (conn_lose_libpq(c));
	return (STORE_OK);
}

/*
 * The result of one step; NULL instead of one that failed. STORE_AWAY: the
 * connection is lost.
 */
static enum store_rc
step_receive(struct pg_conn *c, int64_t deadline_ms, PGresult **ret_res)
{
	const struct pg_step *step = &c->steps[c->received];
	PGresult *res, *end = NULL;
	ExecStatusType status;
	bool good;

	if (next_result(c, deadline_ms, &res) != STORE_OK)
		return (STORE_AWAY);
	status = PQresultStatus(res); /* also of NULL, which should not be */
	good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
	if (step->prepares)
		prepared_settle(c, step->s, good);
	if (!good) {
		(void)conn_fail(c, res);
		PQclear(res);
		res = NULL;
	}
	c->received++;
	if (next_result(c, deadline_ms, &end) != STORE_OK || end != NULL) {
		PQclear(end);
		PQclear(res);
		return (c->lost ? STORE_AWAY
				: conn_lose(c, "more results than asked for"));
	}
	if (PQstatus(c->pg) == CONNECTION_BAD && !good)
		(void)conn_lose_libpq(c);
	*ret_res = res;
	return (STORE_OK);
}

enum store_rc
pg_receive(struct pg_conn *c, int64_t deadline_ms, PGresult **ret_res)
{
	PGresult *res = NULL;
	bool prepares;

	do {
		if (c->failed)
			return (pg_rc(c->verdict));
		assert(c->open && c->received < c->nsteps);
		PQclear(res);
		prepares = c->steps[c->received].prepares;
		if (step_receive(c, deadline_ms, &res) != STORE_OK)
			return (STORE_AWAY);
	} while (prepares || res == NULL);
	*ret_res = res;
	return (STORE_OK);
}

enum store_rc
pg_receive_end(struct pg_conn *c, int64_t deadline_ms)
{
	PGresult *res = NULL;

	while (!c->lost && c->received < c->nsteps) {
		if (step_receive(c, deadline_ms, &res) == STORE_OK)
			PQclear(res);
	}
	if (!c->lost && next_result(c, deadline_ms, &res) == STORE_OK) {
		if (PQresultStatus(res) != PGRES_PIPELINE_SYNC)
			(void)conn_lose(c, "no end of the pipeline came");
		PQclear(res);
	}
	c->open = false;
	return (c->failed ? pg_rc(c->verdict) : STORE_OK);
}

/* -- One statement -- */

/* What was sent is all; its one result. */
static enum store_rc
take_only(struct pg_conn *c, int64_t deadline_ms, PGresult **ret_res)
{
	PGresult *res = NULL;
	enum store_rc rc;

	if ((rc = pg_sync(c)) != STORE_OK)
		return (rc);
	rc = pg_receive(c, deadline_ms, &res);
	if (pg_receive_end(c, deadline_ms) != STORE_OK || rc != STORE_OK) {
		PQclear(res);
		return (pg_rc(c->verdict));
	}
	*ret_res = res;
	return (STORE_OK);
}

static int64_t
statement_deadline(const struct pg_conn *c)
{
	return (pg_now_ms() + c->statement_ms + GRACE_MS);
}

enum store_rc
pg_query(struct pg_conn *c, const struct pg_statement *s,
    const struct pg_args *args, PGresult **ret_res,
    char reason[STORE_REASON_MAX])
{
	assert(!c->open);
	if (pg_send(c, s, args) == STORE_OK &&
	    take_only(c, statement_deadline(c), ret_res) == STORE_OK)
		return (STORE_OK);
	return (pg_reason(c, reason));
}

enum store_rc
pg_ask(struct pg_conn *c, const char *sql, int64_t deadline_ms,
    PGresult **ret_res)
{
	assert(!c->open);
	pipeline_open(c);
	if (c->failed)
		return (pg_rc(c->verdict));
	if (PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, TEXT) == 0)
		return (conn_lose_libpq(c));
	if (step_add(c, NULL, false) == -1)
		return (conn_lose(c, "out of memory"));
	return (take_only(c, deadline_ms, ret_res));
}

enum store_rc
pg_script(struct pg_conn *c, const char *sql, unsigned within_ms,
    char reason[STORE_REASON_MAX])
{
	int64_t deadline_ms =
	    within_ms != 0 ? pg_now_ms() + within_ms : statement_deadline(c);
	PGresult *res = NULL;
	ExecStatusType status;

	assert(!c->open);
	pipeline_open(c);
	c->open = false;
	if (!c->lost &&
	    (PQexitPipelineMode(c->pg) == 0 || PQsendQuery(c->pg, sql) == 0))
		(void)conn_lose_libpq(c);
	while (!c->lost && next_result(c, deadline_ms, &res) == STORE_OK &&
	       res != NULL) {
		status = PQresultStatus(res);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
		    status != PGRES_EMPTY_QUERY)
			(void)conn_fail(c, res);
		if (status >= PGRES_COPY_OUT && status <= PGRES_COPY_IN)
			(void)conn_lose(c, "a script must not COPY");
		PQclear(res);
	}
	if (!c->lost && PQenterPipelineMode(c->pg) == 0)
		(void)conn_lose_libpq(c);
	return (c->failed ? pg_reason(c, reason) : STORE_OK);
}
