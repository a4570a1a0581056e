/*
 * admin_private.h -- what the files of the admin API share.
 *
 * admin.c          the table, the start and the end of a call
 * admin_jobs.c     jobs: look at
 * admin_act.c      jobs: replay, retry, discard
 * admin_handlers.c handlers
 * admin_purge.c    purge
 */
#ifndef SERVER_ADMIN_PRIVATE_H
#define SERVER_ADMIN_PRIVATE_H

#include <jansson.h>

#include "server/admin.h"
#include "server/admin_query.h"
#include "store/store.h"

struct admin {
	struct store *st;
	struct admin_fns fns;
	size_t pending;
};

/* A call: what it was asked, and what it will answer. */
struct admin_call {
	struct admin *a;
	admin_done_fn *done;
	void *arg;
	struct admin_answer answer;
	char name[ADMIN_VALUE_MAX]; /* what stood for the pattern's * */
	const char *query;          /* only until the route returns */
	json_t *body;               /* an object, empty if there was none */

	json_t *result; /* being gathered */
	int64_t id;     /* of the job */
	size_t limit;   /* of a page */
	size_t left;    /* answers of the store still to come */
	size_t good;
	bool pause;
	struct store_purge purge;
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

/* The answer is set: hand it over and free call. */
void admin_finish(struct admin_call *call);

/* Tell of the jobs that res made runnable. */
void admin_look(struct admin *a, const struct store_result *res);

/* Parse a job's number. Returns 0, or -1. */
int admin_job_id(const char *text, int64_t *ret_id);

enum admin_when admin_handlers_list(struct admin_call *call);
enum admin_when admin_handlers_pause(struct admin_call *call);
enum admin_when admin_handlers_resume(struct admin_call *call);
enum admin_when admin_jobs_list(struct admin_call *call);
enum admin_when admin_jobs_show(struct admin_call *call);
enum admin_when admin_act_replay(struct admin_call *call);
enum admin_when admin_act_retry(struct admin_call *call);
enum admin_when admin_act_discard(struct admin_call *call);
enum admin_when admin_purge(struct admin_call *call);

#endif /* SERVER_ADMIN_PRIVATE_H */
