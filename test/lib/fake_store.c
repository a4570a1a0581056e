#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/store_private.h"
#include "test/lib/fake_store.h"
#include "test/lib/heap.h"

struct fake {
	struct store_stand_in stand_in;
	TAILQ_HEAD(, fake_op) ops; /* in the order of the calls */
	size_t refuse;
	size_t waiting[FAKE_NCALLS];
	size_t total[FAKE_NCALLS];
	bool lost; /* what is begun is not held */
};

static struct fake *
fake_of(const struct store *st)
{
	return (st->caller.stand_in->arg);
}

/* -- In place of the store's threads -- */

/* store_stand_in.accepts */
static bool
fake_accepts(void *arg)
{
	struct fake *f = arg;

	if (f->refuse == 0)
		return (true);
	f->refuse--;
	return (false);
}

/* What was asked for; fails the test if no test is to ask for it. */
static enum fake_call
look_at(struct fake_op *f, const struct store_op *op)
{
	switch (op->kind) {
	case STORE_OP_APPEND:
		f->ev = op->in.append.ev;
		f->specs = op->in.append.jobs;
		f->nspecs = op->in.append.njobs;
		return (FAKE_APPEND);
	case STORE_OP_FINISH:
		f->out = op->in.finish;
		f->outcome = f->out.outcome;
		if (f->out.attempt != NULL)
			f->answer = f->out.attempt->answer;
		return (FAKE_FINISH);
	case STORE_OP_RUNNABLE:
		f->handler = op->in.runnable.handler;
		f->limit = op->in.runnable.limit;
		f->now = op->in.runnable.now;
		return (FAKE_RUNNABLE);
	case STORE_OP_REJECT:
		f->rejections = op->in.reject.rej;
		f->nrejections = op->in.reject.n;
		return (FAKE_REJECT);
	case STORE_OP_START:
		f->job = op->in.start.job;
		f->skip = op->in.start.skip;
		f->now_ms = op->in.start.now_ms;
		return (FAKE_START);
	case STORE_OP_ACT:
		f->act = op->in.act.act;
		f->job = op->in.act.job;
		f->why = op->in.act.why;
		f->now_ms = op->in.act.now_ms;
		return (FAKE_ACT);
	case STORE_OP_PAUSE:
		f->name = op->in.pause.handler;
		f->by = op->in.pause.by;
		f->why = op->in.pause.why;
		f->now_ms = op->in.pause.now_ms;
		return (FAKE_PAUSE);
	case STORE_OP_PURGE:
		f->purge = op->in.purge;
		return (FAKE_PURGE);
	default:
		break;
	}
	fail_msg("the fake store has no call of kind %d", (int)op->kind);
	return (FAKE_NCALLS);
}

/* store_stand_in.take */
static void
fake_take(struct store_op *op, void *arg)
{
	struct fake_op *call = heap_alloc(sizeof(*call));
	struct fake *f = arg;

	call->op = op;
	call->call = look_at(call, op);
	TAILQ_INSERT_TAIL(&f->ops, call, link);
	f->waiting[call->call]++;
	f->total[call->call]++;
}

/* -- A backend that is never asked for anything -- */

static enum store_rc
fake_open(const struct store_place *place, void **ret_be, char *reason)
{
	(void)reason;
	*ret_be = place->arg;
	return (STORE_OK);
}

static bool
fake_holds(const void *be, int64_t hold)
{
	const struct fake *f = be;

	(void)hold;
	return (!f->lost);
}

static void
fake_close(void *be)
{
	(void)be;
}

static const struct store_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.holds = fake_holds,
};

/* -- For tests -- */

struct store *
fake_store_new(void)
{
	static const struct store_options options = {
		.url = "sqlite:fake",
		.mode = STORE_SERVE,
		.queue_max = SIZE_MAX,
	};
	struct fake *f = heap_alloc(sizeof(*f));
	const struct store_setup setup = { .ops = &fake_ops,
		.arg = f,
		.stand_in = &f->stand_in };
	char reason[STORE_REASON_MAX];
	struct store *st;

	TAILQ_INIT(&f->ops);
	f->stand_in = (struct store_stand_in){ .accepts = fake_accepts,
		.take = fake_take,
		.arg = f };
	assert_int_equal(store_open_with(&options, &setup, &st, reason),
	    STORE_OK);
	return (st);
}

void
fake_store_lose(struct store *st)
{
	fake_of(st)->lost = true;
}

void
fake_store_free(struct store *st)
{
	struct fake *f = fake_of(st);

	assert_null(TAILQ_FIRST(&f->ops));
	store_close(st);
	free(f);
}

void
fake_store_refuse(struct store *st, size_t n)
{
	fake_of(st)->refuse = n;
}

struct fake_op *
fake_store_first(struct store *st)
{
	return (TAILQ_FIRST(&fake_of(st)->ops));
}

struct fake_op *
fake_store_find(struct store *st, enum fake_call call)
{
	struct fake_op *op;

	TAILQ_FOREACH (op, &fake_of(st)->ops, link) {
		if (op->call == call)
			break;
	}
	assert_non_null(op);
	return (op);
}

size_t
fake_store_waiting(const struct store *st, enum fake_call call)
{
	return (fake_of(st)->waiting[call]);
}

size_t
fake_store_total(const struct store *st, enum fake_call call)
{
	return (fake_of(st)->total[call]);
}

void
fake_store_complete(struct store *st, struct fake_op *call,
    const struct store_result *res)
{
	struct fake *f = fake_of(st);

	TAILQ_REMOVE(&f->ops, call, link);
	f->waiting[call->call]--;
	call->op->res = *res;
	store_op_deliver(call->op);
	store_op_free(call->op);
	free(call);
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
