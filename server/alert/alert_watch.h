/*
 * alert_watch.h -- looks at what may need help, and says so to alerts.h.
 *
 * Owns:    a timer, and one question to the store at a time.
 * Touches: store_read.h (figures), dispatch.h, alerts.h, an evtimer. It decides
 *          what is worth a call; alerts.h, when it is told.
 */
#ifndef SERVER_ALERT_WATCH_H
#define SERVER_ALERT_WATCH_H

struct alert_watch; /* opaque */
struct alerts;
struct dispatch;
struct event_base;
struct store;

struct alert_watch_options {
	struct event_base *base; /* all kept */
	struct store *st;
	struct dispatch *d;
	struct alerts *alerts;
};

/* Looks at nothing yet. NULL when out of memory. */
struct alert_watch *alert_watch_new(const struct alert_watch_options *opt);

/* Look now, and then as often as alerts_look_ms() says. */
void alert_watch_begin(struct alert_watch *w);

/* Ask nothing more of the store. Accepts NULL. */
void alert_watch_stop(struct alert_watch *w);

/* Only when the store has finished what it was asked. Accepts NULL. */
void alert_watch_free(struct alert_watch *w);

#endif /* SERVER_ALERT_WATCH_H */
