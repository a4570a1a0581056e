/*
 * admin_private.h -- what the files of the admin API share.
 *
 * admin.c          the table, the start and the end of a call
 * admin_filter.c   the query of a list
 * admin_status.c   how the server stands
 * admin_events.c   events: a page, one, its body
 * admin_event.c    what is told of one
 * admin_orders.c   orders
 * admin_rejections.c  what was refused
 * admin_jobs.c     jobs: look at
 * admin_act.c      jobs: replay, retry, discard
 * admin_handlers.c handlers
 * admin_purge.c    purge
 */
#ifndef SERVER_ADMIN_PRIVATE_H
#define SERVER_ADMIN_PRIVATE_H

#include <jansson.h>

#include "server/admin/admin.h"
#include "server/admin/admin_query.h"
#include "server/admin/entity.h"
#include "store/base/arena.h"
#include "store/store_read.h"

struct admin {
	struct store *st;
	struct admin_fns fns;
	size_t pending;
};

struct shown;

/* A call: what it was asked, and what it will answer. */
struct admin_call {
	struct admin *a;
	admin_done_fn *done;
	void *arg;
	struct admin_answer answer;
	char name[ADMIN_VALUE_MAX]; /* what stood for the pattern's * */
	const char *query;          /* only until the route returns */
	json_t *body;               /* an object, empty if there was none */

	struct arena mem;     /* for as long as the call */
	json_t *result;       /* being gathered */
	struct shown *shown;  /* of an event: see admin_events.c */
	const char *document; /* of an order; NULL: none */
	int64_t id;           /* of the job */
	enum store_act act;   /* of many jobs */
	size_t limit;         /* of a page */
	size_t left;          /* answers of the store still to come */
	size_t good;
	bool acts; /* a POST */
	bool pause;
	struct store_purge purge;
	int64_t rejections;        /* of those purged */
	int64_t files, files_left; /* beside the store */
	unsigned batches;
};

/* One of several things that a call asks of the store. */
struct admin_part {
	struct admin_call *call;
	int64_t id;
};

/*
 * What a route returns: ADMIN_LATER when the store was asked and
 * admin_finish() will be called; ADMIN_NOW when the answer is in call.
 */
enum admin_when { ADMIN_NOW, ADMIN_LATER };

/* Set the answer; takes o, NULL being out of memory. Returns ADMIN_NOW. */
enum admin_when admin_answer(struct admin_call *call, int status, json_t *o);

/* Set {"error": text} as the answer. Returns ADMIN_NOW. */
enum admin_when admin_error(struct admin_call *call, int status,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, for what the store said. */
enum admin_when admin_store_error(struct admin_call *call, enum store_rc rc,
    const char *reason);

/* Has the store failed? Then that is the answer, and the call is over. */
bool admin_failed(struct admin_call *call, enum store_rc rc,
    const char *reason);

/* The answer is set: hand it over and free call. */
void admin_finish(struct admin_call *call);

/* Tell of the jobs that res made runnable. */
void admin_look(struct admin *a, const struct store_result *res);

/* The answer is told apart by what o holds now, and may grow afterwards. */
void admin_tag(struct admin_call *call, const json_t *o);

/* Parse a job's number. Returns 0, or -1. */
int admin_job_id(const char *text, int64_t *ret_id);

/* -- admin_filter.c -- */

enum admin_kind {
	ADMIN_TEXT,   /* const char *, in the call's memory */
	ADMIN_SCOPE,  /* the same, and may be empty */
	ADMIN_TIME,   /* int64_t */
	ADMIN_NUMBER, /* int64_t, from 1 */
	ADMIN_LIMIT,  /* size_t, 1 to STORE_PAGE_MAX; call->limit as well */
	ADMIN_BOOL,   /* bool */
	ADMIN_WORD    /* as its word() reads it */
};

/* A name that a list's query may have. */
struct admin_key {
	const char *name;
	enum admin_kind kind;
	size_t at; /* in the filter */
	/* ADMIN_WORD: set it in filter. Returns 0, or -1: a wrong word. */
	int (*word)(const char *value, void *filter);
};

#define ADMIN_LIMIT_DEFAULT 50

/*
 * Read the call's query into filter by keys, up to one without a name.
 * ADMIN_NOW: it makes no sense, the answer says why.
 */
enum admin_when admin_filter(struct admin_call *call,
    const struct admin_key *keys, void *filter);

/*
 * Read the query of something that is shown alone: the scope it is to be of,
 * in the call's memory, NULL if none is named. ADMIN_NOW as above.
 */
enum admin_when admin_one_scope(struct admin_call *call,
    const char **ret_scope);

/*
 * Answer with a page: {name: list, "next": before}; takes list. The page is
 * the last one if it has less than the limit.
 */
void admin_page(struct admin_call *call, const char *name, json_t *list,
    int64_t last);

/* -- admin_event.c: documents; NULL when out of memory -- */

/* The headers as klikit sent them, as far as they are kept. */
json_t *admin_event_headers(const struct store_event *ev);

/* What happened to it, by time; attempts are of its jobs. */
json_t *admin_event_timeline(const struct store_event_info *info,
    const struct admin_times *times, const struct store_attempt_info *attempts,
    size_t n);

enum admin_when admin_status(struct admin_call *call);
enum admin_when admin_events_list(struct admin_call *call);
enum admin_when admin_events_show(struct admin_call *call);
enum admin_when admin_events_body(struct admin_call *call);
enum admin_when admin_orders_list(struct admin_call *call);
enum admin_when admin_orders_show(struct admin_call *call);
enum admin_when admin_rejections_list(struct admin_call *call);
enum admin_when admin_rejections_show(struct admin_call *call);
enum admin_when admin_handlers_list(struct admin_call *call);
enum admin_when admin_handlers_pause(struct admin_call *call);
enum admin_when admin_handlers_resume(struct admin_call *call);
enum admin_when admin_jobs_list(struct admin_call *call);
enum admin_when admin_jobs_show(struct admin_call *call);
enum admin_when admin_act_replay(struct admin_call *call);
enum admin_when admin_act_retry(struct admin_call *call);
enum admin_when admin_act_discard(struct admin_call *call);
enum admin_when admin_act_discard_many(struct admin_call *call);
enum admin_when admin_purge(struct admin_call *call);

#endif /* SERVER_ADMIN_PRIVATE_H */
