/*
 * upstreams.h -- all hubs from which events are fetched.
 *
 * Owns:    the upstreams, those too that are ending; the timer that looks at
 *          which are cut for long; what is known of their events' headers.
 * Touches: upstream.h, alerts.h, header_sets.h, an evtimer.
 */
#ifndef SERVER_UPSTREAMS_H
#define SERVER_UPSTREAMS_H

#include "server/upstream/upstream.h"

struct alerts;
struct upstreams; /* opaque */

struct upstreams_options {
	const struct handler_env *env; /* these kept */
	struct alerts *alerts;
	struct upstream_taker taker; /* copied, but for its headers */
	bool (*well)(void *arg);     /* as of upstream_options */
	void (*idle)(void *arg);     /* after upstreams_stop(): none is left */
	void *arg;
};

/* Copies opt. NULL when out of memory. */
struct upstreams *upstreams_new(const struct upstreams_options *opt);

/*
 * Fetch from these from now on; all copied. Those that are as before, and name
 * no file, go on; others end when their jobs are reported, while those that
 * take their places have begun. Returns 0; -1, with one line in reason, and
 * then the old ones stay.
 */
int upstreams_set(struct upstreams *us, const struct upstream_settings *list,
    size_t n, char reason[HANDLER_REASON_MAX]);

/* The i-th one's; false past the end. Valid for the moment. */
bool upstreams_status(const struct upstreams *us, size_t i,
    struct upstream_status *ret_status);

/* End all, when their jobs are reported. Accepts NULL. */
void upstreams_stop(struct upstreams *us);

/* Has any still to tell something? */
bool upstreams_busy(const struct upstreams *us);

/* Only when ingest has nothing pending. Accepts NULL. */
void upstreams_free(struct upstreams *us);

#endif /* SERVER_UPSTREAMS_H */
