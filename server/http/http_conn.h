/*
 * http_conn.h -- connections, from accept to close.
 *
 * Owns:    the record of each connection, and of the next one of each side;
 *          what they share; how each stands with the limits.
 * Touches: evhttp's connections, bufferevents, TLS; the guard, the shares and
 *          the wire, which are parts of a record. Closes none for a limit:
 *          http_room.h does.
 *
 * A record lives until its connection is closed and its kept request answered,
 * whichever is later; one request at a time is with a route.
 */
#ifndef SERVER_HTTP_CONN_H
#define SERVER_HTTP_CONN_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/rate.h"
#include "server/http/http_asker.h"
#include "server/http/http_guard.h"
#include "server/http/http_late.h"
#include "server/http/http_proxy.h"
#include "server/http/http_share.h"
#include "server/http/http_wire.h"
#include "server/http/route.h"

struct evhttp;
struct evhttp_connection;
struct evhttp_request;
struct http_conns;
struct http_room;
struct tls_context;
struct tls_engine;

/* See http_request.c, which moves a request from one to the next. */
enum http_request_state {
	HTTP_REQUEST_NONE,
	HTTP_REQUEST_ROUTED,   /* its route runs */
	HTTP_REQUEST_WAITING,  /* until gone() */
	HTTP_REQUEST_KEPT,     /* to be answered, whatever happens */
	HTTP_REQUEST_BEGUN,    /* a stream, until gone() */
	HTTP_REQUEST_FINISHED, /* its answer has not left yet */
	HTTP_REQUEST_NSTATES
};

/* The request that is with a route; fields private to http_request.c. */
struct http_request {
	enum http_request_state state;
	bool in_route; /* its route's function has not returned */
	struct evhttp_request *req;
	http_gone_fn *gone;
	void *gone_arg;
	struct http_leave *leave; /* while it waits; or NULL */
	http_left_fn *left;
	void *left_arg;
	void (*ready)(void *arg); /* of a stream's last chunk */
	void *ready_arg;
	struct http_late late; /* http_request_finish_late() */
	int late_status;
	const char *late_json;
};

struct http_conn {
	struct http_conns *all;
	struct http_guard guard;
	struct http_holder share; /* what it holds, once adopted */
	struct http_asker asker;
	struct http_proxy proxy;
	struct http_wire wire;
	struct http_request request;
	struct bufferevent *bev;
	bool tls;
	bool proxied;                    /* it begins with a PROXY header */
	struct evhttp_connection *evcon; /* NULL until adopted */
	TAILQ_ENTRY(http_conn) next;
	int fd; /* -1 until adopted */
	bool closed;
	bool called; /* http_conn_call() */
	bool proven; /* http_conn_prove() */
	bool served; /* http_conn_serve() */
};
TAILQ_HEAD(http_conn_list, http_conn);

/* What connections report, to http.c. */
struct http_conn_fns {
	/* One was accepted. ready: there is memory for the next one. */
	void (*accepted)(void *arg, bool ready);
	/* It was adopted: there may be one too many. */
	void (*adopted)(void *arg, struct http_conn *conn);
	/* It is closed. Returns whether its request still needs it. */
	bool (*closed)(struct http_conn *conn);
	/* There are more or fewer, or of another standing. */
	void (*changed)(void *arg);
	/* That answer is due. */
	void (*late)(struct http_request *r);
	void *arg;
};

/* All connections of a listener. */
struct http_conns {
	const char *name; /* of the listener, in the log */
	struct event_base *base;
	struct http_conn_fns fns;
	struct http_guards guards;
	struct http_shares shares; /* of the adopted */
	struct http_askers askers;
	struct http_lates lates;
	struct http_room *room; /* who is closed for a limit */
	size_t max_body;        /* these of connections to come */
	int64_t request_timeout_ms;
	struct http_conn_list adopted;
	struct http_conn_list fresh; /* accepted in this turn */
	struct event *adopt;
	struct http_conn **by_fd;
	size_t by_fd_len;
	size_t n;
	size_t most; /* since the memory of closed ones was given back */
	size_t kept; /* requests that are still to be answered */
	bool draining;
	struct event *grace; /* of a drain: who was silent is closed */
	struct rate guard_rates[HTTP_NCUTS]; /* lines of the guard */
	struct rate tls_rate;                /* lines on failures of TLS */
};

/*
 * One way to be spoken to. evhttp asks for a bufferevent without saying for
 * which of its listeners, so each way has an evhttp of its own.
 */
struct http_side {
	struct http_conns *conns;
	struct evhttp *evhttp;         /* NULL: not in use */
	struct tls_engine *tls_engine; /* NULL: without TLS */
	struct tls_context *tls;       /* for the next connection */
	bool proxied;            /* its connections begin with a PROXY header */
	struct http_conn *spare; /* that one */
};

/* all but base, fns and room is zero. Returns 0; -1 when out of memory. */
int http_conns_init(struct http_conns *all, bool needs_length);

/* Frees what no connection uses any more. */
void http_conns_fini(struct http_conns *all);

/* Have evhttp make its connections by us. */
void http_side_watch(struct http_side *side);

/*
 * Make the record for the next connection of a side in use, unless there is
 * one. Returns 0; -1 when out of memory, and then nothing may be accepted
 * there.
 */
int http_side_prepare(struct http_side *side);

/* Free one that was not used. Accepts NULL. */
void http_conn_discard(struct http_conn *spare);

/* The connection of a request that has reached a route. */
struct http_conn *http_conn_of(const struct http_conns *all,
    struct evhttp_request *req);

/* The connection of which this is the share, the guard, the request. */
struct http_conn *http_conn_of_share(const struct http_holder *share);
struct http_conn *http_conn_of_request(const struct http_request *r);

/* As http_asker_peer(): who asks now. */
const char *http_conn_peer(struct http_conn *conn);

/*
 * A route keeps its request, or that answer is leaving: none of the shared
 * limits has the connection closed.
 */
void http_conn_serve(struct http_conn *conn, bool served);

/* Of those of its address it is now not the first to pay. */
void http_conn_call(struct http_conn *conn);

/* Of all connections it is now among the last to pay for a shared limit. */
void http_conn_prove(struct http_conn *conn);

/* The answer of its request has left: a proxy's next one may be a stranger's.
 */
void http_conn_answered(struct http_conn *conn);

/* Trust these, let in those, from now on. Takes trust. */
void http_conns_trust(struct http_conns *all, struct http_trust trust);

/*
 * From now on answers end their connections. Closes those that are idle; one
 * that has said nothing yet was just made, and gets a second for its request.
 */
void http_conns_drain(struct http_conns *all);

/* Its request is finished, and it was closed before. */
void http_conn_free(struct http_conn *conn);

#endif /* SERVER_HTTP_CONN_H */
