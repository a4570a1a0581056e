/*
 * admin.h -- what an operator can ask and do, as JSON documents.
 *
 * Owns:    the table of requests under /api/v1 and their answers. The admin
 *          listener asks for them by HTTP; a verb that has the store to
 *          itself calls here directly: there is one meaning of each.
 * Touches: store.h, the wall clock. No HTTP, no dispatch: what dispatch has
 *          to know goes through struct admin_fns.
 *
 *   GET  /api/v1/status                  how it stands, for the eye
 *   GET  /api/v1/stats?...               what was counted, by minute or hour
 *   GET  /api/v1/events?...              a page, newest first; next is the
 *                                        `before' of the following one, or null
 *   GET  /api/v1/events/ID               with headers, attempts, timeline
 *   GET  /api/v1/events/ID/body          its bytes; 410 once purged
 *   GET  /api/v1/board?...               open orders, the oldest first
 *   GET  /api/v1/orders?...              those that changed last first
 *   GET  /api/v1/orders/ID               with its document and its events
 *   GET  /api/v1/orders/ID/status        the statuses that can be sent
 *   POST /api/v1/orders/ID/status        {"status": WORD, ...}: for klikit
 *   GET  /api/v1/rejections?...          what was refused
 *   GET  /api/v1/rejections/ID           with headers and what is kept of it
 *   GET  /api/v1/receivers               who has this store open
 *   GET  /api/v1/handlers                every handler with its backlog
 *   POST /api/v1/handlers/NAME/pause     {"why": TEXT}, which may be missing
 *   POST /api/v1/handlers/NAME/resume
 *   GET  /api/v1/jobs?...
 *   GET  /api/v1/jobs/ID                 with its attempts
 *   POST /api/v1/jobs/replay             {"ids": [ID, ...]}, each on its own;
 *                                        "new_key": true
 *   POST /api/v1/jobs/ID/retry
 *   POST /api/v1/jobs/ID/discard         {"reason": TEXT}
 *   GET  /api/v1/alarms?...              those that rang, newest first
 *   POST /api/v1/alarms/acknowledge      {"ids": [ID, ...], "by": NAME}
 *   POST /api/v1/probe                   {"url": URL}: what became of it
 *   POST /api/v1/purge                   {"order": ID} or {"older_than_ms": N};
 *                                        with "more", ask again
 *
 * Every list's query: before, since and until (RFC 3339), limit (1 to
 * STORE_PAGE_MAX). Of GET /events also type, brand, branch, order, state
 * (pending, done, dead); of GET /orders order, brand, branch, status, open;
 * of GET /rejections cause; of GET /jobs state (its own, or pending), handler,
 * event, order, type, newest (true: of replays only the last); of GET /alarms
 * all (true: the acknowledged ones too), handler, type, scope.
 * server/docs/openapi.json has the fields.
 *
 * Errors are {"error": TEXT}: 400 what was asked makes no sense, 404, 405,
 * 409 the job's state does not allow it, 410, 503 the store cannot now, 500.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct alerts;
#include "server/base/steady.h"
#include "server/intake/order_ask.h"
#include "server/reconcile/reconcile.h"
#include "server/upkeep/backups.h"
#include "server/upkeep/probe.h"
#include "store/arrival.h"

struct store;
struct upstreams;
struct store_handler_info;
struct admin; /* opaque */
struct entity_live;
struct stats;

#define ADMIN_SECRETS_MAX 16
#define ADMIN_CAUSES_MAX 16

/* How many deliveries were refused for a cause since the start. */
struct admin_refused {
	const char *name;
	uint64_t n;
	uint64_t not_kept; /* of them */
};

struct admin_secret {
	const char *name;
	const char *endpoint;   /* that it opens; NULL: none */
	int64_t valid_until_ms; /* 0: for ever */
	int64_t last_used_ms;   /* 0: not since the start */
};

/* How to send a test event, for a shell; NULL: there is none. */
struct admin_commands {
	const char *trigger;
	const char *sign; /* lacks the file's name */
	const char *curl;
};

/* Of the store. */
struct admin_queue {
	uint64_t bytes;
	uint64_t max;
};

/* How the server stands; texts are borrowed for the call. */
struct admin_status {
	bool dev;
	int64_t started_at_ms;
	const char *const *webhooks;  /* URLs that klikit could post to */
	const char *const *endpoints; /* whose they are, by name */
	size_t nwebhooks;             /* of each */
	const char *store_url;
	const char *admin_url; /* of this listener; NULL: there is none */
	const char *check; /* of the store: none, running, sound, repaired... */
	const char *health; /* "ready", or why not */
	enum steady_doubt clock;
	struct admin_queue queue;
	uint64_t received; /* these since the start */
	uint64_t repeats;  /* of the received */
	uint64_t duplicates;
	uint64_t conflicts;
	struct admin_refused refused[ADMIN_CAUSES_MAX];
	size_t nrefused;
	struct admin_secret secrets[ADMIN_SECRETS_MAX];
	size_t nsecrets;
	const struct alerts *alerts;
	struct backups_status backup;
	struct probe_status probe;
	struct admin_commands commands;
	const struct upstreams *upstreams;
	struct reconcile_status reconcile;
};

/* When an event was stored and its answer left; 0: not known. */
struct admin_times {
	int64_t stored_ms;
	int64_t acked_ms;
	bool answered; /* this is remembered: */
	struct store_answer answer;
};

/*
 * What a receiver has to say of itself, as JSON (store_report()): `counts', for
 * the pages of the others, and `admin', where verbs on its machine find it. The
 * caller's to free(); NULL when out of memory.
 */
char *admin_report(const struct admin_status *status);

/* The URL in such a report; "" if there is none, or it is too long. */
void admin_report_url(const char *report, char *ret_url, size_t size);

/*
 * What the API asks the server for, and reports to it; each may be NULL but for
 * live, and status and now where the status is asked for.
 */
struct admin_fns {
	void (*status)(void *arg, struct admin_status *ret_status);
	/* Now, by the steady clock: purges and ages go by it. */
	struct steady_time (*now)(void *arg);
	void (*times)(void *arg, int64_t event, struct admin_times *ret_times);
	/* The status codes that end an order. Returns how many. */
	size_t (*ends)(void *arg, const char *const **ret_ends);
	/* The name that the configuration has for a code; NULL: none. */
	const char *(*status_name)(void *arg, const char *status);
	/* All of them: "CODE NAME" each. Returns how many. */
	size_t (*status_names)(void *arg, const char *const **ret_names);
	/* The deadline of the handler of that name; 0: it has none. */
	int64_t (*deadline)(void *arg, const char *handler);
	/* What dispatch and the configuration know of a handler. */
	void (*live)(void *arg, const struct store_handler_info *h,
	    struct entity_live *ret_live);
	/* That job was acted on, or made by it. */
	void (*acted)(void *arg, int64_t job);
	/* Jobs of that handler became runnable. */
	void (*look)(void *arg, int64_t handler);
	/* Rejections are gathered in memory: hand them to the store. */
	void (*flush)(void *arg);
	/* Good answers are wanted as objects, not as text: for a verb. */
	bool objects;
	/* A handler was paused, or goes on. */
	void (*paused)(void *arg, int64_t handler, bool paused);
	/* probe_start(); NULL: no server runs. */
	int (*probe)(void *arg, const char *url, probe_done_fn *done,
	    void *done_arg, char reason[HANDLER_REASON_MAX]);
	/*
	 * The statuses that the handlers of type klikit can send of an order of
	 * that brand and branch: [{"word": WORD, "status": klikit's}]. A new
	 * reference; NULL when out of memory.
	 */
	json_t *(*words)(void *arg, const char *brand, const char *branch);
	/*
	 * Have it sent to klikit: 0, and done() runs once, not before it
	 * returns; else what is wrong, as a status of HTTP, with the reason.
	 * NULL: no server runs.
	 */
	int (*ask)(void *arg, const struct order_ask *ask, ingest_done_fn *done,
	    void *done_arg, char ret_event_id[ORDER_ASK_ID_MAX],
	    char reason[HANDLER_REASON_MAX]);
	struct stats *stats; /* NULL: no server runs */
	void *arg;
};

#define ADMIN_MANY_MAX 500 /* ids of one request */
#define ADMIN_BY_MAX 64    /* bytes of a person's name */

struct admin_request {
	const char *method; /* "GET" or "POST" */
	const char *path;   /* as it came, encoded */
	const char *query;  /* as it came; NULL if there is none */
	const void *body;
	size_t body_len;
};

struct admin_answer {
	int status; /* as of HTTP */
	char *body; /* NULL when memory was short, or there is an object */
	size_t body_len;
	bool raw;          /* the bytes of an event's body; else JSON */
	const char *allow; /* with 405: the method that is right; static */
	uint64_t tag;      /* equal answers have equal ones; 0: none */
	json_t *object;    /* only with admin_fns.objects; else NULL */
};

/* answer is valid during the call. */
typedef void admin_done_fn(const struct admin_answer *answer, void *arg);

/* Keeps st, copies fns. NULL when out of memory. */
struct admin *admin_new(struct store *st, const struct admin_fns *fns);

/*
 * Do what is asked. Borrows req. Returns true when it is under way: done()
 * runs exactly once, from store_collect(), not before this call returns.
 * Returns false when it is answered at once: ret_answer says so, its body (from
 * malloc) and its object are the caller's, and done() never runs.
 */
bool admin_call(struct admin *a, const struct admin_request *req,
    admin_done_fn *done, void *arg, struct admin_answer *ret_answer);

/* Has the store something to write at this moment? As store_is_behind(). */
bool admin_is_behind(const struct admin *a, uint64_t *ret_answers);

/* Calls under way. */
size_t admin_pending(const struct admin *a);

/* Only when nothing is under way. Accepts NULL. */
void admin_free(struct admin *a);

#endif /* SERVER_ADMIN_H */
