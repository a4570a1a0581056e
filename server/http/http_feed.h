/*
 * http_feed.h -- what evhttp gets of what arrives.
 *
 * Owns:    the strict reader of a connection, and the body in chunks that is
 *          arriving there. evhttp gets such a body when it is whole, as one
 *          chunk and without a trailer: so a peer cannot choose, by where he
 *          ends a segment, how much memory a byte costs, and none of his
 *          trailer fields is taken for a header.
 * Touches: the input buffer of a bufferevent, from its own callback.
 */
#ifndef SERVER_HTTP_FEED_H
#define SERVER_HTTP_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/http_reader.h"

struct evbuffer;

/* What all connections of a loop can share; private to http_feed.c. */
struct http_feed_buffers {
	struct evbuffer *kept;
	struct evbuffer *rest;
};

/* One connection's; to be embedded; private to http_feed.c, but reader. */
struct http_feed {
	struct http_reader reader;
	struct http_feed_buffers *buffers;
	struct evbuffer *body; /* that is arriving in chunks; else NULL */
	bool editing;
};

/* Returns 0; -1 when out of memory, and then fini is harmless. */
int http_feed_buffers_init(struct http_feed_buffers *buffers);
void http_feed_buffers_fini(struct http_feed_buffers *buffers);

/* Keeps buffers until fini. The rest as http_reader_init(). */
void http_feed_init(struct http_feed *feed, struct http_feed_buffers *buffers,
    uint64_t max_body, bool needs_length);
void http_feed_fini(struct http_feed *feed);

/*
 * Read what was added to the end of input, and leave there what evhttp is to
 * get of it. *ret_whole is how many requests ended in it. Returns
 * HTTP_READ_MORE, or how the connection is to be refused; or
 * HTTP_READ_NO_MEMORY. After these evhttp may be given no more of it.
 */
enum http_read_rc http_feed_read(struct http_feed *feed, struct evbuffer *input,
    size_t added, unsigned *ret_whole);

/* Is it just being read, and input changed only for that? */
bool http_feed_editing(const struct http_feed *feed);

/* Forget the body that is arriving. */
void http_feed_drop(struct http_feed *feed);

/* Bytes allocated, at most, for input and for a request that is unfinished. */
size_t http_feed_held(const struct http_feed *feed, struct evbuffer *input);

#endif /* SERVER_HTTP_FEED_H */
