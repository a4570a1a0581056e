/*
 * http_intake.h -- what evhttp gets of what arrives.
 *
 * Owns:    the strict reader of a connection, and the body in chunks that is
 *          arriving there. evhttp gets such a body when it is whole, as one
 *          chunk and without a trailer: so a peer cannot choose, by where he
 *          ends a segment, how much memory a byte costs, and none of his
 *          trailer fields is taken for a header.
 * Touches: the input buffer of a bufferevent, from its own callback.
 */
#ifndef SERVER_HTTP_INTAKE_H
#define SERVER_HTTP_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/http_reader.h"

struct evbuffer;

/* What all connections of a loop can share; private to http_intake.c. */
struct http_intake_room {
	struct evbuffer *kept;
	struct evbuffer *rest;
};

/* One connection's; to be embedded; private to http_intake.c, but reader. */
struct http_intake {
	struct http_reader reader;
	struct http_intake_room *room;
	struct evbuffer *body; /* that is arriving in chunks; else NULL */
	bool editing;
};

/* Returns 0; -1 when out of memory, and then fini is harmless. */
int http_intake_room_init(struct http_intake_room *room);
void http_intake_room_fini(struct http_intake_room *room);

/* Keeps room until fini. The rest as http_reader_init(). */
void http_intake_init(struct http_intake *in, struct http_intake_room *room,
    uint64_t max_body, bool needs_length);
void http_intake_fini(struct http_intake *in);

/*
 * Read what was added to the end of input, and leave there what evhttp is to
 * get of it. *ret_whole is how many requests ended in it. Returns
 * HTTP_READ_MORE, or how the connection is to be refused; or
 * HTTP_READ_NO_MEMORY. After these evhttp may be given no more of it.
 */
enum http_read_rc http_intake_read(struct http_intake *in,
    struct evbuffer *input, size_t added, unsigned *ret_whole);

/* Is it just being read, and input changed only for that? */
bool http_intake_editing(const struct http_intake *in);

/* Forget the body that is arriving. */
void http_intake_drop(struct http_intake *in);

/* Bytes allocated, at most, for input and for a request that is unfinished. */
size_t http_intake_held(const struct http_intake *in, struct evbuffer *input);

#endif /* SERVER_HTTP_INTAKE_H */
