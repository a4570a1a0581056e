/*
 * far_side.h -- a tiny HTTP peer that misbehaves, and name servers.
 *
 * In the loop of the test, on a port the kernel chose. Whatever goes wrong
 * fails the test.
 */
#ifndef TEST_LIB_FAR_SIDE_H
#define TEST_LIB_FAR_SIDE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct evconnlistener;
struct far_conn;

/* What is done once a request has been read whole. */
enum far_act {
	FAR_ANSWER,  /* send the text, stay open */
	FAR_CLOSE,   /* send the text, close */
	FAR_RESET,   /* RST, at once */
	FAR_DRIP,    /* send the text, one byte in each turn of the loop */
	FAR_ENDLESS, /* send the text, then filler without end */
	FAR_EARLY,   /* send the text at once, read no more, stay open */
	FAR_DEAF     /* do not even read the request */
};

/* What comes before: nothing, or what fake_tls.c takes for a handshake. */
enum far_shake {
	FAR_PLAIN,
	FAR_SHAKE,        /* do it */
	FAR_SHAKE_SLOW,   /* say nothing */
	FAR_SHAKE_REFUSE, /* refuse it */
	FAR_SHAKE_CLOSE   /* close in its midst */
};

struct far_side {
	struct event_base *base;
	struct evconnlistener *listener;
	unsigned port;
	enum far_act act;
	enum far_shake shake;
	const char *text;
	unsigned naccepted;
	unsigned nopen;
	unsigned nrequests;
	char request[65536]; /* the last one, with a NUL */
	LIST_HEAD(, far_conn) conns;
};

void far_open(struct far_side *far, struct event_base *base);
void far_close(struct far_side *far);

/* What to do from now on; text is borrowed. */
void far_play(struct far_side *far, enum far_act act, const char *text);

/* Close all its connections, by FIN or by RST. */
void far_hang_up(struct far_side *far, bool reset);

/* A port of 127.0.0.1 on which nobody listens, held by a file to close. */
unsigned far_refuse(int *ret_fd);

/*
 * A port of 127.0.0.1 on which connections are never made: the queue of its
 * listener is full. fds are the caller's to close.
 */
#define FAR_STUCK_FDS 4
unsigned far_stuck(int ret_fds[FAR_STUCK_FDS]);

/* How many files this process has open. */
unsigned far_count_fds(void);

#endif /* TEST_LIB_FAR_SIDE_H */
