/*
 * upstream.h -- one hub from which events are fetched.
 *
 * Owns:    its connection, one batch of its jobs at a time (upstream_round.h),
 *          its pauses.
 * Touches: the loop, the HTTP client of handlers/net, the log.
 *
 * It asks, takes what is handed out, waits until all of that is on disk or
 * refused, reports it, and asks again. So at no moment does it hold more than
 * one batch, and what was not reported comes again.
 */
#ifndef SERVER_UPSTREAM_H
#define SERVER_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "server/upstream/upstream_round.h"
#include "server/upstream/upstream_take.h"

struct upstream; /* opaque */

#define UPSTREAM_URL_MAX 512
#define UPSTREAM_WAIT_S 25 /* that the hub waits for a job */

/* All borrowed for upstream_new(). */
struct upstream_settings {
	const char *name;
	const char *url; /* https://HUB/pull/NAME, without a query */
	const char *token;
	const char *ca_file; /* who vouches for the hub; NULL: as usual */
	bool trust;          /* the hub's word is enough */
	int64_t alert_after_ms;
	size_t body_max; /* bytes of a body that may be taken */
};

struct upstream_options {
	const struct handler_env *env; /* kept */
	struct upstream_taker taker;   /* copied, but for name and trust */
	/* Would an event be written now? Nothing is asked for else. */
	bool (*well)(void *arg);
	/* It has ended by itself, after upstream_finish(); free it then. */
	void (*finished)(void *arg, struct upstream *u);
	void *arg;
};

/*
 * It begins to ask, from the loop. Returns it; NULL, and one line in reason, if
 * the url or a file is none, or when out of memory.
 */
struct upstream *upstream_new(const struct upstream_options *opt,
    const struct upstream_settings *set, char reason[HANDLER_REASON_MAX]);

/* Is it still what these settings ask for? Files are not read again. */
bool upstream_is(const struct upstream *u, const struct upstream_settings *set);

const char *upstream_name(const struct upstream *u);

/* Its word in metrics; static. */
const char *upstream_end_name(enum upstream_end end);

struct upstream_status {
	const char *name; /* this and url valid as long as it is */
	const char *url;
	bool connected;     /* the last call was answered as by a hub */
	int64_t since_ms;   /* since when that is so, by the wall clock */
	int64_t since_boot; /* the same by clock_boot_ms() */
	struct upstream_counts counts;
	uint64_t reconnects; /* after it was cut */
	uint64_t late;       /* outcomes that came too late for their lease */
	const char *error;  /* why it is cut; "": it is not, or not yet known */
	const char *advice; /* what to do then; NULL: nothing */
	int64_t error_ms;   /* when that was */
	int64_t alert_after_ms;
};
void upstream_status(const struct upstream *u,
    struct upstream_status *ret_status);

/* Go on counting where the one that it replaces is. */
void upstream_inherit(struct upstream *u, const struct upstream *old);

/*
 * Ask for nothing more: wait for what is on its way to the disk, report that,
 * once, and end. finished() runs then, never before this returns.
 */
void upstream_finish(struct upstream *u);

/* Only when ingest has nothing of it. Accepts NULL. */
void upstream_free(struct upstream *u);

#endif /* SERVER_UPSTREAM_H */
