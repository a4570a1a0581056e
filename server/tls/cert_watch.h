/*
 * cert_watch.h -- warns before certificates expire.
 *
 * Owns:    what is watched, the stage each was seen in, one timer.
 * Touches: the wall clock, the log, an evtimer. No files, no TLS: the dates
 *          are given.
 *
 * One line each 21, 7 and 1 days before the end, at the end, and for one that
 * is not valid yet; at the start or after a reload one line for each that is in
 * such a state then. The wall clock is looked at every hour at least, since it
 * may be set; after one that goes back and on again a stage is warned of once
 * more.
 */
#ifndef SERVER_CERT_WATCH_H
#define SERVER_CERT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct cert_watch; /* opaque */

#define CERT_WATCH_LOOK_MS 3600000 /* at most, between two looks */

/* What is watched. */
struct cert_watched {
	const char *name; /* for people and metrics: "server", "handler pos" */
	const char *file;
	int64_t from_ms;
	int64_t until_ms;
};

/* Keeps base. Nothing is watched yet. NULL when out of memory. */
struct cert_watch *cert_watch_new(struct event_base *base);

/*
 * Watch these, copied, in place of the earlier ones, and log now what is wrong
 * with them. Returns 0; -1 when out of memory, and then the earlier ones are
 * watched still.
 */
int cert_watch_set(struct cert_watch *w, const struct cert_watched *list,
    size_t n);

/* For metrics. */
struct cert_watch_stats {
	const char *name; /* valid until the next cert_watch_set() */
	int64_t until_ms;
};

/* The i-th that is watched; false past the end. */
bool cert_watch_stats(const struct cert_watch *w, size_t i,
    struct cert_watch_stats *ret_stats);

/* Are all that are watched valid at now_ms? */
bool cert_watch_sound(const struct cert_watch *w, int64_t now_ms);

/* Accepts NULL. */
void cert_watch_free(struct cert_watch *w);

#endif /* SERVER_CERT_WATCH_H */
