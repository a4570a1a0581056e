/* Operations: the part common to all kinds. */
#include <stdlib.h>
#include <string.h>

#include "store/store_ops.h"

struct store_op *
store_op_new(enum store_op_kind kind)
{
	struct store_op *op;

	if ((op = calloc(1, sizeof(*op))) == NULL)
		return (NULL);
	op->kind = kind;
	return (op);
}

void
store_op_reset(struct store_op *op)
{
	for (struct store_loaded *l = op->loaded; l != NULL; l = l->next)
		store_event_unref(l->ev);
	op->loaded = NULL;
	arena_fini(&op->res_mem);
	memset(&op->res, 0, sizeof(op->res));
	op->events = NULL;
	op->orders = NULL;
	op->jobs = NULL;
	op->attempts = NULL;
	op->handlers = NULL;
	op->figures = NULL;
	op->rejections = NULL;
	op->nrows = 0;
}

void
store_op_free(struct store_op *op)
{
	if (op == NULL)
		return;
	store_op_reset(op);
	if (op->kind == STORE_OP_APPEND)
		store_event_unref(op->in.append.ev);
	arena_fini(&op->in_mem);
	free(op);
}

size_t
store_op_rows(const struct store_op *op)
{
	if (op->kind == STORE_OP_APPEND)
		return (1 + op->in.append.ev->norders + op->in.append.njobs);
	if (op->kind == STORE_OP_FINISH)
		return (1 + op->in.finish.nwrites);
	return (1);
}

void
store_op_fail(struct store_op *op, enum store_rc rc, const char *reason)
{
	store_op_reset(op);
	op->res.rc = rc;
	if (arena_text(&op->res_mem, reason, &op->res.reason) == -1)
		op->res.reason = "out of memory";
}

int
store_op_keep(struct store_op *op, struct store_event *ev)
{
	struct store_loaded *l;

	if ((l = arena_alloc(&op->res_mem, sizeof(*l))) == NULL) {
		store_event_unref(ev);
		return (-1);
	}
	l->ev = ev;
	l->next = op->loaded;
	op->loaded = l;
	return (0);
}

void
store_op_deliver(struct store_op *op)
{
	switch (op->kind) {
	case STORE_OP_LIST_EVENTS:
	case STORE_OP_GET_EVENT:
		op->done.events(op->res.rc, op->events, op->nrows,
		    op->res.reason, op->arg);
		break;
	case STORE_OP_LIST_ORDERS:
	case STORE_OP_GET_ORDER:
		op->done.orders(op->res.rc, op->orders, op->nrows,
		    op->res.reason, op->arg);
		break;
	case STORE_OP_LIST_JOBS:
		op->done.jobs(op->res.rc, op->jobs, op->nrows, op->res.reason,
		    op->arg);
		break;
	case STORE_OP_LIST_ATTEMPTS:
	case STORE_OP_LIST_EVENT_ATTEMPTS:
		op->done.attempts(op->res.rc, op->attempts, op->nrows,
		    op->res.reason, op->arg);
		break;
	case STORE_OP_LIST_HANDLERS:
		op->done.handlers(op->res.rc, op->handlers, op->nrows,
		    op->res.reason, op->arg);
		break;
	case STORE_OP_MEASURE:
		op->done.figures(op->res.rc, op->figures, op->res.reason,
		    op->arg);
		break;
	case STORE_OP_CLOCK_GET:
		op->done.clock(op->res.rc, &op->in.clock, op->res.reason,
		    op->arg);
		break;
	case STORE_OP_LIST_REJECTIONS:
	case STORE_OP_GET_REJECTION:
		op->done.rejections(op->res.rc, op->rejections, op->nrows,
		    op->res.reason, op->arg);
		break;
	case STORE_OP_APPEND:
		if (op->res.rc == STORE_OK) {
			op->in.append.ev->id = op->res.id;
			op->in.append.ev->repeat_of = op->res.repeat_of;
		}
		op->done.result(&op->res, op->arg);
		break;
	case STORE_OP_REJECT:
		if (op->done.result != NULL)
			op->done.result(&op->res, op->arg);
		break;
	case STORE_OP_FINISH:
	case STORE_OP_START:
	case STORE_OP_ACT:
	case STORE_OP_PAUSE:
	case STORE_OP_UNGUARD:
	case STORE_OP_RUNNABLE:
	case STORE_OP_REGISTER:
	case STORE_OP_CLOCK_NOTE:
	case STORE_OP_PURGE:
	case STORE_OP_BACKUP:
	case STORE_OP_CHECK:
		op->done.result(&op->res, op->arg);
		break;
	}
}
