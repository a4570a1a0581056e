/*
 * pg_proxy.h -- stands between a program and a PostgreSQL server, and has that
 * server do what one does too seldom to be tested: fall silent, be cut off in
 * the middle of a COMMIT, warn, fail with any SQLSTATE.
 *
 * Owns:    a listening socket of 127.0.0.1, a thread, and one per connection.
 * Threads: its own; the functions are for one thread.
 * Fails by cmocka's assertions.
 */
#ifndef TEST_LIB_PG_PROXY_H
#define TEST_LIB_PG_PROXY_H

#include <stddef.h>

struct pg_proxy;

enum pg_trick {
	PG_TRICK_NONE,
	PG_TRICK_SILENCE,    /* from now on nothing is passed on, either way */
	PG_TRICK_CUT,        /* cut before it */
	PG_TRICK_CUT_ANSWER, /* the server does it; cut instead of its answer */
	PG_TRICK_WARN,       /* the server does it; its answer has a warning */
	PG_TRICK_RAISE       /* it fails with the SQLSTATE given */
};

/*
 * What leads to the server that the URL names, which must not use TLS; NULL:
 * to none, so that it takes connections and never says anything.
 */
struct pg_proxy *pg_proxy_new(const char *url);

/* The URL with the proxy in the server's place; "/" if there is none. */
void pg_proxy_url(const struct pg_proxy *p, char *ret_url, size_t room);

/*
 * Play a trick on the next message of a client's that contains that text: of a
 * statement, or the name of a prepared one. Once.
 */
void pg_proxy_play(struct pg_proxy *p, enum pg_trick trick, const char *text,
    const char *sqlstate);

/* How many tricks were played. */
unsigned pg_proxy_played(struct pg_proxy *p);

/* Cut all connections, and take none: the server is gone. Or is back. */
void pg_proxy_away(struct pg_proxy *p, int away);

void pg_proxy_free(struct pg_proxy *p); /* accepts NULL */

#endif /* TEST_LIB_PG_PROXY_H */
