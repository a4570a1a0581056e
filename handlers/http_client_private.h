/*
 * http_client_private.h -- what the files of the HTTP client share.
 *
 * Only for http_client*.c. A connection records facts about its call, and
 * wakes it; the call alone decides (http_client.c).
 */
#ifndef HANDLERS_HTTP_CLIENT_PRIVATE_H
#define HANDLERS_HTTP_CLIENT_PRIVATE_H

#include <sys/queue.h>

#include <event2/keyvalq_struct.h>

#include "handlers/http_client.h"

struct client_conn;
struct client_lookup;
struct event;
struct evhttp_connection;
struct evutil_addrinfo;
struct sockaddr;

#define CLIENT_PEER_MAX 80      /* "[address]:port" */
#define CLIENT_LOCATION_MAX 160 /* kept of a Location */

struct http_client {
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: without TLS */
	struct http_client_url url;
	char *authority; /* for Host */
	size_t max_idle;
	size_t nidle;
	LIST_HEAD(, client_conn) idle; /* the one used last is first */
	LIST_HEAD(, client_conn) dead; /* closed while idle; to be freed */
	struct event *reap;            /* frees them, from the loop */
};

struct http_client_call {
	struct http_client *hc;
	http_client_fn *done;
	void *arg;
	struct event *deadline;
	struct event *kick; /* made active when a fact is new */
	int64_t timeout_ms;
	struct evkeyvalq headers;
	void *body;
	size_t body_len;

	struct client_lookup *lookup;            /* under way, or NULL */
	struct evutil_addrinfo *addrs;           /* all that were found */
	const struct evutil_addrinfo *next_addr; /* not yet tried */
	struct client_conn *conn;
	bool kept;                  /* the connection is one from before */
	char peer[CLIENT_PEER_MAX]; /* whom it was last sent to */

	/* Facts, of the connection now in use but for the first two. */
	bool late;
	const char *lookup_failure; /* NULL: none */
	bool connected;             /* and the handshake is done, with TLS */
	bool lost;
	int error; /* errno, when it was lost without being connected */
	bool garbage;
	bool whole; /* the answer is */
	bool all_sent;
	size_t received;

	/* The answer, when status is not 0. */
	int status;
	bool framed; /* its end can be told without closing */
	int64_t retry_after_ms;
	char location[CLIENT_LOCATION_MAX];
	unsigned char beginning[HTTP_CLIENT_ANSWER_MAX];
	size_t beginning_len;
};

/* -- http_client_conn.c -- */

/* One connection, made with no call; NULL: out of memory, or no connector. */
struct client_conn *client_conn_new(struct http_client *hc,
    const struct sockaddr *sa, unsigned sa_len);

/* One that was kept and is alive, as far as can be seen; NULL: none. */
struct client_conn *client_conn_take(struct http_client *hc);

/*
 * Send the call's request on its connection. Whatever comes of it is recorded
 * in the call, perhaps at once. Returns 0, or -1 when out of memory.
 */
int client_conn_send(struct client_conn *conn, struct http_client_call *call);

/* Give a connection back after its call: it is kept if that can be. */
void client_conn_release(struct client_conn *conn, bool reusable);

/* Has any byte of its call's request left? */
bool client_conn_has_sent(const struct client_conn *conn);

/* Is TLS shaking hands on it: the socket is connected, and no more? */
bool client_conn_shakes(const struct client_conn *conn);

/* Why TLS failed on it; NULL: it did not. Valid as long as the connection. */
const char *client_conn_failure(const struct client_conn *conn);

/* Close. No callback comes any more. */
void client_conn_free(struct client_conn *conn);

/* Free those that were closed by the far side while idle. */
void client_conn_reap(struct http_client *hc);

/* -- http_client_lookup.c -- */

/*
 * Look up the host. Sets call->addrs or call->lookup_failure, perhaps at once,
 * and wakes the call. Returns 0, or -1 when out of memory.
 */
int client_lookup_start(struct http_client_call *call);

/* Drop it: the call is not touched any more. */
void client_lookup_cancel(struct client_lookup *lookup);

/* -- http_client_head.c -- */

/*
 * The wait that a Retry-After asks for, seconds or an HTTP date, in ms, capped
 * to HTTP_CLIENT_WAIT_MAX; 0 if it asks for none or makes no sense. Pure.
 */
int64_t client_head_wait(const char *value, int64_t now_ms);

/*
 * Copy a header's value, cut to what fits, with '?' for what is not printable
 * ASCII. Pure.
 */
void client_head_copy(const char *value, size_t size, char *ret_text);

#endif /* HANDLERS_HTTP_CLIENT_PRIVATE_H */
