/*
 * http_guard.h -- what a stranger may cost us before he is known.
 *
 * Owns:    for each connection the strict reading of what arrives, beside
 *          evhttp and before it; how long a request may take to arrive; how
 *          much may be buffered, by one connection and by all together; the
 *          refusal and the end of a connection that oversteps.
 * Touches: the input buffer of a bufferevent (looks at what was added, copies
 *          nothing; takes out what evhttp would misread), its socket or its
 *          TLS, one evtimer. Never calls evhttp: a socket that is shut down
 *          looks like EOF to evhttp, which then frees what it has.
 *
 * A request that is refused never reaches evhttp: its bytes are dropped from
 * the buffer before evhttp looks at them. Requests that stand before it on
 * the connection are answered first.
 */
#ifndef SERVER_HTTP_GUARD_H
#define SERVER_HTTP_GUARD_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http_request.h"

struct bufferevent;
struct evbuffer_cb_entry;
struct event;
struct event_base;

/* Bytes of unfinished requests, over all connections. */
#define HTTP_UNVERIFIED_MAX ((size_t)32 * 1024 * 1024)
/* What a connection's input may hold beside one head and one whole body. */
#define HTTP_GUARD_SLACK ((size_t)64 * 1024)

enum http_guard_state {
	HTTP_GUARD_READING,
	HTTP_GUARD_BAD,     /* refused; requests before it are not answered */
	HTTP_GUARD_REFUSED, /* told so; what comes in is dropped */
	HTTP_GUARD_CUT      /* shut down; EOF is on its way */
};

TAILQ_HEAD(http_guard_queue, http_guard);

/* What the guards of a listener share; fields private to http_guard.c. */
struct http_guards {
	bool needs_length; /* a POST without a length is answered 411 */
	struct event *timer;
	struct http_guard_queue unfinished; /* oldest request first */
	size_t unverified;
	uint64_t bad_requests;
	uint64_t cut;
	/* Called when a connection is refused or cut; static reason. */
	void (*report)(struct http_guard *g, const char *reason, void *arg);
	/* Called at a connection's first byte, and when a request is whole. */
	void (*heard)(struct http_guard *g, void *arg);
	void *arg;
};

/* One connection's; to be embedded, fields private to http_guard.c. */
struct http_guard {
	struct http_guards *all;
	struct bufferevent *bev;
	bool tls; /* what is said must go through it */
	struct evbuffer_cb_entry *input_cb;
	bool reading_on; /* more than the bufferevent read */
	struct http_request reader;
	TAILQ_ENTRY(http_guard) next;
	bool queued; /* in unfinished */
	enum http_guard_state state;
	enum http_request_rc verdict; /* why it is bad */
	int64_t timeout_ms;
	int64_t deadline_ms; /* of the request that is arriving */
	size_t max_held;
	size_t received;   /* since the last request was settled */
	size_t counted;    /* of that, in all->unverified */
	size_t dropped;    /* since it was refused */
	unsigned arrived;  /* requests read whole */
	unsigned answered; /* of those */
};

/* Returns 0; -1 when out of memory. */
int http_guards_init(struct http_guards *all, struct event_base *base);

/* Only when every guard is gone. */
void http_guards_fini(struct http_guards *all);

/*
 * Watch what bev receives. Keeps bev until http_guard_fini(). Returns 0; -1
 * when out of memory, and then fini is not needed.
 */
int http_guard_init(struct http_guard *g, struct http_guards *all,
    struct bufferevent *bev);

/* Before the first byte: how long a request may take, how large it may be. */
void http_guard_limit(struct http_guard *g, size_t max_body,
    int64_t timeout_ms);

void http_guard_fini(struct http_guard *g);

/*
 * The request that has reached its route is verified or refused there: it no
 * longer counts among the unverified.
 */
void http_guard_settled(struct http_guard *g);

/* Its answer has left. */
void http_guard_answered(struct http_guard *g);

/* Has no request begun, and none is unanswered? */
bool http_guard_idle(const struct http_guard *g);

/*
 * The connection is about to be closed for want of room: if a request has
 * begun, answer it 503, as far as the socket takes that. One that is idle may
 * be closed without a word (RFC 9112 section 9.5).
 */
void http_guard_turn_away(struct http_guard *g);

/* End the connection now; evhttp will see EOF. */
void http_guard_close(struct http_guard *g);

#endif /* SERVER_HTTP_GUARD_H */
