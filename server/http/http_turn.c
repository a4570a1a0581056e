#include "server/http/http_turn.h"

#include <stdbool.h>

#include <event2/http.h>

#include "server/http/http_private.h"

void
http_turns_init(struct http_turns *turns,
    void (*start)(struct http_conn *conn, struct evhttp_request *req))
{
	*turns = (struct http_turns){ .start = start };
	TAILQ_INIT(&turns->waiting);
}

/* It asks for something (1), or no longer (0). */
static void
hold(struct http_conn *conn, size_t amount)
{
	http_share_hold(&conn->h->shares, &conn->share, HTTP_SHARE_QUESTIONS,
	    amount);
}

/* Take its request back. */
static struct evhttp_request *
stop_waiting(struct http_turns *turns, struct http_conn *conn)
{
	struct evhttp_request *req = http_conn_take_kept(conn);

	TAILQ_REMOVE(&turns->waiting, conn, next_turn);
	conn->turns = NULL;
	conn->on_close = NULL;
	return (req);
}

/* http_conn: it is gone before its turn came. */
static void
turn_close_cb(struct http_conn *conn)
{
	struct evhttp_request *req = stop_waiting(conn->turns, conn);

	if (evhttp_request_get_connection(req) == NULL)
		evhttp_send_reply(req, 503, "Service Unavailable", NULL);
}

/* Of the address with the fewest questions the first one. */
static struct http_conn *
next_of(const struct http_turns *turns)
{
	struct http_conn *conn, *next = NULL;
	size_t n, fewest = 0;

	TAILQ_FOREACH (conn, &turns->waiting, next_turn) {
		n = http_share_of(&conn->share, HTTP_SHARE_QUESTIONS);
		if (next != NULL && n >= fewest)
			continue;
		next = conn;
		fewest = n;
	}
	return (next);
}

void
http_turns_pump(struct http_turns *turns)
{
	struct http_conn *conn;

	while (turns->running < HTTP_TURNS_MAX &&
	       (conn = next_of(turns)) != NULL) {
		turns->running++;
		turns->start(conn, stop_waiting(turns, conn));
	}
}

void
http_turn_wait(struct http_turns *turns, struct http_conn *conn,
    struct evhttp_request *req)
{
	hold(conn, 1);
	conn->kept = req;
	conn->turns = turns;
	conn->on_close = turn_close_cb;
	TAILQ_INSERT_TAIL(&turns->waiting, conn, next_turn);
	http_turns_pump(turns);
}

void
http_turn_end(struct http_turns *turns, struct http_conn *conn)
{
	turns->running--;
	hold(conn, 0);
}
