/*
 * http_stream.h -- the stream of the admin listener: stream.h as Server-Sent
 * Events.
 *
 * Owns:    the replies that do not end, at most STREAM_READERS_MAX; what may
 *          be under way to each; the heartbeat.
 * Touches: evhttp, stream.h.
 *
 * When there are as many streams as may be, the address that has the most of
 * them makes room for one of another address.
 *
 * A reader has at most HTTP_STREAM_CHUNK bytes under way beside what the
 * kernel holds. One that does not take them in time falls behind the ring and
 * is cut; it is told to load all anew when it comes back.
 */
#ifndef SERVER_HTTP_STREAM_H
#define SERVER_HTTP_STREAM_H

struct event_base;
struct evhttp_request;
struct http_conn;
struct http_streams; /* opaque */
struct stream;

#define HTTP_STREAM_CHUNK 32768
#define HTTP_STREAM_HEARTBEAT_S 15
#define HTTP_STREAM_STUCK_S 60 /* nothing of a chunk was taken: cut */

/* Keeps both. NULL when out of memory. */
struct http_streams *http_streams_new(struct event_base *base,
    struct stream *s);

/*
 * Answer GET /api/v1/stream: for ever, or with 400 or 503. Cache headers are
 * there already.
 */
void http_stream_run(struct http_streams *all, struct http_conn *conn,
    struct evhttp_request *req);

/* End every stream; none begins any more. */
void http_streams_stop(struct http_streams *all);

/* Before the listener is freed. Accepts NULL. */
void http_streams_free(struct http_streams *all);

#endif /* SERVER_HTTP_STREAM_H */
