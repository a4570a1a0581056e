/*
 * stream_route.h -- the stream of the admin listener: stream.h as Server-Sent
 * Events.
 *
 * Owns:    the answers that do not end, at most STREAM_READERS_MAX; what may
 *          be under way to each; the heartbeat.
 * Touches: route.h, stream.h.
 *
 * When there are as many streams as may be, the address that has the most of
 * them makes room for one of another address.
 *
 * A reader has at most STREAM_ROUTE_CHUNK bytes under way beside what the
 * kernel holds. One that does not take them in time falls behind the ring and
 * is cut; when it comes back it gets a reset, and loads all anew.
 */
#ifndef SERVER_STREAM_ROUTE_H
#define SERVER_STREAM_ROUTE_H

struct event_base;
struct http_request;
struct stream_route; /* opaque */
struct stream;

#define STREAM_ROUTE_CHUNK 32768
#define STREAM_ROUTE_HEARTBEAT_S 15
#define STREAM_ROUTE_STUCK_S 60 /* nothing of a chunk was taken: cut */

/* Keeps both. NULL when out of memory. */
struct stream_route *stream_route_new(struct event_base *base,
    struct stream *s);

/*
 * http_route: GET /api/v1/stream, answered for ever, or with 400 or 503; arg is
 * the struct stream_route.
 */
void stream_route_run(struct http_request *req, void *arg);

/* End every stream; none begins any more. */
void stream_route_stop(struct stream_route *all);

/* Before the listener is freed. Accepts NULL. */
void stream_route_free(struct stream_route *all);

#endif /* SERVER_STREAM_ROUTE_H */
