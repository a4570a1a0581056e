/*
 * http_listen.c -- when to accept.
 *
 * evhttp_bind_listener() makes evhttp itself the argument of a listener's
 * callbacks, also of the one for errors, and so that one does not know whose
 * listener failed. But it knows the socket: an event of ours is on it as well,
 * for something that never comes to a listening socket, and is activated by
 * its number.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "server/base/log.h"
#include "server/http/http_listen.h"

#define RETRY_MS 100 /* to accept again, when starved */

/* What the event of a failure is activated with. */
#define NO_DESCRIPTORS EV_WRITE
#define OTHER_FAILURE EV_CLOSED

struct http_listener {
	TAILQ_ENTRY(http_listener) next;
	struct evhttp *evhttp;
	struct evhttp_bound_socket *bound;
	struct evconnlistener *listener;
	struct event *failed;
};

static void
retry_soon(struct http_listen *all)
{
	static const struct timeval soon = { 0, RETRY_MS * 1000 };

	(void)evtimer_add(all->retry, &soon);
}

void
http_listen_accept(struct http_listen *all, bool room)
{
	bool accept = room && !all->starved;
	struct http_listener *l;

	if (accept == all->accepting)
		return;
	all->accepting = accept;
	TAILQ_FOREACH (l, &all->listeners, next) {
		if (accept)
			(void)evconnlistener_enable(l->listener);
		else
			(void)evconnlistener_disable(l->listener);
	}
}

void
http_listen_accepted(struct http_listen *all)
{
	all->reported = false;
}

void
http_listen_starve(struct http_listen *all, const char *why)
{
	char more[RATE_MORE_MAX];

	if (!all->reported && rate_ask(&all->rate, more))
		log_warn("http: accepting nothing until there is room: %s%s",
		    why, more);
	all->reported = true;
	all->starved = true;
	retry_soon(all);
	http_listen_accept(all, false);
}

/* evtimer: descriptors or memory were short a moment ago. */
static void
listen_retry_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_listen *all = arg;

	(void)fd;
	(void)what;
	all->starved = false;
	all->again(all->arg);
}

/* event: activated by listen_error_cb(), which see. */
static void
listen_failed_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_listen *all = arg;

	(void)fd;
	if ((what & NO_DESCRIPTORS) == 0)
		http_listen_starve(all, "accept() fails");
	else if (all->squeeze(all->arg))
		retry_soon(all);
	else
		http_listen_starve(all, strerror(EMFILE));
}

/* evconnlistener: accept() failed, and would again at once. */
static void
listen_error_cb(struct evconnlistener *listener, void *evhttp)
{
	bool full = errno == EMFILE || errno == ENFILE;

	(void)evhttp;
	event_base_active_by_fd(evconnlistener_get_base(listener),
	    evconnlistener_get_fd(listener),
	    full ? NO_DESCRIPTORS : OTHER_FAILURE);
}

static void
listener_free(struct http_listener *l)
{
	if (l->failed != NULL)
		event_free(l->failed);
	if (l->bound != NULL)
		evhttp_del_accept_socket(l->evhttp, l->bound);
	else if (l->listener != NULL)
		evconnlistener_free(l->listener);
	free(l);
}

/* Hand a listening socket to evhttp. Takes fd. NULL when out of memory. */
static struct http_listener *
listener_new(struct http_listen *all, struct evhttp *evhttp, int fd)
{
	struct http_listener *l;

	if ((l = calloc(1, sizeof(*l))) == NULL ||
	    (l->listener = evconnlistener_new(all->base, NULL, NULL,
		 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd)) ==
		NULL) {
		(void)close(fd);
		free(l);
		return (NULL);
	}
	l->evhttp = evhttp;
	l->failed = event_new(all->base, fd,
	    NO_DESCRIPTORS | OTHER_FAILURE | EV_PERSIST, listen_failed_cb, all);
	if (l->failed == NULL || event_add(l->failed, NULL) == -1 ||
	    (l->bound = evhttp_bind_listener(evhttp, l->listener)) == NULL) {
		listener_free(l);
		return (NULL);
	}
	evconnlistener_set_error_cb(l->listener, listen_error_cb);
	return (l);
}

int
http_listen_open(struct http_listen *all, struct evhttp *evhttp,
    const char *scheme, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[HTTP_ADDRESS_REASON_MAX])
{
	struct http_listener *l;
	char url[HTTP_URL_MAX];
	int fd;

	if ((fd = http_address_open(address, scheme, url, reason)) == -1)
		return (-1);
	if ((l = listener_new(all, evhttp, fd)) == NULL) {
		http_address_reason(address, ENOMEM, reason);
		return (-1);
	}
	if (!all->accepting)
		(void)evconnlistener_disable(l->listener);
	TAILQ_INSERT_TAIL(&all->listeners, l, next);
	(void)strcpy(ret_url, url);
	return (0);
}

int
http_listen_init(struct http_listen *all)
{
	TAILQ_INIT(&all->listeners);
	all->accepting = true;
	all->retry = evtimer_new(all->base, listen_retry_cb, all);
	return (all->retry == NULL ? -1 : 0);
}

void
http_listen_stop(struct http_listen *all)
{
	struct http_listener *l;

	while ((l = TAILQ_FIRST(&all->listeners)) != NULL) {
		TAILQ_REMOVE(&all->listeners, l, next);
		listener_free(l);
	}
}

void
http_listen_fini(struct http_listen *all)
{
	if (all->retry != NULL)
		event_free(all->retry);
}
