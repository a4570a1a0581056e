/*
 * admin_act.c -- what is done to jobs by hand: replay, retry, discard; and to
 * alarms: acknowledge.
 */
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/base/clock.h"
#include "server/base/json.h"

/* Something was done to that job. */
static void
admin_acted(const struct admin *a, int64_t job)
{
	if (a->fns.acted != NULL)
		a->fns.acted(a->fns.arg, job);
}

/* -- One job -- */

/* store_done_fn */
static void
act_cb(const struct store_result *res, void *arg)
{
	struct admin_call *call = arg;

	if (res->rc != STORE_OK)
		(void)admin_store_error(call, res->rc, res->reason);
	else {
		admin_look(call->a, res);
		admin_acted(call->a, call->id);
		(void)admin_answer(call, 200,
		    json_pack("{s:I}", "id", (json_int_t)call->id));
	}
	admin_finish(call);
}

static enum admin_when
act(struct admin_call *call, enum store_act what, const char *why)
{
	if (admin_job_id(call->name, &call->id) == -1)
		return (admin_error(call, 404, "that is no number of a job"));
	if (store_act(call->a->st, what, call->id, why, clock_wall_ms(), act_cb,
		call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

enum admin_when
admin_act_retry(struct admin_call *call)
{
	if (json_object_size(call->body) > 0)
		return (admin_error(call, 400, "a retry takes nothing"));
	return (act(call, STORE_RETRY, NULL));
}

enum admin_when
admin_act_discard(struct admin_call *call)
{
	const char *reason;

	if (json_unpack(call->body, "{s:s!}", "reason", &reason) == -1 ||
	    *reason == '\0')
		return (admin_error(call, 400,
		    "a discard needs its reason and nothing else: "
		    "{\"reason\": TEXT}"));
	return (act(call, STORE_DISCARD, reason));
}

/* -- Many, each on its own -- */

/* One request for many. */
struct many {
	struct admin_call *call;
	enum store_act what;
	size_t left; /* answers of the store still to come */
	size_t good;
};

/* One of them. */
struct many_part {
	struct many *many;
	int64_t id;
};

static void
many_end(const struct many *m)
{
	static const char *const done[] = {
		[STORE_REPLAY] = "replayed",
		[STORE_REPLAY_ANEW] = "replayed",
		[STORE_DISCARD] = "discarded",
		[STORE_ACKNOWLEDGE] = "acknowledged",
	};

	(void)admin_answer(m->call, 200,
	    json_pack("{s:I, s:O}", done[m->what], (json_int_t)m->good, "jobs",
		m->call->result));
}

/* Note what became of one: its new job, if it was replayed, or why not. */
static void
many_note(struct many *m, int64_t id, int64_t made, const char *reason)
{
	json_t *o = json_object();

	(void)json_set_int(o, "id", id);
	if (reason != NULL)
		(void)json_set_text(o, "error", reason);
	else if (m->what == STORE_REPLAY || m->what == STORE_REPLAY_ANEW)
		(void)json_set_int(o, "job", made);
	m->good += reason == NULL;
	(void)json_array_append_new(m->call->result, o);
}

/* store_done_fn */
static void
many_cb(const struct store_result *res, void *arg)
{
	struct many_part *part = arg;
	struct many *m = part->many;
	struct admin_call *call = m->call;

	if (res->rc == STORE_OK) {
		admin_look(call->a, res);
		admin_acted(call->a, part->id);
		if (res->id != part->id)
			admin_acted(call->a, res->id);
	}
	many_note(m, part->id, res->id,
	    res->rc == STORE_OK ? NULL : res->reason);
	if (--m->left > 0)
		return;
	many_end(m);
	admin_finish(call);
}

static int
many_one(struct many *m, int64_t id, const char *why)
{
	struct admin_call *call = m->call;
	struct many_part *part;

	if ((part = arena_alloc(&call->mem, sizeof(*part))) == NULL)
		return (-1);
	*part = (struct many_part){ m, id };
	if (store_act(call->a->st, m->what, id, why, clock_wall_ms(), many_cb,
		part) == -1)
		return (-1);
	m->left++;
	return (0);
}

/* Are these up to ADMIN_MANY_MAX numbers of jobs? */
static bool
are_ids(const json_t *ids)
{
	size_t n = json_array_size(ids);

	for (size_t i = 0; i < n; i++) {
		if (json_integer_value(json_array_get(ids, i)) <= 0)
			return (false);
	}
	return (n > 0 && n <= ADMIN_MANY_MAX);
}

static enum admin_when
many(struct admin_call *call, enum store_act what, const json_t *ids,
    const char *why)
{
	struct many *m;
	int64_t id;

	if ((call->result = json_array()) == NULL ||
	    (m = arena_alloc(&call->mem, sizeof(*m))) == NULL)
		return (admin_answer(call, 500, NULL));
	*m = (struct many){ .call = call, .what = what };
	for (size_t i = 0; i < json_array_size(ids); i++) {
		id = json_integer_value(json_array_get(ids, i));
		if (many_one(m, id, why) == -1)
			many_note(m, id, 0, "out of memory");
	}
	if (m->left > 0)
		return (ADMIN_LATER);
	many_end(m);
	return (ADMIN_NOW);
}

enum admin_when
admin_act_replay(struct admin_call *call)
{
	int anew = 0;
	json_t *ids;

	if (json_unpack(call->body, "{s:o, s?b!}", "ids", &ids, "new_key",
		&anew) == -1 ||
	    !are_ids(ids))
		return (admin_error(call, 400,
		    "a replay needs 1 to %d numbers of jobs, and may ask for "
		    "new idempotency keys: {\"ids\": [ID, ...], \"new_key\": "
		    "true}",
		    ADMIN_MANY_MAX));
	return (many(call, anew ? STORE_REPLAY_ANEW : STORE_REPLAY, ids, NULL));
}

enum admin_when
admin_act_acknowledge(struct admin_call *call)
{
	const char *by;
	json_t *ids;

	if (json_unpack(call->body, "{s:o, s:s!}", "ids", &ids, "by", &by) ==
		-1 ||
	    !are_ids(ids) || *by == '\0' || strlen(by) > ADMIN_BY_MAX)
		return (admin_error(call, 400,
		    "who acknowledges alarms names 1 to %d of them, and "
		    "himself in up to %d bytes: {\"ids\": [ID, ...], \"by\": "
		    "NAME}",
		    ADMIN_MANY_MAX, ADMIN_BY_MAX));
	return (many(call, STORE_ACKNOWLEDGE, ids, by));
}

enum admin_when
admin_act_discard_many(struct admin_call *call)
{
	const char *reason;
	json_t *ids;

	if (json_unpack(call->body, "{s:o, s:s!}", "ids", &ids, "reason",
		&reason) == -1 ||
	    !are_ids(ids) || *reason == '\0')
		return (admin_error(call, 400,
		    "a discard of many needs 1 to %d numbers of jobs, a reason "
		    "and nothing else: {\"ids\": [ID, ...], \"reason\": TEXT}",
		    ADMIN_MANY_MAX));
	return (many(call, STORE_DISCARD, ids, reason));
}
