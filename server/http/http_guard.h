/*
 * http_guard.h -- what a stranger may cost us before he is known.
 *
 * Owns:    for each connection the strict reading of what arrives, beside
 *          evhttp and before it; how long a request may take to arrive; how
 *          much may be held of what is not verified yet, by one connection and
 *          by all together; the refusal and the end of a connection that
 *          oversteps.
 * Touches: the input buffer of a bufferevent, its socket or its TLS, two
 *          evtimers, the table of shares. Never calls evhttp: a socket that is
 *          shut down looks like EOF to evhttp, which then frees what it has.
 *
 * A request that is refused never reaches evhttp: its bytes are dropped from
 * the buffer before evhttp looks at them. Requests that stand before it on
 * the connection are answered first.
 *
 * What is held counts as it is allocated: the buffers, the fields of a head,
 * and the state of TLS until the connection has proved itself.
 */
#ifndef SERVER_HTTP_GUARD_H
#define SERVER_HTTP_GUARD_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/http_feed.h"
#include "server/http/http_limit.h"

struct bufferevent;
struct evbuffer;
struct evbuffer_cb_entry;
struct event;
struct event_base;
struct http_holder;
struct http_shares;

/* What connections hold that is not verified, all together. */
#define HTTP_UNVERIFIED_MAX ((size_t)32 * 1024 * 1024)
/* What a connection's input may hold beside one head and one whole body. */
#define HTTP_GUARD_SLACK ((size_t)64 * 1024)
/* When so much was held, and is no more, memory is given back to the system. */
#define HTTP_TRIM_FROM ((size_t)4 * 1024 * 1024)

enum http_guard_state {
	HTTP_GUARD_READING,
	HTTP_GUARD_BAD,     /* refused; requests before it are not answered */
	HTTP_GUARD_REFUSED, /* it has its answer; what comes in is dropped */
	HTTP_GUARD_CUT      /* shut down; EOF is on its way */
};

TAILQ_HEAD(http_guard_queue, http_guard);

/* What the guards of a listener share; fields private to http_guard.c. */
/*
 * What comes before the first request: take it out of input, to whose end so
 * many bytes were added. Returns how many of these are left.
 */
typedef size_t http_preface_fn(struct evbuffer *input, size_t added, void *arg);

struct http_guards {
	bool needs_length; /* a POST without a length is answered 411 */
	struct http_shares *shares;
	struct event *timer;
	struct http_guard_queue unfinished; /* oldest request first */
	struct http_feed_buffers buffers;
	struct event *trim;
	bool balancing;
	size_t peak; /* of what is held, since trim last fired */
	uint64_t cuts[HTTP_NCUTS];
	/* Called when a connection is refused or cut; static reason. */
	void (*report)(struct http_guard *g, enum http_cut why,
	    const char *reason, void *arg);
	void *arg;
	/* The guard of one that was chosen to pay. */
	struct http_guard *(*of)(struct http_holder *holder);
};

/* One connection's; to be embedded, fields private to http_guard.c. */
struct http_guard {
	struct http_guards *all;
	struct http_holder *holder;
	struct bufferevent *bev;
	bool tls; /* what is said must go through it */
	bool proven;
	bool spoke; /* a first byte has come */
	http_preface_fn *preface;
	void *preface_arg;
	struct evbuffer_cb_entry *input_cb;
	struct http_feed feed;
	TAILQ_ENTRY(http_guard) next;
	bool queued; /* in unfinished */
	enum http_guard_state state;
	enum http_read_rc verdict; /* why it is bad */
	int64_t timeout_ms;
	int64_t deadline_ms; /* of the request that is arriving */
	size_t max_held;
	size_t dropped;    /* since it was refused */
	unsigned arrived;  /* requests read whole */
	unsigned answered; /* of those */
};

/* Returns 0; -1 when out of memory. */
int http_guards_init(struct http_guards *all, struct event_base *base);

/* Many connections were closed: soon give the memory back to the system. */
void http_guards_freed(struct http_guards *all);

/* Only when every guard is gone. */
void http_guards_fini(struct http_guards *all);

/*
 * Watch what bev receives. Keeps bev, and holder, whose bytes it reports once
 * it has joined, until http_guard_fini(). Returns 0; -1 when out of memory, and
 * then fini is not needed.
 */
int http_guard_init(struct http_guard *g, struct http_guards *all,
    struct bufferevent *bev, struct http_holder *holder);

/* Before the first byte: how long a request may take, how large it may be. */
void http_guard_limit(struct http_guard *g, size_t max_body,
    int64_t timeout_ms);

/* Have watch, which is kept, know of heads from now on; NULL: nobody. */
void http_guard_watch(struct http_guard *g,
    const struct http_head_watch *watch);

/* Has the head of a request been read, and not the whole of it? */
bool http_guard_has_head(const struct http_guard *g);

/*
 * Something is to come before the first request, within the time of one; NULL:
 * it has come.
 */
void http_guard_preface(struct http_guard *g, http_preface_fn *preface,
    void *arg);

void http_guard_fini(struct http_guard *g);

/*
 * The request that has reached its route is verified or refused there: it no
 * longer counts among the unverified.
 */
void http_guard_settled(struct http_guard *g);

/* Its answer has left. */
void http_guard_answered(struct http_guard *g);

/* What TLS holds of the connection has changed: it may be too much of all. */
void http_guard_weigh(struct http_guard *g);

/* The connection has proved itself: it is not charged for its TLS any more. */
void http_guard_prove(struct http_guard *g);

/* How many bytes are to come at least; 0: not known, or just a few. */
size_t http_guard_awaits(const struct http_guard *g);

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

/* The same, for that reason, which is static: reported and counted. */
void http_guard_end(struct http_guard *g, enum http_cut why,
    const char *reason);

#endif /* SERVER_HTTP_GUARD_H */
