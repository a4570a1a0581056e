/*
 * alert_watch.h -- looks at what may need help, and says so to alerts.h.
 *
 * Owns:    a timer, one question to the store at a time, and the modules that
 *          look at something each.
 * Touches: store_read.h (figures), dispatch.h, alerts.h, an evtimer. They
 *          decide what is worth a call; alerts.h, when it is sent.
 */
#ifndef SERVER_ALERT_WATCH_H
#define SERVER_ALERT_WATCH_H

#include <stdint.h>

struct alert_watch; /* opaque */
struct alerts;
struct cert_watch;
struct dispatch;
struct event_base;
struct ingest;
struct rejections;
struct steady;
struct store;

struct alert_watch_options {
	struct event_base *base; /* all kept */
	struct store *st;
	struct dispatch *d;
	struct ingest *in;
	const struct rejections *rej;
	const struct steady *clock;
	struct alerts *alerts;
};

/* Looks at nothing yet. NULL when out of memory. */
struct alert_watch *alert_watch_new(const struct alert_watch_options *opt);

/* The certificates to look at, from now on; kept until it is stopped. */
void alert_watch_set_certs(struct alert_watch *w,
    const struct cert_watch *certs);

/*
 * Look now, and then as often as alerts_look_ms() says. Branches that are
 * silent for so long in their usual hours are reported; 0: none.
 */
void alert_watch_begin(struct alert_watch *w, int64_t silence_ms);

/* Ask nothing more of the store. Accepts NULL. */
void alert_watch_stop(struct alert_watch *w);

/* Only when the store has finished what it was asked. Accepts NULL. */
void alert_watch_free(struct alert_watch *w);

#endif /* SERVER_ALERT_WATCH_H */
