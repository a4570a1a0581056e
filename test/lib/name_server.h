/*
 * name_server.h -- a DNS server in the loop of the test, that misbehaves.
 *
 * On a port of 127.0.0.1 that the kernel chose, by UDP and TCP. Whatever goes
 * wrong fails the test.
 */
#ifndef TEST_LIB_NAME_SERVER_H
#define TEST_LIB_NAME_SERVER_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;
struct evconnlistener;

enum name_act {
	NAME_GOOD,
	NAME_DEAD,      /* nobody listens */
	NAME_SILENT,    /* says nothing */
	NAME_SLOW,      /* says it later */
	NAME_REFUSING,  /* REFUSED */
	NAME_FAILING,   /* SERVFAIL */
	NAME_GARBLED,   /* what it says is no DNS */
	NAME_LOSING,    /* it loses the first question of each family */
	NAME_TRUNCATING /* by UDP nothing but that there is more by TCP */
};
#define NAME_NACTS (NAME_TRUNCATING + 1)

/*
 * Of "pos.test" and "pos.inner.test" it knows one IPv4 address, of "six.test"
 * also one of IPv6, of "four.test" no IPv6 address; nothing else exists.
 */
struct name_server {
	struct event_base *base;
	enum name_act act;
	bool drops_ipv6; /* no question for AAAA is answered */
	uint32_t ttl_s;
	uint8_t address; /* 192.0.2.ADDRESS */
	uint16_t port;
	unsigned asked; /* times, by UDP */
	unsigned asked_ipv4;
	unsigned asked_ipv6;
	unsigned asked_tcp;
	int fd;
	struct event *ev;
	struct evconnlistener *tcp;
	TAILQ_HEAD(, slow_answer) slow; /* on their way */
};

void name_server_open(struct name_server *s, struct event_base *base,
    enum name_act act);

/* What is on its way is dropped. Accepts one that is closed, or all zero. */
void name_server_close(struct name_server *s);

#endif /* TEST_LIB_NAME_SERVER_H */
