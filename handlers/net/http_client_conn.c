/*
 * One connection, and the answer that is read from it. The callbacks here free
 * nothing: they record, and wake who decides.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "handlers/net/conn.h"
#include "handlers/net/http_client_private.h"
#include "store/base/timeval.h"

#define IDLE_MS 60000   /* then a kept connection is closed */
#define PIECE_MAX 16384 /* read at once */

struct client_conn {
	struct http_client *hc;
	struct conn *conn;
	struct http_client_call *call; /* NULL while idle */
	uint64_t mark;                 /* where its request begins */
	bool listed;                   /* among the client's idle ones */
	bool closed;
	LIST_ENTRY(client_conn) next;
};

static void
conn_wake(const struct client_conn *conn)
{
	event_active(conn->call->kick, EV_READ, 0);
}

/* It is of no use any more while it is kept: it goes, from the loop. */
static void
conn_bury(struct client_conn *conn)
{
	struct http_client *hc = conn->hc;

	conn->closed = true;
	if (!conn->listed)
		return;
	LIST_REMOVE(conn, next);
	conn->listed = false;
	hc->nidle--;
	LIST_INSERT_HEAD(&hc->dead, conn, next);
	event_active(hc->reap, EV_READ, 0);
}

/* -- Calls of the connection -- */

/* The request leaves, or bytes have come: silence begins anew. */
static void
begin_silence(struct http_client_call *call)
{
	const struct timeval tv = timeval_of_ms(call->limits.silence_ms);

	if (call->limits.silence_ms != 0)
		(void)evtimer_add(call->deadline, &tv);
}

/* Hand what has come to the call's answer. */
static void
conn_read(struct client_conn *conn)
{
	struct evbuffer *in = conn_input(conn->conn);
	struct http_client_call *call = conn->call;
	char piece[PIECE_MAX];
	size_t taken;
	int n;

	if (evbuffer_get_length(in) > 0)
		begin_silence(call);
	while (!answer_is_over(&call->answer) &&
	       (n = evbuffer_remove(in, piece, sizeof(piece))) > 0) {
		call->received += (size_t)n;
		taken = answer_read(&call->answer, piece, (size_t)n);
		/* What came behind it would be taken for the next one. */
		if (taken < (size_t)n)
			conn->closed = true;
	}
	if (evbuffer_get_length(in) > 0)
		conn->closed = true;
	if (answer_is_over(&call->answer) ||
	    call->received > call->limits.read_max)
		conn_wake(conn);
}

/*
 * Write the call's request, at once: whether it may be sent is asked now.
 * Returns 0, or -1 when out of memory.
 */
static int
conn_write(struct client_conn *conn)
{
	struct http_client_call *call = conn->call;
	struct evbuffer *out = conn_output(conn->conn);

	if (call->may_send != NULL && !call->may_send(call->arg)) {
		(void)snprintf(call->dial_failure, sizeof(call->dial_failure),
		    "not sent: it took so long that another may do it");
		conn_wake(conn);
		return (0);
	}
	call->connected = true;
	begin_silence(call);
	conn->mark = conn_mark(conn->conn);
	if (evbuffer_add_buffer_reference(out, call->request) == -1)
		return (-1);
	if (conn->hc->kind.tls == NULL) /* else we may be in its callback */
		conn_flush(conn->conn);
	return (0);
}

/* conn_calls: bytes have come. */
static void
conn_input_cb(void *arg)
{
	struct client_conn *conn = arg;

	if (conn->call != NULL)
		conn_read(conn);
	else
		conn_bury(conn); /* nobody asked for anything */
}

/* conn_calls: it has ended or failed. */
static void
conn_lost_cb(void *arg, int error)
{
	struct client_conn *conn = arg;
	struct http_client_call *call = conn->call;

	if (call == NULL) {
		conn_bury(conn);
		return;
	}
	conn->closed = true;
	conn_read(conn); /* an answer may be there all the same */
	if (error == 0)
		answer_end(&call->answer);
	call->error = error;
	call->lost = true;
	conn_wake(conn);
}

/* conn_calls: TLS is there. */
static void
conn_ready_cb(void *arg)
{
	struct client_conn *conn = arg;

	if (conn_write(conn) == -1)
		conn_lost_cb(conn, ENOMEM);
	else
		conn_wake(conn);
}

const struct conn_calls client_conn_calls = {
	.ready = conn_ready_cb,
	.input = conn_input_cb,
	.lost = conn_lost_cb,
};

/* -- What is asked of them -- */

bool
client_conn_has_sent(const struct client_conn *conn)
{
	return (conn->call->connected && conn_has_left(conn->conn, conn->mark));
}

bool
client_conn_all_sent(const struct client_conn *conn)
{
	return (conn->call->connected && conn_is_drained(conn->conn));
}

const char *
client_conn_failure(const struct client_conn *conn, int error)
{
	return (conn_failure(conn->conn, error));
}

/* -- Their life -- */

struct client_conn *
client_conn_new(struct http_client *hc, int fd, const char *peer)
{
	struct client_conn *conn;

	if ((conn = calloc(1, sizeof(*conn))) == NULL) {
		(void)close(fd);
		return (NULL);
	}
	conn->hc = hc;
	if ((conn->conn = conn_new(&hc->kind, fd, peer, conn)) == NULL) {
		free(conn);
		return (NULL);
	}
	return (conn);
}

int
client_conn_send(struct client_conn *conn, struct http_client_call *call)
{
	conn->call = call;
	(void)snprintf(call->peer, sizeof(call->peer), "%s",
	    conn_peer(conn->conn));
	if (!conn_is_ready(conn->conn))
		return (0);
	if (!call->kept || conn->hc->kind.tls != NULL)
		return (conn_write(conn));
	conn_wake(conn); /* client_conn_send_kept() */
	return (0);
}

void
client_conn_send_kept(struct client_conn *conn)
{
	if (!conn_is_quiet(conn->conn))
		conn_lost_cb(conn, 0);
	else if (conn_write(conn) == -1)
		conn_lost_cb(conn, ENOMEM);
}

void
client_conn_release(struct client_conn *conn, bool reusable)
{
	struct http_client *hc = conn->hc;

	conn->call = NULL;
	if (!reusable || conn->closed || hc->nidle >= hc->max_idle) {
		client_conn_free(conn);
		return;
	}
	conn->listed = true;
	LIST_INSERT_HEAD(&hc->idle, conn, next);
	hc->nidle++;
	conn_limit_silence(conn->conn, IDLE_MS);
}

struct client_conn *
client_conn_take(struct http_client *hc)
{
	struct client_conn *conn;

	while ((conn = LIST_FIRST(&hc->idle)) != NULL) {
		LIST_REMOVE(conn, next);
		conn->listed = false;
		hc->nidle--;
		if (conn_is_quiet(conn->conn)) {
			conn_limit_silence(conn->conn, 0);
			return (conn);
		}
		client_conn_free(conn);
	}
	return (NULL);
}

void
client_conn_free(struct client_conn *conn)
{
	conn_free(conn->conn);
	free(conn);
}

void
client_conn_drop_idle(struct http_client *hc, const char *peer)
{
	struct client_conn *conn, *next;

	for (conn = LIST_FIRST(&hc->idle); conn != NULL; conn = next) {
		next = LIST_NEXT(conn, next);
		if (strcmp(conn_peer(conn->conn), peer) == 0)
			conn_bury(conn);
	}
}

void
client_conn_reap(struct http_client *hc)
{
	struct client_conn *conn;

	while ((conn = LIST_FIRST(&hc->dead)) != NULL) {
		LIST_REMOVE(conn, next);
		client_conn_free(conn);
	}
}
