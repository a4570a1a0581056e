/*
 * c-ares in the loop: one channel for each name server, so that it is us who
 * decide when the next one is asked (c-ares begins each question anew at the
 * first of its servers, however long that one has been dead). c-ares sends
 * again what was lost, asks by TCP what came truncated, and reads the answers.
 */
#include "handlers/net/resolver_servers.h"

#include <sys/queue.h>

#include <arpa/inet.h>
#include <net/if.h>

#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ares.h>
#include <event2/event.h>

#define RESEND_MS 500 /* doubled each time */
#define SENDINGS 4
#define HOSTS "/etc/hosts" /* c-ares' own */

/* A socket of c-ares. */
struct watch {
	LIST_ENTRY(watch) next;
	struct channel *channel;
	ares_socket_t fd;
	struct event *ev;
};

/* One name server. */
struct channel {
	ares_channel ares;
	struct event_base *base;
	struct event *timer;
	char interface[IF_NAMESIZE]; /* of a link-local server; else empty */
	LIST_HEAD(, watch) watches;
};

struct resolver_servers {
	size_t n;
	struct channel channels[RESOLVER_SERVERS_MAX];
};

/* A question under way. */
struct question {
	struct channel *channel;
	servers_fn *done;
	void *arg;
};

/* -- The loop -- */

/* When does c-ares want to be called again? */
static void
channel_arm(struct channel *c)
{
	struct timeval tv;

	if (ares_timeout(c->ares, NULL, &tv) != NULL)
		(void)evtimer_add(c->timer, &tv);
	else
		(void)evtimer_del(c->timer);
}

/* event: a socket is ready. */
static void
channel_socket_cb(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct channel *c = w->channel; /* w may be closed by the call */

	ares_process_fd(c->ares, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	channel_arm(c);
}

/* evtimer: c-ares has waited long enough for something. */
static void
channel_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c = arg;

	(void)fd;
	(void)what;
	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	channel_arm(c);
}

static void
watch_free(struct watch *w)
{
	if (w->ev != NULL)
		event_free(w->ev);
	LIST_REMOVE(w, next);
	free(w);
}

/* c-ares: it waits for that socket, or not any more. */
static void
channel_state_cb(void *arg, ares_socket_t fd, int readable, int writable)
{
	short what = (short)((readable ? EV_READ : 0) |
			     (writable ? EV_WRITE : 0) | EV_PERSIST);
	struct channel *c = arg;
	struct watch *w;

	LIST_FOREACH(w, &c->watches, next)
	{
		if (w->fd == fd)
			break;
	}
	if (w != NULL)
		watch_free(w);
	if (!readable && !writable)
		return;
	/* Out of memory: the question ends when its time is over. */
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return;
	w->channel = c;
	w->fd = fd;
	LIST_INSERT_HEAD(&c->watches, w, next);
	w->ev = event_new(c->base, fd, what, channel_socket_cb, w);
	if (w->ev == NULL || event_add(w->ev, NULL) == -1)
		watch_free(w);
}

/* c-ares: a socket is about to be connected. Returns -1 to give it up. */
static int
channel_socket_new_cb(ares_socket_t fd, int type, void *arg)
{
	const struct channel *c = arg;

	(void)type;
	if (c->interface[0] == '\0')
		return (0);
	return (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->interface,
	    (socklen_t)strlen(c->interface)));
}

/* -- Their life -- */

/*
 * Set up the channel of a server. c-ares knows no scope of an address: a
 * link-local one is reached by binding the socket to its interface. Returns
 * an ARES_ code.
 */
static int
channel_set_server(struct channel *c, const char *server)
{
	char text[sizeof(((struct resolver_conf *)0)->servers[0])];
	char *scope;
	int rc;

	(void)snprintf(text, sizeof(text), "%s", server);
	if ((scope = strchr(text, '%')) != NULL) {
		*scope = '\0';
		(void)snprintf(c->interface, sizeof(c->interface), "%.*s",
		    IF_NAMESIZE - 1, scope + 1);
	}
	rc = ares_set_servers_ports_csv(c->ares, text);
	ares_set_socket_configure_callback(c->ares, channel_socket_new_cb, c);
	return (rc);
}

static int
channel_open(struct channel *c, struct event_base *base, const char *server)
{
	struct ares_options options = {
		/* A refusal is an answer, and not asked for again. */
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 ARES_FLAG_NOCHECKRESP,
		.timeout = RESEND_MS,
		.tries = SENDINGS,
		.ndots = 0,
		.lookups = (char *)"b",
		.sock_state_cb = channel_state_cb,
		.sock_state_cb_data = c,
		.resolvconf_path = (char *)"/dev/null", /* read by us */
	};
	const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			 ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS |
			 ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF |
			 ARES_OPT_NOROTATE;

	LIST_INIT(&c->watches);
	c->base = base;
	if ((c->timer = evtimer_new(base, channel_timer_cb, c)) == NULL ||
	    ares_init_options(&c->ares, &options, mask) != ARES_SUCCESS) {
		c->ares = NULL;
		return (-1);
	}
	/* One that cannot be read stays 127.0.0.1, as if none were named. */
	return (channel_set_server(c, server) == ARES_ENOMEM ? -1 : 0);
}

struct resolver_servers *
resolver_servers_new(struct event_base *base, const struct resolver_conf *conf)
{
	struct resolver_servers *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	for (size_t i = 0; i < conf->nservers; i++) {
		s->n = i + 1;
		if (channel_open(&s->channels[i], base, conf->servers[i]) ==
		    -1) {
			resolver_servers_free(s);
			return (NULL);
		}
	}
	return (s);
}

size_t
resolver_servers_count(const struct resolver_servers *s)
{
	return (s->n);
}

void
resolver_servers_free(struct resolver_servers *s)
{
	struct channel *c;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		c = &s->channels[i];
		if (c->ares != NULL)
			ares_destroy(c->ares);
		while (!LIST_EMPTY(&c->watches))
			watch_free(LIST_FIRST(&c->watches));
		if (c->timer != NULL)
			event_free(c->timer);
	}
	free(s);
}

/* -- Asking -- */

/* Copy what c-ares has found; its order is that of RFC 6724. */
static void
copy_addrs(const struct ares_addrinfo *ai, struct resolver_addrs *ret_addrs,
    int64_t *ret_ttl_s)
{
	const struct ares_addrinfo_node *node;
	union resolver_addr *to;

	ret_addrs->n = 0;
	*ret_ttl_s = INT32_MAX;
	for (node = ai->nodes; node != NULL; node = node->ai_next) {
		if (ret_addrs->n == RESOLVER_ADDRS_MAX ||
		    node->ai_addrlen > sizeof(*to))
			break;
		to = &ret_addrs->items[ret_addrs->n++];
		memset(to, 0, sizeof(*to));
		memcpy(to, node->ai_addr, node->ai_addrlen);
		if (node->ai_ttl < *ret_ttl_s)
			*ret_ttl_s = node->ai_ttl > 0 ? node->ai_ttl : 0;
	}
}

/* c-ares: an answer, or that there is none. */
static void
question_done_cb(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct resolver_addrs addrs = { .n = 0 };
	enum servers_rc rc = SERVERS_FAILED;
	struct question *q = arg;
	int64_t ttl_s = 0;

	(void)timeouts;
	if (status == ARES_SUCCESS && ai != NULL)
		copy_addrs(ai, &addrs, &ttl_s);
	if (ai != NULL)
		ares_freeaddrinfo(ai);
	if (addrs.n > 0)
		rc = SERVERS_FOUND;
	else if (status == ARES_SUCCESS || status == ARES_ENODATA ||
		 status == ARES_ENOTFOUND)
		rc = SERVERS_NOTHING;
	q->done(rc, &addrs, ttl_s, q->arg);
	free(q);
}

void
resolver_servers_ask(struct resolver_servers *s, size_t i, const char *name,
    enum resolver_family family, servers_fn *done, void *arg)
{
	const struct ares_addrinfo_hints hints = {
		.ai_family = family == FAMILY_4 ? AF_INET : AF_INET6,
		.ai_socktype = SOCK_STREAM,
	};
	const struct resolver_addrs none = { .n = 0 };
	struct channel *c = &s->channels[i];
	struct question *q;

	if ((q = calloc(1, sizeof(*q))) == NULL) {
		done(SERVERS_FAILED, &none, 0, arg);
		return;
	}
	q->done = done;
	q->arg = arg;
	ares_getaddrinfo(c->ares, name, NULL, &hints, question_done_cb, q);
	channel_arm(c);
}

/* -- Without a server -- */

/* c-ares: what the file has, within the call. */
static void
file_done_cb(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	int64_t ttl_s;

	(void)timeouts;
	if (status == ARES_SUCCESS && ai != NULL)
		copy_addrs(ai, arg, &ttl_s);
	if (ai != NULL)
		ares_freeaddrinfo(ai);
}

/*
 * A numeric address, perhaps with a scope. (c-ares 1.18 finds no IPv4 one if it
 * is asked for both families.)
 */
static bool
read_numeric(const char *host, union resolver_addr *ret_addr)
{
	char text[INET6_ADDRSTRLEN];
	size_t len = strcspn(host, "%");

	memset(ret_addr, 0, sizeof(*ret_addr));
	ret_addr->sin.sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &ret_addr->sin.sin_addr) == 1)
		return (true);
	if (len >= sizeof(text))
		return (false);
	memcpy(text, host, len);
	text[len] = '\0';
	ret_addr->sin6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	if (host[len] == '%')
		ret_addr->sin6.sin6_scope_id = if_nametoindex(host + len + 1);
	return (inet_pton(AF_INET6, text, &ret_addr->sin6.sin6_addr) == 1);
}

static void
add_localhost(struct resolver_addrs *addrs)
{
	union resolver_addr *v4 = &addrs->items[0], *v6 = &addrs->items[1];

	memset(addrs->items, 0, 2 * sizeof(addrs->items[0]));
	v4->sin.sin_family = AF_INET;
	v4->sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6->sin6.sin6_family = AF_INET6;
	v6->sin6.sin6_addr = in6addr_loopback;
	addrs->n = 2;
}

size_t
resolver_servers_file(const char *host, const char *path,
    struct resolver_addrs *ret_addrs)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.lookups = (char *)"f",
		.resolvconf_path = (char *)"/dev/null",
	};
	ares_channel ares;

	ret_addrs->n = read_numeric(host, &ret_addrs->items[0]) ? 1 : 0;
	if (ret_addrs->n > 0)
		return (1);
	if (strcmp(path, HOSTS) != 0) { /* a test's */
		(void)setenv("CARES_HOSTS", path, 1);
		hints.ai_flags = ARES_AI_ENVHOSTS;
	}
	if (ares_init_options(&ares, &options,
		ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF) !=
	    ARES_SUCCESS)
		return (0);
	ares_getaddrinfo(ares, host, NULL, &hints, file_done_cb, ret_addrs);
	ares_destroy(ares);
	if (ret_addrs->n == 0 && strcasecmp(host, "localhost") == 0)
		add_localhost(ret_addrs); /* RFC 6761, section 6.3 */
	return (ret_addrs->n);
}

/* Neither of this machine alone nor of one link alone. */
static bool
reaches_others(const struct sockaddr *sa)
{
	const struct in6_addr *in6;

	if (sa == NULL || sa->sa_family != AF_INET6)
		return (false);
	in6 = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	return (!IN6_IS_ADDR_LOOPBACK(in6) && !IN6_IS_ADDR_LINKLOCAL(in6));
}

bool
resolver_servers_have_ipv6(void)
{
	struct ifaddrs *list;
	bool found = false;

	if (getifaddrs(&list) == -1)
		return (true); /* nobody knows: to ask costs little */
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		found = found || reaches_others(i->ifa_addr);
	freeifaddrs(list);
	return (found);
}
