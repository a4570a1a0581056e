/*
 * terminal.c -- is the terminal still there from which we were started?
 *
 * At a hang-up the kernel takes the terminal from every process of its
 * session, so /dev/tty cannot be opened any more; a terminal that is open
 * reports the hang-up. The event is edge-triggered: what is typed stays unread,
 * and must not run it in every turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/base/terminal.h"

#define TTY "/dev/tty"

/* A HUP so soon after the hang-up comes of it: shells pass it on at once. */
#define HANG_UP_US (10 * INT64_C(1000000))

struct terminal {
	struct event *event; /* NULL: there is no terminal */
	int fd;
	bool nohup;
	int64_t left_us; /* when the hang-up was seen; 0: it was not */
};

static bool
is_hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0);
}

/* event: something was typed, or the terminal has gone. */
static void
terminal_event_cb(evutil_socket_t fd, short what, void *arg)
{
	struct terminal *t = arg;

	(void)what;
	if (!is_hung_up(fd))
		return;
	t->left_us = clock_mono_us();
	(void)event_del(t->event);
}

bool
terminal_hup_is_ignored(void)
{
	struct sigaction action;

	return (sigaction(SIGHUP, NULL, &action) == 0 &&
		action.sa_handler == SIG_IGN);
}

struct terminal *
terminal_new(struct event_base *base)
{
	struct terminal *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->nohup = terminal_hup_is_ignored();
	t->fd = open(TTY, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (t->fd == -1)
		return (t);
	t->event = event_new(base, t->fd, EV_READ | EV_ET | EV_PERSIST,
	    terminal_event_cb, t);
	if (t->event == NULL || event_add(t->event, NULL) == -1) {
		terminal_free(t);
		return (NULL);
	}
	return (t);
}

void
terminal_free(struct terminal *t)
{
	if (t == NULL)
		return;
	if (t->event != NULL)
		event_free(t->event);
	if (t->fd != -1)
		(void)close(t->fd);
	free(t);
}

bool
terminal_has_left(const struct terminal *t)
{
	if (t->nohup || t->event == NULL)
		return (false);
	if (t->left_us == 0)
		return (is_hung_up(t->fd));
	return (clock_mono_us() - t->left_us < HANG_UP_US);
}
