/* Operations: the part common to all kinds. */
#include <stdlib.h>
#include <string.h>

#include "store/op.h"

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
	op->board = NULL;
	op->jobs = NULL;
	op->attempts = NULL;
	op->handlers = NULL;
	op->figures = NULL;
	op->rejections = NULL;
	op->groups = NULL;
	op->counts = NULL;
	op->arrival = (struct store_arrival){ 0 };
	op->nrows = 0;
	memset(&op->scan, 0, sizeof(op->scan));
}

void
store_op_free(struct store_op *op)
{
	if (op == NULL)
		return;
	store_op_reset(op);
	if (op->kind == STORE_OP_APPEND)
		store_event_unref(op->in.append.ev);
	if (op->kind == STORE_OP_START)
		store_event_unref(op->in.start.ev);
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

/* -- What differs by kind -- */

static void
deliver_result(struct store_op *op)
{
	if (op->done.result != NULL)
		op->done.result(&op->res, op->arg);
}

static void
deliver_append(struct store_op *op)
{
	if (op->res.rc == STORE_OK) {
		op->in.append.ev->id = op->res.id;
		op->in.append.ev->repeat_of = op->res.repeat_of;
	}
	deliver_result(op);
}

/* A list that asks for it is told how far it was looked through. */
static void
deliver_scan(const struct store_op *op, struct store_scan *to)
{
	if (to != NULL)
		*to = op->scan;
}

static void
deliver_events(struct store_op *op)
{
	if (op->kind == STORE_OP_LIST_EVENTS)
		deliver_scan(op, op->in.filter.scan);
	op->done.events(op->res.rc, op->events, op->nrows, op->res.reason,
	    op->arg);
}

static void
deliver_orders(struct store_op *op)
{
	if (op->kind == STORE_OP_LIST_ORDERS)
		deliver_scan(op, op->in.filter.scan);
	op->done.orders(op->res.rc, op->orders, op->nrows, op->res.reason,
	    op->arg);
}

static void
deliver_board(struct store_op *op)
{
	op->done.board(op->res.rc, op->board, op->res.reason, op->arg);
}

static void
deliver_jobs(struct store_op *op)
{
	deliver_scan(op, op->in.jobs.scan);
	op->done.jobs(op->res.rc, op->jobs, op->nrows, op->res.reason, op->arg);
}

static void
deliver_attempts(struct store_op *op)
{
	op->done.attempts(op->res.rc, op->attempts, op->nrows, op->res.reason,
	    op->arg);
}

static void
deliver_handlers(struct store_op *op)
{
	op->done.handlers(op->res.rc, op->handlers, op->nrows, op->res.reason,
	    op->arg);
}

static void
deliver_receivers(struct store_op *op)
{
	op->done.receivers(op->res.rc, op->receivers, op->nrows, op->res.reason,
	    op->arg);
}

static void
deliver_figures(struct store_op *op)
{
	op->done.figures(op->res.rc, op->figures, op->res.reason, op->arg);
}

static void
deliver_clock(struct store_op *op)
{
	op->done.clock(op->res.rc, &op->in.clock, op->res.reason, op->arg);
}

static void
deliver_rejections(struct store_op *op)
{
	op->done.rejections(op->res.rc, op->rejections, op->nrows,
	    op->res.reason, op->arg);
}

static void
deliver_groups(struct store_op *op)
{
	op->done.groups(op->res.rc, op->groups, op->nrows, op->res.reason,
	    op->arg);
}

static void
deliver_counts(struct store_op *op)
{
	op->done.counts(op->res.rc, op->counts, op->nrows, op->res.reason,
	    op->arg);
}

static void
deliver_arrival(struct store_op *op)
{
	op->done.arrival(op->res.rc, &op->arrival, op->res.reason, op->arg);
}

/* How a backend runs a kind stands in a table of its own. */
static const struct {
	enum store_op_queue queue;
	void (*deliver)(struct store_op *op);
} kinds[] = {
	[STORE_OP_APPEND] = { STORE_QUEUE_URGENT, deliver_append },
	[STORE_OP_FINISH] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_START] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_ACT] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_PAUSE] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_UNGUARD] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_RELEASE] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_RUNNABLE] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_REGISTER] = { STORE_QUEUE_URGENT, deliver_result },
	[STORE_OP_CLOCK_NOTE] = { STORE_QUEUE_BACKGROUND, deliver_result },
	[STORE_OP_COUNT] = { STORE_QUEUE_BACKGROUND, deliver_result },
	[STORE_OP_REJECT] = { STORE_QUEUE_BACKGROUND, deliver_result },
	[STORE_OP_PURGE] = { STORE_QUEUE_BACKGROUND, deliver_result },
	[STORE_OP_LIST_EVENTS] = { STORE_QUEUE_READS, deliver_events },
	[STORE_OP_GET_EVENT] = { STORE_QUEUE_READS, deliver_events },
	[STORE_OP_LAST_EVENT] = { STORE_QUEUE_READS, deliver_events },
	[STORE_OP_LIST_ORDERS] = { STORE_QUEUE_READS, deliver_orders },
	[STORE_OP_GET_ORDER] = { STORE_QUEUE_READS, deliver_orders },
	[STORE_OP_BOARD] = { STORE_QUEUE_READS, deliver_board },
	[STORE_OP_LIST_JOBS] = { STORE_QUEUE_READS, deliver_jobs },
	[STORE_OP_LIST_ATTEMPTS] = { STORE_QUEUE_READS, deliver_attempts },
	[STORE_OP_LIST_EVENT_ATTEMPTS] = { STORE_QUEUE_READS,
	    deliver_attempts },
	[STORE_OP_LIST_HANDLERS] = { STORE_QUEUE_READS, deliver_handlers },
	[STORE_OP_LIST_RECEIVERS] = { STORE_QUEUE_READS, deliver_receivers },
	[STORE_OP_MEASURE] = { STORE_QUEUE_READS, deliver_figures },
	[STORE_OP_CLOCK_GET] = { STORE_QUEUE_READS, deliver_clock },
	[STORE_OP_LIST_REJECTIONS] = { STORE_QUEUE_READS, deliver_rejections },
	[STORE_OP_GROUP_REJECTIONS] = { STORE_QUEUE_READS, deliver_groups },
	[STORE_OP_GET_REJECTION] = { STORE_QUEUE_READS, deliver_rejections },
	[STORE_OP_LIST_COUNTS] = { STORE_QUEUE_READS, deliver_counts },
	[STORE_OP_GET_ARRIVAL] = { STORE_QUEUE_READS, deliver_arrival },
	[STORE_OP_BACKUP] = { STORE_QUEUE_READS, deliver_result },
	[STORE_OP_CHECK] = { STORE_QUEUE_READS, deliver_result },
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == STORE_NOPS,
    "every kind of operation has a row");

enum store_op_queue
store_op_queue(const struct store_op *op)
{
	return (kinds[op->kind].queue);
}

void
store_op_deliver(struct store_op *op)
{
	kinds[op->kind].deliver(op);
}
