#include "handlers/net/dial.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "handlers/net/net_clock.h"
#include "handlers/net/resolver.h"
#include "store/base/timeval.h"

#define BLAMED_MAX RESOLVER_ADDRS_MAX
#define BLAME_MS (10 * 60 * 1000)

/* An address that did not serve. */
struct blame {
	char peer[DIAL_PEER_MAX]; /* empty: none */
	int64_t at_ms;
};

struct dialer {
	struct event_base *base;
	struct resolver *resolver;
	char *host;
	uint16_t port;
	struct blame blamed[BLAMED_MAX];
};

/* One address of the host, on its way. */
struct attempt {
	struct dial *dial;
	union resolver_addr addr;
	char peer[DIAL_PEER_MAX];
	int fd;           /* -1: not begun, or over */
	struct event *ev; /* it is writable */
};

struct dial {
	struct dialer *dialer;
	dial_fn *done;
	void *arg;
	int64_t lookup_ms, patience_ms;
	struct resolver_lookup *lookup; /* under way, or NULL */
	struct event *next;             /* the next address is tried */
	size_t naddrs, nbegun;
	struct attempt attempts[RESOLVER_ADDRS_MAX];
	char reason[DIAL_REASON_MAX]; /* of the last that failed */
};

/* -- Who did not serve -- */

struct dialer *
dialer_new(struct event_base *base, struct resolver *resolver, const char *host,
    uint16_t port)
{
	struct dialer *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	d->base = base;
	d->resolver = resolver;
	d->port = port;
	if ((d->host = strdup(host)) == NULL) {
		dialer_free(d);
		return (NULL);
	}
	return (d);
}

void
dialer_free(struct dialer *d)
{
	if (d == NULL)
		return;
	free(d->host);
	free(d);
}

/* Since when it is blamed; 0: it is not. */
static int64_t
blamed_since(const struct dialer *d, const char *peer)
{
	for (size_t i = 0; i < BLAMED_MAX; i++) {
		if (strcmp(d->blamed[i].peer, peer) == 0)
			return (net_clock_ms() - d->blamed[i].at_ms < BLAME_MS
				    ? d->blamed[i].at_ms
				    : 0);
	}
	return (0);
}

void
dialer_blame(struct dialer *d, const char *peer)
{
	struct blame *b = &d->blamed[0];

	for (size_t i = 0; i < BLAMED_MAX; i++) {
		if (strcmp(d->blamed[i].peer, peer) == 0) {
			b = &d->blamed[i];
			break;
		}
		if (d->blamed[i].at_ms < b->at_ms)
			b = &d->blamed[i]; /* free, or blamed long ago */
	}
	(void)snprintf(b->peer, sizeof(b->peer), "%s", peer);
	b->at_ms = net_clock_ms();
}

static void
dialer_forgive(struct dialer *d, const char *peer)
{
	for (size_t i = 0; i < BLAMED_MAX; i++) {
		if (strcmp(d->blamed[i].peer, peer) == 0)
			d->blamed[i] = (struct blame){ .at_ms = 0 };
	}
}

/* -- Its end -- */

static void
attempt_close(struct attempt *a)
{
	if (a->ev != NULL)
		event_free(a->ev);
	a->ev = NULL;
	if (a->fd != -1)
		(void)close(a->fd);
	a->fd = -1;
}

static void
dial_free(struct dial *dial)
{
	if (dial == NULL)
		return;
	if (dial->lookup != NULL)
		resolver_cancel(dial->lookup);
	for (size_t i = 0; i < dial->nbegun; i++)
		attempt_close(&dial->attempts[i]);
	if (dial->next != NULL)
		event_free(dial->next);
	free(dial);
}

/* Free it, and say what has come of it. */
static void
dial_finish(struct dial *dial, int fd, const char *peer)
{
	char reason[DIAL_REASON_MAX], name[DIAL_PEER_MAX];
	struct dial_end end = { .fd = fd,
		.peer = name,
		.addresses = dial->naddrs };
	dial_fn *done = dial->done;
	void *arg = dial->arg;

	(void)snprintf(name, sizeof(name), "%s", peer);
	(void)snprintf(reason, sizeof(reason), "%s", dial->reason);
	if (fd == -1)
		end.reason = reason;
	dial_free(dial);
	done(&end, arg);
}

/* Connected: those that began before are slower. */
static void
dial_win(struct dial *dial, struct attempt *winner)
{
	int fd = winner->fd;

	winner->fd = -1;
	for (struct attempt *a = dial->attempts; a < winner; a++)
		dialer_blame(dial->dialer, a->peer);
	dialer_forgive(dial->dialer, winner->peer);
	dial_finish(dial, fd, winner->peer);
}

/* -- Connecting -- */

static void
attempt_fail(struct attempt *a, int error)
{
	struct dial *dial = a->dial;

	attempt_close(a);
	dialer_blame(dial->dialer, a->peer);
	if (error == ECONNREFUSED)
		(void)snprintf(dial->reason, sizeof(dial->reason),
		    "connection refused by %s", a->peer);
	else
		(void)snprintf(dial->reason, sizeof(dial->reason),
		    "no connection to %s: %s", a->peer, strerror(error));
}

static void dial_go_on(struct dial *dial);

/* event: it is connected, or will not be. */
static void
attempt_ready_cb(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct dial *dial = a->dial;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0) {
		dial_win(dial, a);
		return;
	}
	attempt_fail(a, error);
	dial_go_on(dial);
}

/*
 * No child inherits the socket, and the tail of a request waits for no
 * acknowledgement. Returns 0, or an errno.
 */
static int
attempt_begin(struct attempt *a)
{
	socklen_t len = a->addr.sa.sa_family == AF_INET6 ? sizeof(a->addr.sin6)
							 : sizeof(a->addr.sin);
	const int on = 1;

	a->fd = socket(a->addr.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd == -1)
		return (errno);
	(void)setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(a->fd, &a->addr.sa, len) == -1 && errno != EINPROGRESS)
		return (errno);
	a->ev = event_new(a->dial->dialer->base, a->fd, EV_WRITE,
	    attempt_ready_cb, a);
	if (a->ev == NULL || event_add(a->ev, NULL) == -1)
		return (ENOMEM);
	return (0);
}

static bool
is_connecting(const struct dial *dial)
{
	for (size_t i = 0; i < dial->nbegun; i++) {
		if (dial->attempts[i].fd != -1)
			return (true);
	}
	return (false);
}

/* Try the next address, unless those under way are to have their time. */
static void
dial_go_on(struct dial *dial)
{
	const struct timeval tv = timeval_of_ms(dial->patience_ms);
	struct attempt *a;
	int error;

	while (
	    dial->nbegun < dial->naddrs && !evtimer_pending(dial->next, NULL)) {
		a = &dial->attempts[dial->nbegun++];
		if ((error = attempt_begin(a)) != 0)
			attempt_fail(a, error);
		else if (dial->nbegun < dial->naddrs)
			(void)evtimer_add(dial->next, &tv);
	}
	if (is_connecting(dial))
		return;
	if (dial->nbegun < dial->naddrs) { /* nothing to wait for */
		(void)evtimer_del(dial->next);
		dial_go_on(dial);
		return;
	}
	resolver_doubt(dial->dialer->resolver, dial->dialer->host);
	dial_finish(dial, -1, "");
}

/* evtimer: those tried so far have had their time. */
static void
dial_next_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dial_go_on(arg);
}

/* -- The look-up -- */

/* Take over an address; the blamed come last, the one blamed last at the end
 */
static void
dial_add(struct dial *dial, const union resolver_addr *addr)
{
	struct attempt a = { .dial = dial, .addr = *addr, .fd = -1 };
	uint16_t port = dial->dialer->port;
	char host[64] = "?";
	bool v6 = addr->sa.sa_family == AF_INET6;
	int64_t since;
	size_t at;

	if (v6)
		a.addr.sin6.sin6_port = htons(port);
	else
		a.addr.sin.sin_port = htons(port);
	(void)getnameinfo(&a.addr.sa,
	    v6 ? sizeof(a.addr.sin6) : sizeof(a.addr.sin), host, sizeof(host),
	    NULL, 0, NI_NUMERICHOST);
	(void)snprintf(a.peer, sizeof(a.peer), v6 ? "[%s]:%u" : "%s:%u", host,
	    port);
	since = blamed_since(dial->dialer, a.peer);
	for (at = dial->naddrs; at > 0; at--) {
		if (blamed_since(dial->dialer, dial->attempts[at - 1].peer) <=
		    since)
			break;
		dial->attempts[at] = dial->attempts[at - 1];
	}
	dial->attempts[at] = a;
	dial->naddrs++;
}

/* resolver_fn */
static void
dial_found_cb(enum resolver_rc rc, const struct resolver_addrs *addrs,
    void *arg)
{
	struct dial *dial = arg;
	const char *host = dial->dialer->host;

	dial->lookup = NULL;
	switch (rc) {
	case RESOLVER_OK:
		for (size_t i = 0; i < addrs->n; i++)
			dial_add(dial, &addrs->items[i]);
		dial_go_on(dial);
		return;
	case RESOLVER_NO_HOST:
		(void)snprintf(dial->reason, sizeof(dial->reason),
		    "no such host: %s", host);
		break;
	case RESOLVER_FAILED:
		(void)snprintf(dial->reason, sizeof(dial->reason),
		    "no name server could say where %s is", host);
		break;
	case RESOLVER_NO_ANSWER:
		(void)snprintf(dial->reason, sizeof(dial->reason),
		    "no name server answered for %s within %" PRId64 " ms",
		    host, dial->lookup_ms);
		break;
	}
	dial_finish(dial, -1, "");
}

struct dial *
dial_start(struct dialer *d, int64_t lookup_ms, int64_t patience_ms,
    dial_fn *done, void *arg)
{
	struct dial *dial;

	if ((dial = calloc(1, sizeof(*dial))) == NULL)
		return (NULL);
	dial->dialer = d;
	dial->done = done;
	dial->arg = arg;
	dial->lookup_ms = lookup_ms > 1 ? lookup_ms : 1;
	dial->patience_ms = patience_ms > 1 ? patience_ms : 1;
	if ((dial->next = evtimer_new(d->base, dial_next_cb, dial)) == NULL ||
	    (dial->lookup = resolver_look_up(d->resolver, d->host,
		 dial->lookup_ms, dial_found_cb, dial)) == NULL) {
		dial_free(dial);
		return (NULL);
	}
	return (dial);
}

const char *
dial_peer(const struct dial *dial)
{
	return (
	    dial->nbegun == 0 ? NULL : dial->attempts[dial->nbegun - 1].peer);
}

void
dial_cancel(struct dial *dial)
{
	for (size_t i = 0; i < dial->nbegun; i++)
		dialer_blame(dial->dialer, dial->attempts[i].peer);
	if (dial->nbegun > 0 && dial->nbegun == dial->naddrs)
		resolver_doubt(dial->dialer->resolver, dial->dialer->host);
	dial_free(dial);
}
