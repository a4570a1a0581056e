/*
 * conn.h -- one connected socket to a far side, by TLS where that is asked for.
 *
 * Owns:    the socket, the bufferevent that env's connect() has made for it,
 *          and the count of what has left.
 * Touches: the loop. Knows nothing of what is said over it. SIGPIPE must be
 *          ignored.
 */
#ifndef HANDLERS_CONN_H
#define HANDLERS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/net/dial.h"

struct conn; /* opaque */
struct evbuffer;
struct handler_env;
struct handler_tls;

/*
 * All come from the loop, and from within no function of this module but
 * conn_flush().
 */
struct conn_calls {
	/* TLS is there; never without TLS, which has nothing to wait for. */
	void (*ready)(void *arg);

	/* Bytes have come: conn_input(). */
	void (*input)(void *arg);

	/*
	 * It has ended; what has come last may still be in conn_input(), also
	 * when it was reset after that. error is 0 if the far side has closed,
	 * else an errno; ETIMEDOUT after the silence that conn_limit_silence()
	 * allows.
	 */
	void (*lost)(void *arg, int error);
};

/* What connections to one far side have in common; kept. */
struct conn_kind {
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: without TLS */
	const char *host;        /* whom TLS has to prove */
	uint16_t port;
	const struct conn_calls *calls;
};

/*
 * A connection over a connected socket, which it takes: fd is closed if this
 * fails. Copies peer. NULL: out of memory, or no connector.
 */
struct conn *conn_new(const struct conn_kind *kind, int fd, const char *peer,
    void *arg);

/* Take leave, as TLS has it, and close. No call comes any more. */
void conn_free(struct conn *c);

/* "address:port" of the far side. */
const char *conn_peer(const struct conn *c);

/* May be written to: without TLS always. */
bool conn_is_ready(const struct conn *c);

/* What has come, to be taken from it; what stays is there the next time. */
struct evbuffer *conn_input(struct conn *c);

/* Where to write. What is written goes by itself, once it is ready. */
struct evbuffer *conn_output(struct conn *c);

/* Where the next byte that is written will stand, from the beginning on. */
uint64_t conn_mark(const struct conn *c);

/*
 * May a byte at that mark or behind it have left? Without TLS exact. With TLS,
 * as what is sealed cannot be counted, all that was written since the output
 * was empty counts as one: it is yes as soon as any of it has left.
 */
bool conn_has_left(const struct conn *c, uint64_t mark);

/* Has all that was written left? */
bool conn_is_drained(const struct conn *c);

/* Send of it what the socket takes at once. With TLS calls may come. */
void conn_flush(struct conn *c);

/*
 * Why it could not be used, in one line, for one that was lost by that error:
 * what TLS says of it, or the error; NULL: the far side has just closed it.
 */
const char *conn_failure(const struct conn *c, int error);

/* It is lost when nothing comes for so long; 0: for ever. */
void conn_limit_silence(struct conn *c, int64_t ms);

/* Has the far side neither closed nor sent anything, as far as can be seen? */
bool conn_is_quiet(const struct conn *c);

#endif /* HANDLERS_CONN_H */
