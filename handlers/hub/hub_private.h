/*
 * hub_private.h -- what the files of hub share: boxes, and the jobs in them.
 */
#ifndef HANDLERS_HUB_PRIVATE_H
#define HANDLERS_HUB_PRIVATE_H

#include <sys/queue.h>

#include "handlers/handler.h"
#include "handlers/hub/hub.h"
#include "handlers/hub/hub_text.h"

enum hub_job_state { HUB_OFFERED, HUB_HANDED, HUB_REPORTED };

/* One that waits for a job's outcome to be on disk. */
struct hub_entry {
	TAILQ_ENTRY(hub_entry) link; /* of those that wait for one job */
	struct hub_job *job;         /* NULL: settled */
	void (*settled)(struct hub_entry *entry, bool recorded);
};

struct hub_job {
	TAILQ_ENTRY(hub_job) link; /* of its box, in the order of offers */
	TAILQ_ENTRY(hub_job) due;  /* of the hub: see timed */
	bool timed;                /* it ends at due_ms if nothing happens */
	int64_t due_ms;            /* its lease's, or nobody came for it */
	struct hub_box *box;
	struct handler_call *call;
	int64_t id;
	enum hub_job_state state;
	char lease[HUB_LEASE_MAX]; /* of the last time; its mark stays */
	char *text;                /* NULL: it has left */
	size_t len;
	struct hub_batch *batch; /* that is leaving with it, or NULL */
	TAILQ_HEAD(, hub_entry) entries;
};
TAILQ_HEAD(hub_jobs, hub_job);

struct hub_member {
	TAILQ_ENTRY(hub_member) link; /* of its box, the newest first */
	bool retired;
	struct hub_box *box;
	struct hub_tokens tokens;
	int64_t lease_ms;
};

struct hub_box {
	LIST_ENTRY(hub_box) link; /* of its bucket */
	TAILQ_ENTRY(hub_box) all;
	TAILQ_ENTRY(hub_box) look; /* of those to be looked at; see looked */
	bool looked;
	bool dismiss; /* every ask is to be answered: its token may be void */
	struct hub *hub;
	char *name;
	const struct handler_env *env; /* the last instance's, as is */
	int64_t lease_ms;
	size_t nretired; /* instances that are, and not closed */
	TAILQ_HEAD(, hub_member) members;
	TAILQ_HEAD(, hub_ask) asks; /* the newest first */
	struct hub_jobs jobs;
	struct hub_late late;
	size_t wanted;  /* jobs, by all asks */
	size_t offered; /* jobs that are */
	size_t nreports;
	struct hub_stats stats;
	int64_t seen_mono_ms; /* 0: never */
};

struct hub {
	struct event_base *base;
	int64_t away_ms;
	struct event *away; /* somebody may be, since the last ask */
	void (*room)(void *arg);
	void *arg;
	struct event *pump;               /* boxes are to be looked at */
	struct event *timer;              /* for the first of due */
	struct hub_jobs due;              /* the first to end first */
	TAILQ_HEAD(, hub_report) reports; /* under way */
	LIST_HEAD(, hub_box) buckets[1024];
	TAILQ_HEAD(, hub_box) boxes;
	TAILQ_HEAD(, hub_box) look;
	bool stopped;
};

/* -- hub_box.c -- */

/* The one of that name; NULL: there is none, or it cannot be made. */
struct hub_box *hub_box_find(struct hub *hub, const char *name);
struct hub_box *hub_box_new(struct hub *hub, const char *name);

/* Free it, if nobody needs it any more. */
void hub_box_sweep(struct hub_box *box);

/* Have that box looked at in this turn of the loop. */
void hub_box_look(struct hub_box *box);

/* -- hub_jobs.c -- */

/* The one of that number with that lease; NULL: there is none. */
struct hub_job *hub_job_find(struct hub_box *box, int64_t id,
    const char *lease);

/*
 * The first jobs that are offered, up to max and for about HUB_BATCH_BYTES,
 * with leases; and the JSON of them, the caller's. NULL: none, or no memory.
 */
struct hub_batch *hub_batch_new(struct hub_box *box, size_t max,
    char **ret_json, size_t *ret_len);

/*
 * End its attempt. With result: by env's finish(). A job with entries is freed
 * when its outcome is recorded; any other now.
 */
void hub_job_end(struct hub_job *job, struct handler_result *result);

/* evtimer: the first of due is. */
void hub_due_cb(int fd, short what, void *arg);
void hub_reports_end(struct hub *hub); /* hub_report.c: all end now */

#endif /* HANDLERS_HUB_PRIVATE_H */
