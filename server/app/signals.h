/*
 * signals.h -- signals as events of the loop.
 *
 * Owns:    the handlers of TERM, INT, HUP and CHLD while it lives; PIPE is
 *          ignored for good, because a peer may vanish at any write. On CHLD
 *          it reaps the children that no handler has started. A HUP that
 *          comes of a closed terminal is a stop, and not a second one.
 */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

struct event_base;
struct signals; /* opaque */

/* Run in the loop, once per signal. */
struct signals_fns {
	void (*stop)(void *arg);   /* TERM, INT, or the terminal is closed */
	void (*reload)(void *arg); /* HUP otherwise */
	void *arg;
};

/* Keeps base, copies fns. NULL when out of memory. */
struct signals *signals_new(struct event_base *base,
    const struct signals_fns *fns);

/* Accepts NULL. */
void signals_free(struct signals *sig);

#endif /* SERVER_SIGNALS_H */
