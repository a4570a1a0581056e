#include "server/base/keyboard.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <event2/event.h>

/* Process-wide, as the header says and why. */
static struct {
	volatile sig_atomic_t changed; /* the settings are ours now */
	struct termios before;
	struct event *input;
	struct event *stop;
	struct event *go_on;
	keyboard_fn *key;
	void *arg;
} keyboard;

void
keyboard_restore(void)
{
	if (!keyboard.changed)
		return;
	keyboard.changed = 0;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &keyboard.before);
}

/* Is the terminal ours, and not that of a shell that runs us behind? */
static bool
is_ours(void)
{
	return (tcgetpgrp(STDIN_FILENO) == getpgrp());
}

/* Keys one by one, and not shown. */
static int
change(void)
{
	struct termios now;

	if (!is_ours() || tcgetattr(STDIN_FILENO, &keyboard.before) == -1)
		return (-1);
	now = keyboard.before;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	keyboard.changed = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0)
		return (0);
	keyboard.changed = 0;
	return (-1);
}

/* event: something was typed, or the terminal has gone. */
static void
keyboard_input_cb(evutil_socket_t fd, short what, void *arg)
{
	char key;

	(void)what;
	(void)arg;
	if (!keyboard.changed)
		return; /* a shell has the terminal */
	if (read(fd, &key, 1) == 1)
		keyboard.key(key, keyboard.arg);
	else
		(void)event_del(keyboard.input);
}

/* evsignal: Ctrl-Z. Stop as without us, with the terminal as it was. */
static void
keyboard_stop_cb(evutil_socket_t signo, short what, void *arg)
{
	(void)signo;
	(void)what;
	(void)arg;
	keyboard_restore();
	(void)raise(SIGSTOP);
}

/* evsignal: we go on, in the foreground or behind. */
static void
keyboard_go_on_cb(evutil_socket_t signo, short what, void *arg)
{
	(void)signo;
	(void)what;
	(void)arg;
	if (!keyboard.changed)
		(void)change();
}

int
keyboard_open(struct event_base *base, keyboard_fn *key, void *arg)
{
	if (!isatty(STDIN_FILENO) || change() == -1)
		return (-1);
	keyboard.key = key;
	keyboard.arg = arg;
	keyboard.input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST,
	    keyboard_input_cb, NULL);
	keyboard.stop = evsignal_new(base, SIGTSTP, keyboard_stop_cb, NULL);
	keyboard.go_on = evsignal_new(base, SIGCONT, keyboard_go_on_cb, NULL);
	if (keyboard.input == NULL || keyboard.stop == NULL ||
	    keyboard.go_on == NULL || event_add(keyboard.input, NULL) == -1 ||
	    evsignal_add(keyboard.stop, NULL) == -1 ||
	    evsignal_add(keyboard.go_on, NULL) == -1) {
		keyboard_close();
		return (-1);
	}
	(void)atexit(keyboard_restore);
	return (0);
}

static void
drop(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

void
keyboard_close(void)
{
	drop(&keyboard.input);
	drop(&keyboard.stop);
	drop(&keyboard.go_on);
	keyboard_restore();
}
