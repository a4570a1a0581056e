#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/fake_store.h"
#include "test/lib/heap.h"

struct store {
	TAILQ_HEAD(, fake_op) ops; /* in the order of the calls */
	size_t refuse;
	size_t waiting[FAKE_NCALLS];
	size_t total[FAKE_NCALLS];
};

/* -- For tests -- */

struct store *
fake_store_new(void)
{
	struct store *st = calloc(1, sizeof(*st));

	assert_non_null(st);
	TAILQ_INIT(&st->ops);
	return (st);
}

void
fake_store_free(struct store *st)
{
	assert_null(TAILQ_FIRST(&st->ops));
	free(st);
}

void
fake_store_refuse(struct store *st, size_t n)
{
	st->refuse = n;
}

struct fake_op *
fake_store_first(struct store *st)
{
	return (TAILQ_FIRST(&st->ops));
}

struct fake_op *
fake_store_find(struct store *st, enum fake_call call)
{
	struct fake_op *op;

	TAILQ_FOREACH (op, &st->ops, link) {
		if (op->call == call)
			break;
	}
	assert_non_null(op);
	return (op);
}

size_t
fake_store_waiting(const struct store *st, enum fake_call call)
{
	return (st->waiting[call]);
}

size_t
fake_store_total(const struct store *st, enum fake_call call)
{
	return (st->total[call]);
}

static void
op_free(struct fake_op *op)
{
	for (size_t i = 0; i < op->nrejections; i++) {
		free((void *)op->rejections[i].peer);
		free((void *)op->rejections[i].cause);
		free((void *)op->rejections[i].code);
		free((void *)op->rejections[i].diagnosis);
		free((void *)op->rejections[i].headers);
		free((void *)op->rejections[i].body);
	}
	free(op->rejections);
	for (size_t i = 0; i < op->nspecs; i++)
		free((void *)op->specs[i].outcome);
	free(op->specs);
	store_event_unref(op->ev);
	free(op);
}

void
fake_store_complete(struct store *st, struct fake_op *op,
    const struct store_result *res)
{
	TAILQ_REMOVE(&st->ops, op, link);
	st->waiting[op->call]--;
	if (op->call == FAKE_APPEND && res->rc == STORE_OK) {
		op->ev->id = res->id;
		op->ev->repeat_of = res->repeat_of;
	}
	if (op->done != NULL)
		op->done(res, op->arg);
	op_free(op);
}

void
fake_store_end(struct store *st, enum fake_call call, enum store_rc rc)
{
	const struct store_result res = {
		.rc = rc,
		.reason = rc == STORE_OK ? NULL : "the fake says so",
	};

	fake_store_complete(st, fake_store_find(st, call), &res);
}

/* -- store/store.h -- */

/* A call that was accepted; NULL if it is to be refused. */
static struct fake_op *
op_new(struct store *st, enum fake_call call, store_done_fn *done, void *arg)
{
	struct fake_op *op;

	if (st->refuse > 0) {
		st->refuse--;
		return (NULL);
	}
	op = heap_alloc(sizeof(*op));
	op->call = call;
	op->done = done;
	op->arg = arg;
	TAILQ_INSERT_TAIL(&st->ops, op, link);
	st->waiting[call]++;
	st->total[call]++;
	return (op);
}

static void *
copy_of(const void *bytes, size_t len)
{
	void *copy = heap_alloc(len + 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	return (copy);
}

static char *
text_of(const char *text)
{
	return (text == NULL ? NULL : copy_of(text, strlen(text)));
}

int
store_append(struct store *st, struct store_event *ev,
    const struct store_job_spec *jobs, size_t njobs, store_done_fn *done,
    void *arg)
{
	struct fake_op *op = op_new(st, FAKE_APPEND, done, arg);

	if (op == NULL)
		return (-1);
	op->ev = store_event_ref(ev);
	op->specs = copy_of(jobs, njobs * sizeof(*jobs));
	op->nspecs = njobs;
	for (size_t i = 0; i < njobs; i++)
		op->specs[i].outcome = text_of(jobs[i].outcome);
	return (0);
}

int
store_finish(struct store *st, const struct store_outcome *out,
    store_done_fn *done, void *arg)
{
	struct fake_op *op = op_new(st, FAKE_FINISH, done, arg);

	if (op == NULL)
		return (-1);
	op->out = *out;
	(void)snprintf(op->outcome, sizeof(op->outcome), "%s", out->outcome);
	op->out.outcome = op->outcome;
	op->out.writes = NULL;
	if (out->attempt != NULL) {
		op->attempt = *out->attempt;
		op->out.attempt = &op->attempt;
		assert_in_range(op->attempt.answer_len, 0, sizeof(op->answer));
		if (op->attempt.answer_len > 0)
			memcpy(op->answer, op->attempt.answer,
			    op->attempt.answer_len);
		op->attempt.answer = op->answer;
	}
	return (0);
}

int
store_start(struct store *st, int64_t job, unsigned skip, int64_t now_ms,
    store_done_fn *done, void *arg)
{
	struct fake_op *op = op_new(st, FAKE_START, done, arg);

	if (op == NULL)
		return (-1);
	op->job = job;
	op->skip = skip;
	op->now_ms = now_ms;
	return (0);
}

int
store_act(struct store *st, enum store_act act, int64_t job, const char *why,
    int64_t now_ms, store_done_fn *done, void *arg)
{
	struct fake_op *op = op_new(st, FAKE_ACT, done, arg);

	if (op == NULL)
		return (-1);
	op->act = act;
	op->job = job;
	(void)snprintf(op->why, sizeof(op->why), "%s", why == NULL ? "" : why);
	op->now_ms = now_ms;
	return (0);
}

int
store_pause(struct store *st, const char *handler, const char *by,
    const char *why, int64_t now_ms, store_done_fn *done, void *arg)
{
	struct fake_op *op = op_new(st, FAKE_PAUSE, done, arg);

	if (op == NULL)
		return (-1);
	(void)snprintf(op->name, sizeof(op->name), "%s", handler);
	(void)snprintf(op->by, sizeof(op->by), "%s", by == NULL ? "" : by);
	(void)snprintf(op->why, sizeof(op->why), "%s", why == NULL ? "" : why);
	op->now_ms = now_ms;
	return (0);
}

int
store_purge(struct store *st, const struct store_purge *purge,
    store_done_fn *done, void *arg)
{
	struct fake_op *op = op_new(st, FAKE_PURGE, done, arg);

	if (op == NULL)
		return (-1);
	op->purge = *purge;
	return (0);
}

int
store_runnable(struct store *st, int64_t handler, size_t limit,
    struct steady_time now, store_done_fn *done, void *arg)
{
	struct fake_op *op = op_new(st, FAKE_RUNNABLE, done, arg);

	if (op == NULL)
		return (-1);
	op->handler = handler;
	op->limit = limit;
	op->now = now;
	return (0);
}

int
store_reject(struct store *st, const struct store_rejection *rej, size_t n,
    store_done_fn *done, void *arg)
{
	struct fake_op *op = op_new(st, FAKE_REJECT, done, arg);

	if (op == NULL)
		return (-1);
	op->rejections = copy_of(rej, n * sizeof(*rej));
	op->nrejections = n;
	for (size_t i = 0; i < n; i++) {
		op->rejections[i].peer = text_of(rej[i].peer);
		op->rejections[i].cause = text_of(rej[i].cause);
		op->rejections[i].code = text_of(rej[i].code);
		op->rejections[i].diagnosis = text_of(rej[i].diagnosis);
		op->rejections[i].headers = text_of(rej[i].headers);
		op->rejections[i].body = copy_of(rej[i].body, rej[i].body_len);
	}
	return (0);
}
