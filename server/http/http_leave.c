/*
 * http_leave.c -- does the client of a request that waits close its side?
 *
 * The socket becomes readable by an end as well as by bytes. If there are
 * bytes (a client that pipelines, TLS that takes leave before its socket does)
 * they stay unread, and it would be readable in every turn: then the timer
 * looks instead.
 */
#include "server/http/http_leave.h"

#include <poll.h>
#include <stdlib.h>

#include <event2/event.h>

struct http_leave {
	int fd;
	struct event *event; /* on the socket, or a timer */
	void (*left)(void *arg);
	void *arg;
};

static void
leave_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval later = { 1, 0 };
	struct http_leave *leave = arg;
	struct pollfd look = { leave->fd, POLLRDHUP, 0 };
	struct event_base *base = event_get_base(leave->event);

	(void)fd;
	(void)what;
	(void)event_del(leave->event);
	(void)event_assign(leave->event, base, -1, 0, leave_cb, leave);
	(void)evtimer_add(leave->event, &later);
	if (poll(&look, 1, 0) == 1)
		leave->left(leave->arg);
}

struct http_leave *
http_leave_new(struct event_base *base, int fd, void (*left)(void *arg),
    void *arg)
{
	struct http_leave *leave;

	if ((leave = calloc(1, sizeof(*leave))) == NULL)
		return (NULL);
	leave->fd = fd;
	leave->left = left;
	leave->arg = arg;
	leave->event = event_new(base, fd, EV_READ, leave_cb, leave);
	if (leave->event == NULL || event_add(leave->event, NULL) == -1) {
		http_leave_free(leave);
		return (NULL);
	}
	return (leave);
}

void
http_leave_free(struct http_leave *leave)
{
	if (leave == NULL)
		return;
	if (leave->event != NULL)
		event_free(leave->event);
	free(leave);
}
