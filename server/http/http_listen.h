/*
 * http_listen.h -- when to accept.
 *
 * Owns:    the listening sockets; the pause when accept() fails.
 * Touches: evhttp's listeners, an evtimer, the log.
 */
#ifndef SERVER_HTTP_LISTEN_H
#define SERVER_HTTP_LISTEN_H

#include <sys/queue.h>

#include <stdbool.h>

#include "server/base/rate.h"
#include "server/http/http_address.h"

struct event;
struct event_base;
struct evhttp;
struct http_listener;

TAILQ_HEAD(http_listener_list, http_listener);

/* The sockets of one struct http. */
struct http_listen {
	struct event_base *base;
	/* Descriptors are short: close a connection. Was there one? */
	bool (*squeeze)(void *arg);
	/* A pause is over. http_listen_starve() begins the next one. */
	void (*again)(void *arg);
	void *arg;
	/* The rest is private to http_listen.c. */
	struct http_listener_list listeners;
	struct event *retry;
	bool accepting;
	bool starved;  /* no descriptors or memory to accept with */
	bool reported; /* that it is; nothing was accepted since */
	struct rate rate;
};

/* base, squeeze, again and arg are set. Returns 0; -1 when out of memory. */
int http_listen_init(struct http_listen *all);

/*
 * Listen on address (http_address.h) for evhttp. Returns 0 and writes where to
 * ret_url; -1 and one line that says what to do to reason.
 */
int http_listen_open(struct http_listen *all, struct evhttp *evhttp,
    const char *scheme, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[HTTP_ADDRESS_REASON_MAX]);

/* Is there room for a connection? Else clients wait in the backlog. */
void http_listen_accept(struct http_listen *all, bool room);

/* One was accepted: the next shortage is to be logged again. */
void http_listen_accepted(struct http_listen *all);

/* Descriptors or memory are short: pause, and try again soon. */
void http_listen_starve(struct http_listen *all, const char *why);

/* Close every listener. */
void http_listen_stop(struct http_listen *all);
void http_listen_fini(struct http_listen *all);

#endif /* SERVER_HTTP_LISTEN_H */
