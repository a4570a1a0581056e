/* The public calls that move jobs about by hand, and what goes with them. */
#include "store/op.h"

/*
 * What is known of the job's event, but for its body: the writer may not look
 * at what the caller's thread still changes. Of a repeat only the store knows
 * the original.
 */
static int
copy_event(struct store_op *op, const struct store_job *job)
{
	struct store_event ev;

	if (job->ev == NULL || job->ev->repeat_of != 0)
		return (0);
	ev = *job->ev;
	ev.body = NULL;
	ev.headers = NULL;
	ev.own_headers = NULL;
	ev.answers = NULL;
	store_event_narrow(&ev, job->place);
	if ((op->in.start.ev = store_event_new(&ev)) == NULL)
		return (-1);
	op->in.start.ev->id = job->ev->id;
	return (0);
}

int
store_start(struct store *st, const struct store_job *job, unsigned how,
    int64_t now_ms, store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_START, done, arg)) == NULL)
		return (-1);
	op->in.start.job = job->id;
	op->in.start.skip = how & (STORE_SKIP_SERVED | STORE_SKIP_REPEATS);
	op->in.start.headers = (how & STORE_WITH_HEADERS) != 0;
	op->in.start.now_ms = now_ms;
	return (store_submit(st, op, copy_event(op, job)));
}

int
store_act(struct store *st, enum store_act act, int64_t job, const char *why,
    int64_t now_ms, store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_ACT, done, arg)) == NULL)
		return (-1);
	op->in.act.act = act;
	op->in.act.job = job;
	op->in.act.now_ms = now_ms;
	return (store_submit(st, op,
	    arena_text(&op->in_mem, why, &op->in.act.why)));
}

int
store_pause(struct store *st, const char *handler, const char *by,
    const char *why, int64_t now_ms, store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_PAUSE, done, arg)) == NULL)
		return (-1);
	op->in.pause.handler = handler;
	op->in.pause.by = by;
	op->in.pause.why = by != NULL ? why : NULL;
	op->in.pause.now_ms = now_ms;
	return (store_submit(st, op,
	    arena_texts(&op->in_mem,
		(const char **const[]){ &op->in.pause.handler, &op->in.pause.by,
		    &op->in.pause.why, NULL })));
}

int
store_unguard(struct store *st, int64_t handler, int64_t now_ms,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_UNGUARD, done, arg)) == NULL)
		return (-1);
	op->in.unguard.handler = handler;
	op->in.unguard.now_ms = now_ms;
	return (store_submit(st, op, 0));
}

int
store_release(struct store *st, int64_t handler, store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_RELEASE, done, arg)) == NULL)
		return (-1);
	op->in.release = handler;
	return (store_submit(st, op, 0));
}

int
store_purge(struct store *st, const struct store_purge *purge,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_PURGE, done, arg)) == NULL)
		return (-1);
	op->in.purge = *purge;
	return (store_submit(st, op,
	    arena_texts(&op->in_mem,
		(const char **const[]){ &op->in.purge.order_id,
		    &op->in.purge.scope, NULL })));
}

int
store_note_clock(struct store *st, const struct store_clock *clock,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_CLOCK_NOTE, done, arg)) == NULL)
		return (-1);
	op->in.clock = *clock;
	return (store_submit(st, op, 0));
}
