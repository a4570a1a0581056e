/*
 * http_late.h -- answers that leave later: to those who fail too often.
 *
 * Owns:    which requests wait for that, and the timer of the first one.
 * Touches: nothing else; who answers them is told when it is time.
 *
 * A client sends its next request on a connection when it has the answer to
 * this one. So whoever asks as fast as it is refused asks a few times a second
 * instead of thousands of times, at the price of a connection that waits, and
 * that is among the first to be closed for a limit.
 */
#ifndef SERVER_HTTP_LATE_H
#define SERVER_HTTP_LATE_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

struct event;
struct event_base;
struct http_request;

/* How much later, and how many wait at once: of more the first one is answered
   now, so that what they hold is bounded. */
#define HTTP_LATE_MS 300
#define HTTP_LATE_MAX 256

/* A part of each request; private to http_late.c. */
struct http_late {
	TAILQ_ENTRY(http_late) next;
	struct http_request *request;
	int64_t due_us;
};

/* Those of a listener, the first to be answered first. */
struct http_lates {
	TAILQ_HEAD(, http_late) waiting;
	size_t n;
	struct event *timer;
	void (*due)(struct http_request *r);
};

/*
 * due(): it is time for the answer of r, which waits no longer. Returns 0; -1
 * when out of memory, and then there is nothing to free.
 */
int http_lates_init(struct http_lates *all, struct event_base *base,
    void (*due)(struct http_request *r));

/* When none waits. */
void http_lates_fini(struct http_lates *all);

/* The answer of r, of which late is a part, waits; due() may run for another
 * one before this returns. */
void http_late_add(struct http_lates *all, struct http_late *late,
    struct http_request *r);

/* It waits no longer. */
void http_late_forget(struct http_lates *all, struct http_late *late);

#endif /* SERVER_HTTP_LATE_H */
