#include <signal.h>
#include <stdlib.h>

#include <event2/event.h>

#include "handlers/exec/child.h"
#include "server/app/signals.h"
#include "server/base/log.h"
#include "server/base/terminal.h"

struct signals {
	struct signals_fns fns;
	struct terminal *terminal;
	bool stopping;
	struct event *term;
	struct event *interrupt;
	struct event *hup;
	struct event *child;
};

/* evsignal: TERM or INT came. */
static void
signals_stop_cb(evutil_socket_t signo, short what, void *arg)
{
	struct signals *sig = arg;

	(void)signo;
	(void)what;
	sig->stopping = true;
	sig->fns.stop(sig->fns.arg);
}

/* evsignal: HUP came. */
static void
signals_hup_cb(evutil_socket_t signo, short what, void *arg)
{
	struct signals *sig = arg;

	(void)signo;
	(void)what;
	if (!terminal_has_left(sig->terminal)) {
		sig->fns.reload(sig->fns.arg);
		return;
	}
	/* The kernel and a shell may both send one: it is no second signal. */
	if (sig->stopping)
		return;
	sig->stopping = true;
	log_info("the terminal was closed");
	sig->fns.stop(sig->fns.arg);
}

/* evsignal: CHLD came. */
static void
signals_child_cb(evutil_socket_t signo, short what, void *arg)
{
	(void)signo;
	(void)what;
	(void)arg;
	child_reap_strangers();
}

struct signals *
signals_new(struct event_base *base, const struct signals_fns *fns)
{
	struct signals *sig;

	(void)signal(SIGPIPE, SIG_IGN);
	if ((sig = calloc(1, sizeof(*sig))) == NULL)
		return (NULL);
	sig->fns = *fns;
	sig->terminal = terminal_new(base);
	sig->term = evsignal_new(base, SIGTERM, signals_stop_cb, sig);
	sig->interrupt = evsignal_new(base, SIGINT, signals_stop_cb, sig);
	sig->hup = evsignal_new(base, SIGHUP, signals_hup_cb, sig);
	sig->child = evsignal_new(base, SIGCHLD, signals_child_cb, sig);
	if (sig->terminal == NULL || sig->term == NULL ||
	    sig->interrupt == NULL || sig->hup == NULL || sig->child == NULL ||
	    evsignal_add(sig->term, NULL) == -1 ||
	    evsignal_add(sig->interrupt, NULL) == -1 ||
	    evsignal_add(sig->hup, NULL) == -1 ||
	    evsignal_add(sig->child, NULL) == -1) {
		signals_free(sig);
		return (NULL);
	}
	child_reap_strangers(); /* those that died before we listened */
	return (sig);
}

static void
signal_event_free(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

void
signals_free(struct signals *sig)
{
	if (sig == NULL)
		return;
	signal_event_free(sig->term);
	signal_event_free(sig->interrupt);
	signal_event_free(sig->hup);
	signal_event_free(sig->child);
	terminal_free(sig->terminal);
	free(sig);
}
