/*
 * http_leave.h -- does the client of a request that waits close its side?
 *
 * Owns:    an event on the socket beside those of others, and a timer.
 * Touches: the socket, of which nothing is read.
 *
 * evhttp does not read while a request waits. Who leaves is noticed by that
 * alone when an answer is written, and then the answer is lost.
 */
#ifndef SERVER_HTTP_LEAVE_H
#define SERVER_HTTP_LEAVE_H

struct event_base;
struct http_leave; /* opaque */

/*
 * left(arg) runs, from the loop, when the client has closed its side of fd, or
 * the connection is broken, and may free this; perhaps again if nothing is done
 * about it. NULL when out of memory.
 */
struct http_leave *http_leave_new(struct event_base *base, int fd,
    void (*left)(void *arg), void *arg);

/* Before fd is closed. Accepts NULL. */
void http_leave_free(struct http_leave *leave);

#endif /* SERVER_HTTP_LEAVE_H */
