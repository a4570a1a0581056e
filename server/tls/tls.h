/*
 * tls.h -- TLS, as a server and as a client.
 *
 * Owns:    certificates, keys and what is negotiated with them (a context);
 *          the handshakes under way, their deadline, their share of the loop
 *          (an engine); a bufferevent that speaks TLS over a socket.
 * Touches: mbedTLS, bufferevents, files of certificates, the clock. No HTTP,
 *          no log, no configuration. The other files of the program see no
 *          mbedTLS.
 * Threads: the loop's, and one that an engine may have.
 *
 * What is spoken: TLS 1.2 and later, ephemeral elliptic Diffie-Hellman with
 * an AEAD cipher, no renegotiation, no compression (RFC 9325, sections 3 and
 * 4). A server offers session tickets (RFC 5077) under keys that are made
 * anew and never leave the process; a client takes up its last session.
 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct event_base;
struct tls_context; /* opaque, counted by references */
struct tls_engine;  /* opaque */

/* Of a connection in mbedTLS from its first byte on: mostly two buffers. */
#define TLS_STATE_SIZE ((size_t)38 * 1024)

#define TLS_REASON_MAX 512

/* -- Who we are, whom we trust -- */

struct tls_server_options {
	const char *certificate; /* PEM file: ours, then intermediate ones */
	const char *key;         /* PEM file, not encrypted */
};

struct tls_client_options {
	const char *ca_file;     /* PEM file of roots; NULL: the system's */
	const char *certificate; /* shown when asked for; NULL: none */
	const char *key;         /* goes with it */
	const char *peer;        /* PEM file of the only certificate that will
				  * do, under any name and at any time; NULL:
				  * any that the roots vouch for */
};

/*
 * Load the pair by tls_pair_load(), and make all that a server's connections
 * share. A certificate that has expired is taken: the clock may be wrong, and
 * a client's error about it is clearer than a server that does not answer. opt
 * is read, not kept; the files are not read again. Owned by the caller, who
 * gives it back by tls_context_unref(). NULL, and one line that names the file
 * and what to do to reason, on failure.
 */
struct tls_context *tls_server_new(const struct tls_server_options *opt,
    char reason[TLS_REASON_MAX]);

/* The same for connections that we open. */
struct tls_context *tls_client_new(const struct tls_client_options *opt,
    char reason[TLS_REASON_MAX]);

/*
 * One reference more, returned for convenience; one less. Each connection
 * holds one, so a context may be replaced while there are connections: they
 * go on with the one they were made with. unref accepts NULL.
 */
struct tls_context *tls_context_ref(struct tls_context *ctx);
void tls_context_unref(struct tls_context *ctx);

/* -- What connections share on a loop -- */

struct tls_engine_options {
	int64_t handshake_timeout_ms; /* absolute: not per byte */
	bool has_thread; /* of its own, in which handshakes are computed */

	/*
	 * Handshakes under way at once; 0: any number. Who has sent a first
	 * byte and finds no place waits for one, without any cost but the
	 * connection's. While somebody waits, a handshake whose peer has kept
	 * it waiting for TLS_STALL_MS makes room.
	 */
	size_t max_handshakes;

	/*
	 * The rest are NULL for those who speak to nobody but friends. owner is
	 * tls_set_owner()'s; NULL: it has none, or none any more.
	 */

	/*
	 * A handshake has begun or ended. From the loop or from tls_close(),
	 * never from tls_bufferevent_new().
	 */
	void (*shaking)(void *owner, bool begun, void *arg);

	/*
	 * Who goes first, and whose handshake makes room: the lowest goes
	 * first, of equals the first that came. Those above 1 may use half of
	 * the time.
	 */
	size_t (*rank)(void *owner, void *arg);

	/*
	 * owner's is next, and there is no place: end another handshake, by
	 * tls_blame() and tls_close(), if owner has more right to one.
	 */
	void (*make_room)(void *owner, void *arg);
	void *arg;
};
#define TLS_STALL_MS 2000

/*
 * Keeps base until tls_engine_free(), copies opt. A listener has one, and so
 * have all outgoing connections together. NULL when out of memory.
 */
struct tls_engine *tls_engine_new(struct event_base *base,
    const struct tls_engine_options *opt);

/* Other limits, for handshakes to come. */
void tls_engine_set_limits(struct tls_engine *e, int64_t handshake_timeout_ms,
    size_t max_handshakes);

struct tls_stats {
	uint64_t handshakes; /* that were completed */
	uint64_t resumed;    /* of those, by an earlier session */
	uint64_t failed;     /* of any cause but their deadline */
	uint64_t timed_out;
	size_t handshaking; /* now: begun, and neither completed nor failed */
	size_t waiting;     /* now: for a place or a turn */
	size_t open;        /* now: completed, and not yet closed */
};
void tls_engine_stats(const struct tls_engine *e, struct tls_stats *ret_stats);

/*
 * Its connections must have been freed by bufferevent_free(), though libevent
 * may not have got to the end of that. Before event_base_free(). Accepts NULL.
 */
void tls_engine_free(struct tls_engine *e);

/* -- Connections -- */

/*
 * A bufferevent that speaks TLS over a socket of its own, which it closes. It
 * is owned by the caller, as from bufferevent_socket_new(base, -1,
 * BEV_OPT_CLOSE_ON_FREE), and used in the same way: bufferevent_setfd() gives
 * it a socket, evhttp may be laid over it, on either side; its callbacks are
 * never called from within a call to it. Watermarks and rate limits are not
 * for it. Bytes put into its output are sent whether or not EV_WRITE is
 * enabled.
 *
 * host is NULL for a server. Nothing can fail at accept; its time runs from
 * tls_start(). What mbedTLS needs of memory (TLS_STATE_SIZE) is allocated when
 * its handshake has begun, and without it that connection fails.
 *
 * A client must say whom it means to reach: host, a name or a numeric address,
 * is checked against the certificate, always, and a name is sent as SNI. Its
 * time runs from the moment TCP is connected; BEV_EVENT_CONNECTED comes when
 * the handshake is done. Under evhttp: no retries, a new one per connection.
 *
 * When TLS fails BEV_EVENT_ERROR comes, with errno ETIMEDOUT if it was the
 * deadline, else EPROTO; tls_reason() says why. The peer's close_notify is
 * BEV_EVENT_EOF. An end of the socket without one is EOF for a server (many
 * clients do that, and HTTP says itself where a request ends), an error with
 * ECONNRESET for a client.
 *
 * Keeps e, takes a reference of ctx. NULL when out of memory, or if ctx is not
 * of that side.
 */
struct bufferevent *tls_bufferevent_new(struct tls_engine *e,
    struct tls_context *ctx, const char *host);

/* A server's connection was accepted: its deadline runs. */
void tls_start(struct bufferevent *bev);

/* Whose it is, for the engine's options; kept until another is set. */
void tls_set_owner(struct bufferevent *bev, void *owner);

/* The context bev was made with; borrowed. */
const struct tls_context *tls_context_of(struct bufferevent *bev);

/*
 * Why TLS on bev failed, in one line for a person ("the certificate's issuer
 * is unknown", "handshake timed out", ...); NULL if it did not. Also for a
 * bufferevent that has no TLS: NULL. Valid until bev is freed.
 */
const char *tls_reason(struct bufferevent *bev);

/*
 * Is such a reason part of the text, of a client whose far side's certificate
 * is out of its dates? Then it may well be our clock that is wrong. Pure.
 */
bool tls_reason_is_of_dates(const char *text);

/*
 * bev is to make room for others: if its handshake is under way this is why it
 * fails. The caller then calls tls_close().
 */
void tls_blame(struct bufferevent *bev, const char *why);

/*
 * How many bytes of those put into bev's output have left for the peer, counted
 * as they were encrypted; 0: nothing of it, whatever the handshake took. Also
 * when it has failed, until bev is freed; 0 without TLS.
 */
uint64_t tls_sent(struct bufferevent *bev);

/*
 * Bytes that have come from the peer and are not in bev's input yet: at most
 * two records, and bounded by them per connection. 0 without TLS.
 */
size_t tls_held(struct bufferevent *bev);

/* Memory that TLS has for bev by now, tls_held() included. 0 without TLS. */
size_t tls_allocated(struct bufferevent *bev);

/*
 * Send text to the peer at once, past the bufferevent, when nothing that was
 * put into its output is still on its way; else, and before the handshake is
 * done, nothing is sent. What the socket does not take follows from the loop.
 */
void tls_send_now(struct bufferevent *bev, const char *text, size_t len);

/*
 * Send what was put into bev's output now, as far as the socket takes it, and
 * not when the loop comes to it. bev's callbacks may run.
 */
void tls_flush(struct bufferevent *bev);

/*
 * Send no more: close_notify, then the socket is shut down for writing. What
 * is read goes on.
 */
void tls_half_close(struct bufferevent *bev);

/*
 * bev is about to be freed or its socket to be shut down: take leave of the
 * peer by close_notify (RFC 5246, section 7.2.1), unless a reply was cut, and
 * count it no longer among handshakes. May be called twice, and without TLS.
 */
void tls_close(struct bufferevent *bev);

#endif /* SERVER_TLS_H */
