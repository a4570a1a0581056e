/*
 * link.h -- one lasting connection to a broker: look-up, connect, TLS, login,
 * keep-alive, reconnect, leave.
 *
 * Owns:    the socket, its bufferevent, its timers, its state.
 * Touches: the loop, the env's resolver and connect(). Knows no protocol, which
 *          a table of functions speaks, and no jobs. SIGPIPE must be ignored.
 *
 *   DOWN --> DIALING --> SHAKING --> LOGIN --> UP      DOWN -> DIALING only
 *    ^        | ^         |   |      |   |      |      when it is wanted, and
 *    +--------+ +---------|---+------+   |      |      the pause is over; back
 *    +--------------------+--------------+------+      to DIALING when another
 *                                                      address is tried
 *
 * A connection that failed is made again after a pause with jitter that doubles
 * from 100 ms to 30 s, and begins anew once one has been UP for a while; so a
 * login that is refused is no hot loop. Functions of the table are called from
 * the loop, never from within a function of this module, but for leave().
 */
#ifndef HANDLERS_LINK_H
#define HANDLERS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "handlers/net/link_state.h"

struct evbuffer;
struct link; /* opaque */

/* How a connection, or the try to make one, ended; valid for the call. */
struct link_end {
	enum link_fault fault;
	bool was_up;
	const char *reason; /* one line, in our own words: for the log */
	const char *detail; /* what the far side said of it; NULL: nothing */
	int code;           /* the protocol's number for it; 0: none */
};

struct link_protocol {
	/*
	 * It is connected, by TLS where that is asked for: begin the login;
	 * anew, if the one before was at an address that gave no answer.
	 */
	void (*greet)(void *arg, struct link *l);

	/*
	 * Bytes have come: take from in what is whole. Returns 0; -1 after
	 * link_refuse() or link_break(). What stays in it may be input_max
	 * bytes long; one more, and the link breaks. It is also called for what
	 * the far side has sent before it closed or reset the connection.
	 */
	int (*input)(void *arg, struct link *l, struct evbuffer *in);

	/* Nothing has come for keepalive_ms: ask for a sign of life. */
	void (*idle)(void *arg, struct link *l);

	/* link_up() was called: what waits may be written. */
	void (*up)(void *arg, struct link *l);

	/*
	 * The connection, or the try to make one, is over; the state is DOWN.
	 * No call of link_want() counts any more but those from here on.
	 */
	void (*down)(void *arg, struct link *l, const struct link_end *end);

	/* It is about to be closed while UP: write the goodbye. May be NULL. */
	void (*leave)(void *arg, struct link *l);
};

struct link_options {
	const struct handler_env *env; /* kept */
	struct handler_tls *tls;       /* kept; NULL: without TLS */
	const char *host;              /* copied */
	uint16_t port;
	int64_t connect_ms; /* from DIALING until it is UP, at most */
	/* Silence before idle(); as much again, and it is lost. 0: never. */
	int64_t keepalive_ms;
	size_t input_max; /* bytes that input() may leave unread */
};

/*
 * Keeps protocol and arg, copies opt. NULL when out of memory. Nothing is
 * dialled yet.
 */
struct link *link_new(const struct link_options *opt,
    const struct link_protocol *protocol, void *arg);

/*
 * Write the goodbye if it is UP and nothing else is on its way, send that if it
 * can be sent without waiting, close. No function is called any more but
 * leave(), and that at once. At any time; from within a function of the
 * protocol memory is freed when that has returned. Accepts NULL.
 */
void link_free(struct link *l);

enum link_state link_state(const struct link *l);

/* "down", "dialing", ...: for people. */
const char *link_state_name(enum link_state state);

/*
 * Have a connection made: at once, or when the pause after a failure is over.
 * down() follows if it cannot be. In any state; once is enough until down().
 */
void link_want(struct link *l);

/*
 * Somebody has put it right and waits: the pause after a failure is over, and
 * what follows is counted as a first failure. It is dialled if it is wanted.
 */
void link_hurry(struct link *l);

/*
 * ms until the pause after a failure is over, at most LINK_PAUSE_MAX_MS; 0:
 * there is none.
 */
int64_t link_pause_ms(const struct link *l);

/* Why the last connection ended, one line; NULL: none has, since the last UP.
 */
const char *link_last_failure(const struct link *l);

/* Whom it is or was connected to last, "address:port"; empty: nobody yet. */
const char *link_peer(const struct link *l);

/* Where to write, in LOGIN and UP; NULL else. What is written goes by itself.
 */
struct evbuffer *link_output(struct link *l);

/* Where the next byte that is written will stand, counted from the connect. */
uint64_t link_mark(const struct link *l);

/*
 * May a byte at that mark or behind it have left? Without TLS exact. With TLS,
 * as what is sealed cannot be counted, all that was written since the output
 * was empty counts as one: yes as soon as any of it has left. Also from down().
 */
bool link_has_left(const struct link *l, uint64_t mark);

/*
 * It serves no more, as something was not answered in time: as if it was lost,
 * for this reason. The next connection is made to another address of the host,
 * if there is one. Only in LOGIN and UP; down() follows from the loop.
 */
void link_drop(struct link *l, const char *reason_fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* -- From the protocol's functions; ignored but in LOGIN and UP -- */

/* The login is done. */
void link_up(struct link *l);

/* The far side let us not in, or sends us away; detail may be NULL. */
void link_refuse(struct link *l, int code, const char *detail,
    const char *reason_fmt, ...) __attribute__((format(printf, 4, 5)));

/* What came makes no sense; nothing more of it is read. */
void link_break(struct link *l, const char *reason_fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* HANDLERS_LINK_H */
