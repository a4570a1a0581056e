/*
 * http_room.c -- who is closed when there are too many connections.
 *
 * At the limit new ones are accepted all the same, some beyond it, and in the
 * same turn of the loop as many others are closed: of the address that has the
 * most, first those that never said anything, then those longest unheard of.
 * So the address that holds many makes room, and a new client need not wait.
 * Only when all open connections are being served do clients wait in the
 * backlog.
 *
 * A connection is closed at once and not shut down first: at the end of the
 * turn no more descriptors are in use than the limit allows.
 */
#include <stdio.h>
#include <string.h>

#include <event2/http.h>

#include "server/base/address.h"
#include "server/base/log.h"
#include "server/http/http_conn.h"
#include "server/http/http_room.h"

/* Closed when accept() finds no descriptor: room for more than the next one. */
#define SQUEEZE 16

#define LOG_EVERY_S 60

static size_t
room_limit(const struct http_room *room)
{
	return (room->squeezed > 0 && room->squeezed < room->max
		    ? room->squeezed
		    : room->max);
}

bool
http_room_is_there(const struct http_room *room)
{
	size_t limit = room_limit(room), over;

	if (room->conns->n < limit)
		return (true);
	over = room->conns->n - limit;
	return (over < HTTP_ROOM_OVER &&
		over < http_shares_payable(&room->conns->shares,
			   HTTP_SHARE_CONNECTIONS));
}

static void
room_log(struct http_room *room, struct http_conn *conn, enum http_limit limit)
{
	const char *why = "", *advice = "";
	enum http_share_what what = HTTP_SHARE_CONNECTIONS;
	char host[ADDRESS_HOST_MAX], more[RATE_MORE_MAX];

	if (!rate_ask_every(&room->rates[limit], LOG_EVERY_S, more))
		return;
	switch (limit) {
	case HTTP_LIMIT_CONNECTIONS:
		why = "as many connections are open as may be";
		advice = room->advice;
		break;
	case HTTP_LIMIT_DESCRIPTORS:
		why = "no more files can be opened";
		advice = "raise that limit (ulimit -n, LimitNOFILE= of "
			 "systemd), or lower http.max_connections";
		break;
	case HTTP_LIMIT_HANDSHAKES:
		what = HTTP_SHARE_HANDSHAKES;
		why = "as many TLS handshakes are under way as may be";
		advice = "block it in front of klikitd, or raise "
			 "tls.max_handshakes if it is no stranger";
		break;
	case HTTP_LIMIT_STREAMS:
		why = "as many readers follow the stream as may be";
		advice = "close pages that nobody looks at";
		break;
	}
	address_host(http_conn_peer(conn), host);
	log_warn("%s: %s: closed one of the %zu that %s has, the most of all "
		 "%zu: %s%s",
	    room->conns->name, why, http_share_of(&conn->share, what), host,
	    http_shares_total(&room->conns->shares, what), advice, more);
}

void
http_room_cut(struct http_room *room, struct http_conn *conn,
    enum http_limit limit)
{
	room->cuts[limit]++;
	room_log(room, conn, limit);
	http_guard_turn_away(&conn->guard);
	evhttp_connection_free(conn->evcon);
}

/* Who is closed for the one that has just come: that one only if it must be. */
static struct http_conn *
choose(struct http_room *room, struct http_conn *newcomer)
{
	struct http_holder *chosen =
	    http_shares_greediest(&room->conns->shares, HTTP_SHARE_CONNECTIONS);

	if (newcomer != NULL && chosen == &newcomer->share) {
		/* All others have proved themselves, or are being served. */
		http_share_stand(chosen, HTTP_SHARE_SERVED);
		chosen = http_shares_greediest(&room->conns->shares,
		    HTTP_SHARE_CONNECTIONS);
		http_share_stand(&newcomer->share, HTTP_SHARE_STRANGER);
	}
	return (chosen == NULL ? NULL : http_conn_of_share(chosen));
}

void
http_room_make(struct http_room *room, struct http_conn *newcomer)
{
	struct http_conn *conn;

	while (http_shares_total(&room->conns->shares, HTTP_SHARE_CONNECTIONS) >
	       room_limit(room)) {
		if ((conn = choose(room, newcomer)) == NULL)
			return;
		http_room_cut(room, conn,
		    room->squeezed > 0 ? HTTP_LIMIT_DESCRIPTORS
				       : HTTP_LIMIT_CONNECTIONS);
	}
}

bool
http_room_squeeze(struct http_room *room)
{
	size_t open =
	    http_shares_total(&room->conns->shares, HTTP_SHARE_CONNECTIONS);

	room->squeezed = open > SQUEEZE ? open - SQUEEZE : 1;
	http_room_make(room, NULL);
	return (http_shares_total(&room->conns->shares,
		    HTTP_SHARE_CONNECTIONS) < open);
}

void
http_room_relax(struct http_room *room)
{
	room->squeezed = 0;
}
