/*
 * admin_private.h -- what the files of the admin API share.
 *
 * admin.c has the table of requests and the start of a call, admin_answer.c its
 * answer and its end; each other has the requests about its subject.
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

/* A call: what it was asked, and what it will answer. */
struct admin_call {
	struct admin *a;
	admin_done_fn *done;
	void *arg;
	struct admin_answer answer;
	char name[ADMIN_VALUE_MAX]; /* what stood for the pattern's * */
	const char *query;          /* only until the route returns */
	json_t *body;               /* an object, empty if there was none */

	struct arena mem; /* for as long as the call */
	json_t *result;   /* being gathered */
	void *own;        /* what only its route knows, in mem */
	int64_t id;       /* of the job or rejection that is named */
	size_t limit;     /* of a page */
	bool acts;        /* a POST */
};

/*
 * What a route returns: ADMIN_LATER when the store was asked and
 * admin_finish() will be called; ADMIN_NOW when the answer is in call.
 */
enum admin_when { ADMIN_NOW, ADMIN_LATER };

/* Set the answer, o or what w has; NULL: no memory. Takes it. ADMIN_NOW. */
enum admin_when admin_answer(struct admin_call *call, int status, json_t *o);
enum admin_when admin_answer_written(struct admin_call *call,
    struct json_write *w);

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

/* The answer is set: give what was looked at and found its tag. */
void admin_call_end(struct admin_call *call);

void admin_call_free(struct admin_call *call);

/* Have dispatch look at the jobs that res made runnable. */
void admin_look(struct admin *a, const struct store_result *res);

/* The answer's tag is that of what o holds now, also if it grows afterwards. */
void admin_tag(struct admin_call *call, const json_t *o);

/* Parse a job's number. Returns 0, or -1. */
int admin_job_id(const char *text, int64_t *ret_id);

/* Of orders: the codes that end one; is this one of them; its name, or NULL. */
size_t admin_ends(const struct admin *a, const char *const **ret_ends);
bool admin_is_end(const struct admin *a, const char *status);
const char *admin_status_name(const struct admin *a, const char *status);

/* An order as lists have it. */
json_t *admin_order_json(const struct admin *a,
    const struct store_order_info *row);

enum admin_when admin_status(struct admin_call *call);
enum admin_when admin_stats(struct admin_call *call);
enum admin_when admin_events_list(struct admin_call *call);
enum admin_when admin_events_show(struct admin_call *call);
enum admin_when admin_events_body(struct admin_call *call);
enum admin_when admin_board(struct admin_call *call);
enum admin_when admin_orders_list(struct admin_call *call);
enum admin_when admin_orders_show(struct admin_call *call);
enum admin_when admin_order_words(struct admin_call *call);
enum admin_when admin_order_status(struct admin_call *call);
enum admin_when admin_rejections_list(struct admin_call *call);
enum admin_when admin_rejections_groups(struct admin_call *call);
enum admin_when admin_rejections_show(struct admin_call *call);
enum admin_when admin_receivers(struct admin_call *call);
enum admin_when admin_handlers_list(struct admin_call *call);
enum admin_when admin_handlers_pause(struct admin_call *call);
enum admin_when admin_handlers_resume(struct admin_call *call);
enum admin_when admin_jobs_list(struct admin_call *call);
enum admin_when admin_jobs_show(struct admin_call *call);
enum admin_when admin_act_replay(struct admin_call *call);
enum admin_when admin_act_retry(struct admin_call *call);
enum admin_when admin_act_discard(struct admin_call *call);
enum admin_when admin_act_discard_many(struct admin_call *call);
enum admin_when admin_act_acknowledge(struct admin_call *call);
enum admin_when admin_alarms_list(struct admin_call *call);
enum admin_when admin_probe(struct admin_call *call);
enum admin_when admin_purge(struct admin_call *call);

#endif /* SERVER_ADMIN_PRIVATE_H */
