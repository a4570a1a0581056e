/*
 * http_private.h -- what the files of the listeners share.
 *
 * There may be several struct http on one loop: the public listener, and the
 * admin listener, which has routes of its own and is guarded in the same way.
 *
 * http.c         the whole: routes, replies, draining
 * http_listen.c  addresses, sockets, when to accept
 * http_conn.c    a connection's record, from accept to close
 * http_room.c    who is closed when there are too many connections
 * http_tls.c     the listeners that speak TLS
 * http_wire.c    short cuts to the socket of a plain connection
 * webhook.c POST /webhooks/klikit
 * admin_listener.c   the admin listener
 * stream_route.c  its stream, metrics_route.c its metrics
 * http_turn.c    whose question to the store is next
 * page.c the page that it shows
 */
#ifndef SERVER_HTTP_PRIVATE_H
#define SERVER_HTTP_PRIVATE_H

#include <sys/queue.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/http.h>

#include "server/base/histogram.h"
#include "server/base/rate.h"
#include "server/http/http.h"
#include "server/http/http_guard.h"
#include "server/http/http_share.h"

#define HTTP_PEER_MAX (INET6_ADDRSTRLEN + 16)

struct evconnlistener;
struct event;

/*
 * A connection. It lives until it is closed and its kept request answered,
 * whichever is later; one request at a time is with a route.
 */
struct http_conn {
	struct http *h;
	struct http_guard guard;
	struct http_holder share; /* what it holds, once adopted */
	struct bufferevent *bev;
	bool tls;
	struct evhttp_connection *evcon; /* NULL until adopted */
	TAILQ_ENTRY(http_conn) next;
	int fd; /* -1 until adopted */
	bool closed;
	bool proven; /* http_conn_prove() */
	bool served; /* a route keeps its request, or its answer is leaving */
	char peer[HTTP_PEER_MAX]; /* made when first asked for */

	struct evhttp_request *kept;  /* with others, to be answered */
	struct event *holder;         /* http_wire.c; NULL: a TLS connection */
	unsigned stirred;             /* how often the holder ran for `kept' */
	bool *gone;                   /* to be told of the end; or NULL */
	struct stream_answer *stream; /* kept is a reply without end */
	struct http_turns *turns; /* kept waits for its turn there; or NULL */
	TAILQ_ENTRY(http_conn) next_turn;
	/* It has ended while kept is with others; may let go of kept. */
	void (*on_close)(struct http_conn *conn);
	int64_t whole_us; /* when the delivery was there */
	bool leaving;     /* the answer to `event' has not left yet */
	int64_t event;    /* which was received */
};
TAILQ_HEAD(http_conn_list, http_conn);

/*
 * One way to be spoken to. evhttp asks for a bufferevent without saying for
 * which of its listeners, so each way has an evhttp of its own.
 */
enum http_side_kind { HTTP_PLAIN, HTTP_TLS };
#define HTTP_NSIDES 2

struct http_side {
	struct http *h;
	struct evhttp *evhttp;   /* NULL: not in use */
	struct http_conn *spare; /* for the next connection */
	bool accepting;          /* its listeners are enabled */
};

struct http_listener {
	TAILQ_ENTRY(http_listener) next;
	struct http_side *side;
	struct evhttp_bound_socket *bound;
	struct evconnlistener *listener;
};
TAILQ_HEAD(http_listener_list, http_listener);

/* A path of the listener; table in http.c. */
struct http_route {
	const char *path;
	unsigned methods;  /* of enum evhttp_cmd_type */
	const char *allow; /* the same, for the header */
	void (*run)(struct http_conn *conn, struct evhttp_request *req);
};
#define HTTP_ROUTES_MAX 4

/* What a listener serves. */
struct http_site {
	const struct http_route *routes;
	size_t nroutes;    /* at most HTTP_ROUTES_MAX */
	bool needs_length; /* a POST without one is answered 411 */
	/* Every other path. */
	void (*other)(struct http_conn *conn, struct evhttp_request *req);
};

/* A route mounted: what evhttp hands to the callback. */
struct http_mount {
	struct http *h;
	const struct http_route *route;
};

struct http {
	struct event_base *base;
	struct http_options opt;
	struct ingest *in;
	struct diagnosis_queue *diag;
	struct secrets *sec;
	const struct steady *clock;   /* of their validity; NULL: the wall's */
	struct admin_listener *admin; /* whose listener it is; else NULL */
	const struct http_site *site;
	struct http_side sides[HTTP_NSIDES]; /* by enum http_side_kind */
	struct http_mount mounts[HTTP_ROUTES_MAX];
	struct http_guards guards;
	uint64_t requests;
	struct histogram acks;  /* us */
	struct rate guard_rate; /* lines of the guard */
	unsigned nbusy;

	/* http_conn.c */
	struct http_conn_list conns; /* adopted */
	struct http_conn_list fresh; /* made by bevcb in this turn */
	struct event *adopt;
	struct http_conn **by_fd;
	size_t by_fd_len;
	size_t nconns;
	size_t most_conns; /* since the memory of closed ones was given back */
	struct http_shares shares; /* of the adopted */

	/* http_room.c */
	size_t squeezed; /* instead of max_connections; 0: no */
	uint64_t room_cuts[HTTP_NLIMITS];
	struct rate room_rate[HTTP_NLIMITS]; /* lines on them */

	/* http_listen.c */
	struct http_listener_list listeners;
	struct event *retry;
	struct rate starve_rate; /* lines on being starved */
	bool told;    /* of being starved; nothing was accepted since */
	bool starved; /* no descriptors or memory to accept with */

	/* http_tls.c */
	struct tls_engine *tls_engine;
	struct tls_context *tls; /* for the next connection */
	struct rate tls_rate;    /* lines on failures of TLS */

	bool draining;
	struct event *drained;
	void (*done)(void *arg);
	void *done_arg;
};

/* An answer, made once. */
struct http_answer {
	int code;
	const char *reason;
	const char *body; /* JSON */
};

/*
 * A listener of that site, which is kept; the rest as http_new(). The site's
 * own parts (in, diag, sec or admin) are the caller's to set.
 */
struct http *http_new_site(struct event_base *base,
    const struct http_options *opt, const struct http_site *site);

/*
 * Answer req, whose connection is conn, for good. Headers that the answer
 * needs beside Content-Type have been added already.
 */
void http_answer(struct http_conn *conn, struct evhttp_request *req,
    const struct http_answer *answer);

/*
 * The same with these bytes as the body, instead of the answer's own. Their
 * Content-Type has been added already, unless they are JSON.
 */
void http_answer_bytes(struct http_conn *conn, struct evhttp_request *req,
    const struct http_answer *answer, const void *bytes, size_t len);

/* End a reply that was started by evhttp_send_reply_start(). */
void http_reply_end(struct http_conn *conn, struct evhttp_request *req);
/* Put a side into use. Returns 0; -1 when out of memory. */
int http_side_open(struct http *h, enum http_side_kind kind);

/* The last connection may be gone: end a drain. */
void http_drain_pump(struct http *h);

/* Returns 0; -1 when out of memory. */
int http_conns_init(struct http *h);

/* Frees what no connection uses any more. */
void http_conns_fini(struct http *h);

/*
 * Make the record for the next connection of a side, unless there is one.
 * Returns 0; -1 when out of memory, and then nothing may be accepted there.
 */
int http_conn_prepare(struct http_side *side);

/* Free one that was not used. Accepts NULL. */
void http_conn_discard(struct http_conn *spare);

/* The same as http_conn_prepare(), for every side in use. */
int http_conns_prepare(struct http *h);

/* The connection of a request; NULL if it could not be adopted. */
struct http_conn *http_conn_of(struct http *h, struct evhttp_request *req);

/*
 * A route keeps req and answers it later. Until the answer has left the
 * connection is being served: none of the shared limits has it closed.
 */
void http_conn_keep(struct http_conn *conn, struct evhttp_request *req);

/* Take the kept request back to answer it; also after the close. */
struct evhttp_request *http_conn_take_kept(struct http_conn *conn);

/* An answer has left, to a request that was kept or to another. */
void http_conn_answered(struct http_conn *conn);

/*
 * Its peer did what only one can do who has the secret, or the token: of all
 * connections it is now among the last to pay for a shared limit.
 */
void http_conn_prove(struct http_conn *conn);

/* The connection of a bufferevent; NULL: not adopted, or closed. */
struct http_conn *http_conn_of_bev(struct http *h, struct bufferevent *bev);

/* The connection of which this is the share. */
struct http_conn *http_conn_of_share(struct http_holder *share);

/* "ADDRESS:PORT" of the client; borrowed. */
const char *http_conn_peer(struct http_conn *conn);

/*
 * A plain connection was adopted: spare the kernel the news of each request.
 * Without memory for that it works all the same.
 */
void http_wire_hold(struct http_conn *conn);

/* Before its fd is closed. */
void http_wire_let_go(struct http_conn *conn);

/* Keep req: it is answered later, then http_wire_push() is called. */
void http_wire_keep(struct http_conn *conn, struct evhttp_request *req);

/*
 * The kept request was answered: have the answer leave now, not when the loop
 * comes to it. conn may be gone when this returns.
 */
void http_wire_push(struct http_conn *conn);

/* The kept request of a closed connection has its outcome: free the rest. */
void http_conn_release(struct http_conn *conn);

/* May another connection be accepted? */
bool http_room_is_there(const struct http *h);

/*
 * Close as many as are too many, for newcomer, if it is not NULL, which has
 * just joined. None that is being served: so there may be too many left. Not
 * to be called from a callback of a connection.
 */
void http_room_make(struct http *h, struct http_conn *newcomer);

/*
 * No file can be opened any more: close some, and let there be no more
 * connections than those that are left, until h->squeezed is 0 again. Returns
 * whether there was one to close.
 */
bool http_room_squeeze(struct http *h);

/*
 * Close conn, which the shares have chosen, for the sake of that limit: counted
 * and logged. Frees it. Not to be called from a callback of conn.
 */
void http_room_cut(struct http_conn *conn, enum http_limit limit);

/* Returns 0; -1 when out of memory. */
int http_listen_init(struct http *h);

/* Close every listener. */
void http_listen_stop(struct http *h);
void http_listen_fini(struct http *h);

/* Accept if there is room, else let clients wait in the backlog. */
void http_listen_pump(struct http *h);

/* Accepting failed for want of descriptors or memory: try again soon. */
void http_listen_starve(struct http *h, const char *why);

/* The limits have changed. */
void http_tls_set_limits(struct http *h);

/* evhttp closes the connection: take leave, and log what TLS failed of. */
void http_tls_closed(struct http_conn *conn);

/* When no connection is left. */
void http_tls_fini(struct http *h);

/* POST /webhooks/klikit. */
void http_webhook_run(struct http_conn *conn, struct evhttp_request *req);

/* The answer to a received event has left, or (left false) never will. */
void http_webhook_left(struct http_conn *conn, bool left);

#endif /* SERVER_HTTP_PRIVATE_H */
