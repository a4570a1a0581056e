/*
 * http_listen.c -- addresses, sockets, when to accept.
 *
 * evhttp_bind_listener() makes evhttp itself the argument of a listener's
 * callbacks, also of the error callback. That one needs our record and finds
 * it by way of the loop: the retry timer, which is always pending for this,
 * carries it.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "server/base/address.h"
#include "server/base/log.h"
#include "server/http/http_private.h"

#define RETRY_MS 100       /* to accept again, when starved */
#define RETRY_IDLE_S 86400 /* just to stay pending */

static void
retry_arm(struct http *h, bool soon)
{
	struct timeval tv = { .tv_sec = RETRY_IDLE_S };

	if (soon) {
		tv.tv_sec = 0;
		tv.tv_usec = RETRY_MS * 1000;
	}
	(void)evtimer_add(h->retry, &tv);
}

static void
set_accepting(struct http_side *side, bool accept)
{
	struct http_listener *l;

	if (side->h == NULL || accept == side->accepting)
		return;
	side->accepting = accept;
	TAILQ_FOREACH (l, &side->h->listeners, next) {
		if (l->side != side)
			continue;
		if (accept)
			(void)evconnlistener_enable(l->listener);
		else
			(void)evconnlistener_disable(l->listener);
	}
}

void
http_listen_pump(struct http *h)
{
	bool room = !h->starved && http_room_is_there(h);

	set_accepting(&h->sides[HTTP_PLAIN], room);
	set_accepting(&h->sides[HTTP_TLS], room);
}

void
http_listen_starve(struct http *h, const char *why)
{
	char more[RATE_MORE_MAX];

	if (!h->told && rate_ask(&h->starve_rate, more))
		log_warn("http: accepting nothing until there is room: %s%s",
		    why, more);
	h->told = true;
	h->starved = true;
	retry_arm(h, true);
	http_listen_pump(h);
}

/* evtimer: descriptors or memory were short a moment ago. */
static void
listen_retry_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;

	(void)fd;
	(void)what;
	h->squeezed = 0;
	h->starved = http_conns_prepare(h) == -1;
	retry_arm(h, h->starved);
	http_listen_pump(h);
}

struct search {
	struct evconnlistener *listener;
	struct http *found;
};

/* event_base_foreach_event(): is this the retry timer of its owner? */
static int
listen_search_cb(const struct event_base *base, const struct event *ev,
    void *arg)
{
	struct search *s = arg;
	struct http_listener *l;
	struct http *h;

	(void)base;
	if (event_get_callback(ev) != listen_retry_cb)
		return (0);
	h = event_get_callback_arg(ev);
	TAILQ_FOREACH (l, &h->listeners, next)
		if (l->listener == s->listener)
			s->found = h;
	return (s->found != NULL);
}

/*
 * evconnlistener: accept() failed, and would again at once. libevent hands over
 * its evhttp, which knows nothing of us, so the owner of the listener is looked
 * up through the one event of ours that is always there.
 */
static void
listen_error_cb(struct evconnlistener *listener, void *evhttp)
{
	struct search s = { .listener = listener };
	int error = errno;

	(void)evhttp;
	(void)event_base_foreach_event(evconnlistener_get_base(listener),
	    listen_search_cb, &s);
	if (s.found == NULL)
		return;
	if ((error == EMFILE || error == ENFILE) && http_room_squeeze(s.found))
		retry_arm(s.found, true);
	else
		http_listen_starve(s.found, strerror(error));
}

/* A listening socket, or -1 with errno. */
static int
bind_to(const struct addrinfo *ai, bool both)
{
	int fd, on = 1, off = 0, error;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return (-1);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ai->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on,
		    sizeof(on)) == -1) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
		error = errno;
		(void)close(fd);
		errno = error;
		return (-1);
	}
	return (fd);
}

/* Resolve without asking a name server. Returns 0, or -1 with a reason. */
static int
resolve(const char *host, unsigned port, struct addrinfo **ret_ai)
{
	char text[sizeof("65535")];
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	(void)snprintf(text, sizeof(text), "%u", port);
	return (getaddrinfo(host, text, &hints, ret_ai) == 0 ? 0 : -1);
}

/* Bind to host and port. Returns the socket; -1 with errno, 0 if unread. */
static int
bind_address(const char *host, unsigned port)
{
	struct addrinfo *ai;
	bool both = strcmp(host, "*") == 0;
	int fd, error;

	if (resolve(both ? "::" : host, port, &ai) == -1) {
		errno = 0;
		return (-1);
	}
	fd = bind_to(ai, both);
	error = errno;
	freeaddrinfo(ai);
	if (fd == -1 && both &&
	    (error == EAFNOSUPPORT || error == EADDRNOTAVAIL))
		return (bind_address("0.0.0.0", port)); /* no IPv6 here */
	errno = error;
	return (fd);
}

/* The same, and listen. */
static int
open_socket(const char *host, unsigned port)
{
	int fd, error;

	if ((fd = bind_address(host, port)) == -1)
		return (-1);
	if (listen(fd, SOMAXCONN) == 0)
		return (fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return (-1);
}

int
http_listen_test(const char *address)
{
	char host[ADDRESS_HOST_MAX];
	unsigned port;
	int fd;

	if (address_split(address, host, &port) != ADDRESS_OK)
		return (EINVAL);
	if ((fd = bind_address(host, port)) == -1)
		return (errno == 0 ? EINVAL : errno);
	(void)close(fd);
	return (0);
}

void
http_listen_reason(const char *address, int error,
    char reason[HTTP_LISTEN_REASON_MAX])
{
	const char *hint = strerror(error);

	if (error == 0)
		hint = "not HOST:PORT, [IPV6]:PORT or *:PORT with a numeric "
		       "host";
	else if (error == EADDRINUSE)
		hint = "the port is in use: stop the program that holds it, "
		       "or choose another";
	else if (error == EACCES)
		hint = address_port(address) < 1024
			   ? "ports below 1024 need a privilege: choose a "
			     "higher one"
			   : "this system's security policy forbids the port";
	else if (error == EADDRNOTAVAIL)
		hint = "this machine has no such address";
	(void)snprintf(reason, HTTP_LISTEN_REASON_MAX,
	    "cannot listen on %.100s: %s", address, hint);
}

/* Where a client on this machine finds the socket. */
static void
write_url(int fd, const char *scheme, const char *host,
    char ret_url[HTTP_URL_MAX])
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	unsigned port = 0;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		port = ntohs(ss.ss_family == AF_INET6
				 ? ((struct sockaddr_in6 *)&ss)->sin6_port
				 : ((struct sockaddr_in *)&ss)->sin_port);
	(void)snprintf(ret_url, HTTP_URL_MAX,
	    strchr(host, ':') != NULL ? "%s://[%.64s]:%u" : "%s://%.64s:%u",
	    scheme, host, port);
}

/* Hand a listening socket to evhttp. Returns 0; -1 when out of memory. */
static int
mount(struct http_side *side, int fd)
{
	struct http *h = side->h;
	struct http_listener *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		(void)close(fd);
		return (-1);
	}
	l->side = side;
	l->listener = evconnlistener_new(h->base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l->listener == NULL)
		goto fail;
	if ((l->bound = evhttp_bind_listener(side->evhttp, l->listener)) ==
	    NULL)
		goto fail;
	evconnlistener_set_error_cb(l->listener, listen_error_cb);
	if (!side->accepting)
		(void)evconnlistener_disable(l->listener);
	TAILQ_INSERT_TAIL(&h->listeners, l, next);
	return (0);
fail:
	if (l->listener != NULL)
		evconnlistener_free(l->listener);
	else
		(void)close(fd);
	free(l);
	return (-1);
}

static int
listen_side(struct http_side *side, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[256])
{
	const char *scheme =
	    side == &side->h->sides[HTTP_TLS] ? "https" : "http";
	char host[ADDRESS_HOST_MAX], url[HTTP_URL_MAX];
	unsigned port;
	int fd;

	if (address_split(address, host, &port) != ADDRESS_OK) {
		http_listen_reason(address, 0, reason);
		return (-1);
	}
	if ((fd = open_socket(host, port)) == -1) {
		http_listen_reason(address, errno, reason);
		return (-1);
	}
	write_url(fd, scheme, host, url);
	if (mount(side, fd) == -1) {
		http_listen_reason(address, ENOMEM, reason);
		return (-1);
	}
	(void)strcpy(ret_url, url);
	return (0);
}

int
http_listen(struct http *h, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[256])
{
	return (listen_side(&h->sides[HTTP_PLAIN], address, ret_url, reason));
}

int
http_listen_tls(struct http *h, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[256])
{
	return (listen_side(&h->sides[HTTP_TLS], address, ret_url, reason));
}

int
http_listen_init(struct http *h)
{
	if ((h->retry = evtimer_new(h->base, listen_retry_cb, h)) == NULL)
		return (-1);
	retry_arm(h, false);
	return (0);
}

void
http_listen_stop(struct http *h)
{
	struct http_listener *l;

	while ((l = TAILQ_FIRST(&h->listeners)) != NULL) {
		TAILQ_REMOVE(&h->listeners, l, next);
		evhttp_del_accept_socket(l->side->evhttp, l->bound);
		free(l);
	}
}

void
http_listen_fini(struct http *h)
{
	if (h->retry != NULL)
		event_free(h->retry);
}
