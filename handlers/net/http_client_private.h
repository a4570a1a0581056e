/*
 * http_client_private.h -- what the files of the HTTP client share.
 *
 * A connection (http_client_conn.c) records facts about its call, and wakes
 * it; the call alone decides (http_client.c).
 */
#ifndef HANDLERS_HTTP_CLIENT_PRIVATE_H
#define HANDLERS_HTTP_CLIENT_PRIVATE_H

#include <sys/queue.h>

#include "handlers/net/conn.h"
#include "handlers/net/dial.h"
#include "handlers/net/http_client.h"
#include "handlers/net/http_client_answer.h"

struct client_conn;
struct event;
struct evbuffer;

struct http_client {
	const struct handler_env *env;
	struct conn_kind kind; /* of its connections */
	struct http_client_url url;
	struct dialer *dialer;
	char *authority; /* for Host */
	size_t max_idle;
	size_t nidle;
	LIST_HEAD(, client_conn) idle; /* the one used last is first */
	LIST_HEAD(, client_conn) dead; /* closed while idle; to be freed */
	struct event *reap;            /* frees them, from the loop */
};

struct call_limits {
	int64_t timeout_ms;
	int64_t silence_ms; /* once it is sent; 0: timeout_ms is for all */
	size_t read_max;
};

struct http_client_call {
	struct http_client *hc;
	http_client_fn *done;
	bool (*may_send)(void *arg); /* or NULL */
	void *arg;
	struct event *kick;     /* made active when a fact is new */
	struct event *deadline; /* the time for all of it */
	struct event *way;      /* the time until it can be sent */
	struct event *shake;    /* the time for TLS at one address */
	struct call_limits limits;
	struct evbuffer *request;

	struct dial *dial; /* under way, or NULL */
	struct client_conn *conn;
	bool kept;                /* the connection is one from before */
	unsigned ndials;          /* that have led to a connection */
	size_t addresses;         /* that the host has */
	char peer[DIAL_PEER_MAX]; /* whom it was last sent to */

	/* Facts. */
	bool late;
	bool way_late;   /* the time until it can be sent is over */
	bool shake_late; /* that for TLS at this address is */
	char dial_failure[DIAL_REASON_MAX]; /* or why it is not sent */

	/* Facts of the connection now in use. */
	bool connected; /* and the handshake is done, with TLS */
	bool lost;
	int error; /* errno, when it was lost; 0: it was closed */
	size_t received;
	struct answer answer;
};

/* -- http_client_conn.c -- */
extern const struct conn_calls client_conn_calls;

/*
 * A connection over a connected socket, which it takes; NULL: out of memory,
 * or no connector.
 */
struct client_conn *client_conn_new(struct http_client *hc, int fd,
    const char *peer);

/* One that was kept and is alive, as far as can be seen; NULL: none. */
struct client_conn *client_conn_take(struct http_client *hc);

/*
 * Send the call's request on its connection, as soon as that may be. Whatever
 * comes of it is recorded in the call. Returns 0, or -1 when out of memory.
 */
int client_conn_send(struct client_conn *conn, struct http_client_call *call);

/*
 * The same, of one that was kept, without TLS, when the loop comes to the call:
 * the far side may have closed it meanwhile.
 */
void client_conn_send_kept(struct client_conn *conn);

/* Give a connection back after its call: it is kept if that can be. */
void client_conn_release(struct client_conn *conn, bool reusable);

/* Has any byte of its call's request left? Have all? */
bool client_conn_has_sent(const struct client_conn *conn);
bool client_conn_all_sent(const struct client_conn *conn);

/* As conn_failure(). Valid as long as the connection. */
const char *client_conn_failure(const struct client_conn *conn, int error);

/* Close. No callback comes any more. */
void client_conn_free(struct client_conn *conn);

/* Close those that are kept and lead there. */
void client_conn_drop_idle(struct http_client *hc, const char *peer);

/* Free those that were closed by the far side while idle. */
void client_conn_reap(struct http_client *hc);

#endif /* HANDLERS_HTTP_CLIENT_PRIVATE_H */
