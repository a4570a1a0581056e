/*
 * raw_side.h -- a far side that says what the test says, byte for byte.
 *
 * In the loop of the test, on a port the kernel chose. Whatever goes wrong
 * fails the test.
 */
#ifndef TEST_LIB_RAW_SIDE_H
#define TEST_LIB_RAW_SIDE_H

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct event_base;
struct evconnlistener;

struct raw_side {
	struct event_base *base;
	struct evconnlistener *listener;
	unsigned port;
	struct bufferevent *bev; /* the connection accepted last; NULL: gone */
	bool deaf;               /* those to come are not read */
	unsigned naccepted;
	bool ended;      /* the near side has closed the last one */
	char got[65536]; /* all that came over it, with a NUL */
	size_t got_len;
};

/* Listens on 127.0.0.1. */
void raw_open(struct raw_side *raw, struct event_base *base);
void raw_close(struct raw_side *raw);

/* Send over the last connection. */
void raw_send(struct raw_side *raw, const void *bytes, size_t len);
void raw_say(struct raw_side *raw, const char *text);

/* Send as soon as the socket takes it, and reset the connection after that. */
void raw_say_and_reset(struct raw_side *raw, const char *text);

/* Close it, by FIN or by RST. */
void raw_hang_up(struct raw_side *raw, bool reset);

/* Read no more of it. */
void raw_stop_reading(struct raw_side *raw);

#endif /* TEST_LIB_RAW_SIDE_H */
