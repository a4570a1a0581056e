/* The public calls that move jobs about by hand, and what goes with them. */
#include "store/store_ops.h"

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
	store_submit(st, op);
	return (0);
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
	if (arena_text(&op->in_mem, why, &op->in.act.why) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
}

int
store_pause(struct store *st, const char *handler, const char *by,
    const char *why, int64_t now_ms, store_done_fn *done, void *arg)
{
	struct arena *a;
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_PAUSE, done, arg)) == NULL)
		return (-1);
	a = &op->in_mem;
	op->in.pause.now_ms = now_ms;
	if (arena_text(a, handler, &op->in.pause.handler) == -1 ||
	    arena_text(a, by, &op->in.pause.by) == -1 ||
	    arena_text(a, by != NULL ? why : NULL, &op->in.pause.why) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
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
	store_submit(st, op);
	return (0);
}

int
store_purge(struct store *st, const struct store_purge *purge,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_PURGE, done, arg)) == NULL)
		return (-1);
	op->in.purge = *purge;
	if (arena_text(&op->in_mem, purge->order_id, &op->in.purge.order_id) ==
		-1 ||
	    arena_text(&op->in_mem, purge->scope, &op->in.purge.scope) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
}

int
store_note_clock(struct store *st, const struct store_clock *clock,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_CLOCK_NOTE, done, arg)) == NULL)
		return (-1);
	op->in.clock = *clock;
	store_submit(st, op);
	return (0);
}
