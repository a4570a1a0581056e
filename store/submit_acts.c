/* The public calls that move jobs about by hand, and what goes with them. */
#include "store/op.h"

int
store_start(struct store *st, int64_t job, unsigned skip, int64_t now_ms,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_START, done, arg)) == NULL)
		return (-1);
	op->in.start.job = job;
	op->in.start.skip = skip;
	op->in.start.now_ms = now_ms;
	return (store_submit(st, op, 0));
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
