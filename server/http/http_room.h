/*
 * http_room.h -- who is closed when there are too many connections.
 *
 * Owns:    the limits that all connections share, and what was closed for each.
 * Touches: connections, their shares, the log.
 */
#ifndef SERVER_HTTP_ROOM_H
#define SERVER_HTTP_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/rate.h"
#include "server/http/http_limit.h"

struct http_conn;
struct http_conns;

/* Of one listener. All but max and cuts is private to http_room.c. */
struct http_room {
	struct http_conns *conns;
	const char *advice; /* when there are too many connections */
	size_t max;
	size_t squeezed; /* instead of max; 0: no */
	uint64_t cuts[HTTP_NLIMITS];
	struct rate rates[HTTP_NLIMITS]; /* lines on them */
};

/* May another connection be accepted? */
bool http_room_is_there(const struct http_room *room);

/*
 * Close as many as are too many, for newcomer, if it is not NULL, which has
 * just joined. None that is being served: so there may be too many left. Not
 * to be called from a callback of a connection.
 */
void http_room_make(struct http_room *room, struct http_conn *newcomer);

/*
 * No file can be opened any more: close some, and let there be no more
 * connections than those that are left, until http_room_relax(). Returns
 * whether there was one to close.
 */
bool http_room_squeeze(struct http_room *room);
void http_room_relax(struct http_room *room);

/*
 * Close conn, which the shares have chosen, for the sake of that limit: counted
 * and logged. Frees it. Not to be called from a callback of conn.
 */
void http_room_cut(struct http_room *room, struct http_conn *conn,
    enum http_limit limit);

#endif /* SERVER_HTTP_ROOM_H */
