/*
 * tls_private.h -- what the files of TLS share.
 *
 * tls.c         the face: what may be done to a bufferevent that has TLS
 * tls_context.c certificate, key, what is negotiated, tickets, references
 * tls_client.c  whom a client trusts, and the sessions it takes up again
 * tls_engine.c  handshakes under way, their deadline, turns, counters
 * tls_filter.c  the bufferevent: bytes in, bytes out
 * tls_end.c     how a connection ends, and who is told
 * tls_peer.c    what is at fault in a certificate, for a person (pure)
 * tls_reason.c  why it failed, for a person (pure)
 * tls_cert.c    loads and judges pairs and roots (tls_cert.h, tls_judge.h)
 * tls_mbedtls.h mbedTLS 2.28 and 3.x
 */
#ifndef SERVER_TLS_PRIVATE_H
#define SERVER_TLS_PRIVATE_H

#include <sys/queue.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>

#include "server/tls/tls.h"
#include "server/tls/tls_cert.h"

#define TLS_SUITES_MAX 12
#define TLS_SESSIONS_MAX 8
#define TLS_DETAIL_MAX 128
#define TLS_WHY_MAX 224 /* of a connection's reason */

/* Kinds of subjectAltName (RFC 5280, section 4.2.1.6) */
#define TLS_SAN_NAME (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2)
#define TLS_SAN_ADDRESS (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7)

struct event;
struct tls_filter;
TAILQ_HEAD(tls_filter_list, tls_filter);

/* A client's last session with a host. */
struct tls_session {
	char *host; /* NULL: free */
	mbedtls_ssl_session session;
	uint64_t used; /* by age the oldest is replaced */
};

struct tls_context {
	unsigned refs;
	bool server;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
	struct tls_pair *own;    /* NULL: a client that shows none */
	struct tls_roots *roots; /* of a client; NULL: peer is all it trusts */
	mbedtls_x509_crt peer;   /* version 0: there is none */
	mbedtls_ssl_config conf;
	mbedtls_ssl_ticket_context tickets;
	int suites[TLS_SUITES_MAX]; /* 0 at the end */

	/* The connection inside mbedTLS, for the callbacks of conf. */
	struct tls_filter *current;

	struct tls_session sessions[TLS_SESSIONS_MAX];
	uint64_t nsessions; /* ever kept */
};

struct tls_engine {
	struct event_base *base;
	struct tls_engine_options opt;
	unsigned refs; /* the owner's, and one per connection */
	struct event *kick;
	struct event *turn;
	struct event *deadline;
	struct tls_filter_list kicked;     /* have something to send */
	struct tls_filter_list begun;      /* wait for a turn, not the first */
	struct tls_filter_list fresh;      /* wait for their first one */
	struct tls_filter_list handshakes; /* not done, oldest first */
	struct tls_stats stats;
	int64_t rest_until_us; /* no turn for who has several under way */
	bool crowded; /* some wait: the deadline also looks for idle ones */
};

/*
 *   NEW --> SILENT --> HANDSHAKE --> OPEN   FAILED is the end. SILENT is a
 *    |         |           |          |     server's connection of which no
 *    +---------+-----------+----------+     byte has come; a client's begins
 *                    |                      its handshake at once. OPEN lasts
 *                    v                      until the bufferevent is freed;
 *                 FAILED                    close_notify does not change it.
 */
enum tls_state { TLS_NEW, TLS_SILENT, TLS_HANDSHAKE, TLS_OPEN, TLS_FAILED };

struct tls_filter {
	struct tls_engine *engine;
	struct tls_context *ctx;
	struct bufferevent *bev;   /* which others see */
	struct bufferevent *under; /* its socket's */
	mbedtls_ssl_context ssl;
	enum tls_state state;
	char *host; /* of a client */

	TAILQ_ENTRY(tls_filter) kicked_next;
	TAILQ_ENTRY(tls_filter) waiting_next;
	TAILQ_ENTRY(tls_filter) handshakes_next;
	struct tls_filter_list *waits_in; /* NULL: for no turn */
	bool kicked;                      /* in that list */
	bool stepped;                     /* has had a turn */
	bool prepared;                    /* ssl has its buffers */
	bool counted;                     /* among the handshakes under way */
	int64_t deadline_ms;
	int64_t idle_us;      /* the peer has kept us waiting in it */
	int64_t idle_from_us; /* since then, too, unless it waits for a turn */

	uint64_t put;     /* bytes of mbedTLS for the socket, so far */
	uint64_t shaken;  /* of them TLS's own; 0: the handshake is not done */
	size_t encrypted; /* of bev's output: is on its way */
	bool direct;      /* try the socket before its buffer */
	bool draining;    /* bytes that have left are being removed */
	bool opened;      /* the first byte was looked at */
	bool resumed;     /* by an earlier session */
	bool late;        /* it had its time */
	bool ended;       /* close_notify has come */
	bool under_ended; /* the socket has */
	int under_error;  /* by this, in the handshake; 0: by its end */
	bool left;        /* close_notify was sent */
	bool shut;        /* shut down the socket once all is sent */
	uint32_t worst;   /* what is wrong with the peer's chain; 0: nothing */
	char detail[TLS_DETAIL_MAX]; /* of the certificate that is at fault */
	char why[TLS_WHY_MAX];
};

/* -- tls_context.c -- */

/* Load our own pair. Returns 0, or -1 with a reason. */
int tls_context_load_own(struct tls_context *ctx,
    const struct tls_pair_files *files, char reason[TLS_REASON_MAX]);

/* tls_tell_fn: keeps the first finding that is TLS_BAD as the reason. */
void tls_context_tell(enum tls_level level, enum tls_part part,
    const char *text, void *reason);

/* An empty one; NULL, with a reason, when it cannot be made. */
struct tls_context *tls_context_new(bool server, char reason[TLS_REASON_MAX]);

/* -- tls_client.c -- */

/* f is a new client: whom it means, and its last session. 0, or -1: memory. */
int tls_client_prepare(struct tls_filter *f, const char *host);

/* Its handshake is done, or it was given a new ticket: keep the session. */
void tls_client_keep(struct tls_filter *f);

void tls_client_forget(struct tls_context *ctx);

/* -- tls_engine.c -- */

void tls_engine_unref(struct tls_engine *e);

/* f has something to send: it is pumped before the loop waits again. */
void tls_engine_kick(struct tls_filter *f);

/* f's handshake can go on or begin: it gets its turn. */
void tls_engine_wait(struct tls_filter *f);

/* The time of f's handshake begins. */
void tls_engine_begin(struct tls_filter *f);

/* The handshake itself begins at once, without waiting for a place. */
void tls_engine_shake(struct tls_filter *f);

/* Its time, and the handshake if it had begun, are over. */
void tls_engine_end(struct tls_filter *f);

/* f is about to be freed. */
void tls_engine_forget(struct tls_filter *f);

/* -- tls_filter.c -- */

/* The filter of bev; NULL if it has none, or is being freed. */
struct tls_filter *tls_filter_of(struct bufferevent *bev);

/* Its time begins, unless it has. */
void tls_filter_begin(struct tls_filter *f);

/* Go on with the handshake. */
void tls_filter_step(struct tls_filter *f);

/* Send what is to be sent, read what can be read. */
void tls_filter_pump(struct tls_filter *f);

/* Is nothing of what was put into its output still on its way? */
bool tls_filter_sent(const struct tls_filter *f);

/* -- tls_end.c -- */

/* The handshake or the connection counts no longer. */
void tls_end_leave(struct tls_filter *f);

/*
 * Tell whom it belongs to, by BEV_EVENT_* and errno. As with each of the
 * following, the connection may be on its way out on return.
 */
void tls_end_raise(struct tls_filter *f, short what, int error);

/* It has failed, for this reason; the peer gets what alert there is. */
void tls_end_fail(struct tls_filter *f, const char *why);

/* The same: mbedTLS has given up with rc. */
void tls_end_fail_rc(struct tls_filter *f, int rc);

/* The same: its deadline has passed. */
void tls_end_late(struct tls_filter *f);

/* The same: it is idle, and others wait for its place. */
void tls_end_idle(struct tls_filter *f);

/* -- tls_peer.c -- */

/* Say of crt what the flag of its verification is about. */
void tls_peer_describe(const mbedtls_x509_crt *crt, uint32_t flag, size_t size,
    char *ret_text);

/* -- tls_reason.c -- */

/* The one of these flags that is told; 0 if there is none. */
uint32_t tls_reason_worst(uint32_t flags);

/*
 * Say what rc of mbedTLS means, of a server or a client: flags are the
 * certificate's, alert the one that came with rc.
 */
struct tls_failure {
	bool server;
	int rc;
	uint32_t flags;
	const char *detail; /* of the certificate; may be empty */
	int alert;
};
void tls_reason_write(const struct tls_failure *failure, size_t size,
    char *ret_text);

#endif /* SERVER_TLS_PRIVATE_H */
