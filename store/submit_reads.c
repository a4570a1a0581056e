/* The public calls that read: copy the question, queue it for the reader. */
#include "store/op.h"

/* Copy at most STORE_PAGE_MAX numbers, of *n. Returns 0, or -1. */
static int
copy_numbers(struct arena *a, const int64_t *src, const int64_t **ret,
    size_t *n)
{
	if (*n > STORE_PAGE_MAX)
		*n = STORE_PAGE_MAX;
	if (*n == 0) {
		*ret = NULL;
		return (0);
	}
	*ret = arena_dup(a, src, *n * sizeof(*src));
	return (*ret == NULL ? -1 : 0);
}

static int
copy_ends(struct arena *a, const struct store_filter *src,
    struct store_filter *f)
{
	const char **ends;

	if (src->nends == 0)
		return (0);
	if ((ends = arena_array(a, src->nends, sizeof(*ends))) == NULL)
		return (-1);
	for (size_t i = 0; i < src->nends; i++) {
		if (arena_text(a, src->ends[i], &ends[i]) == -1)
			return (-1);
	}
	f->ends = ends;
	return (0);
}

static int
copy_filter(struct store_op *op, const struct store_filter *src)
{
	struct store_filter *f = &op->in.filter;
	struct arena *a = &op->in_mem;

	*f = *src;
	if (f->limit == 0 || f->limit > STORE_PAGE_MAX)
		f->limit = STORE_PAGE_MAX;
	if (arena_texts(a, (const char **const[]){ &f->type, &f->order_id,
			       &f->scope, &f->brand, &f->branch, &f->status,
			       &f->handler, &f->find, &f->carts, NULL }) ==
		-1 ||
	    copy_ends(a, src, f) == -1)
		return (-1);
	return (copy_numbers(a, src->numbers, &f->numbers, &f->nnumbers));
}

static int
copy_named(struct store_op *op, const char *id, const char *scope)
{
	op->in.named.id = id;
	op->in.named.scope = scope;
	return (
	    arena_texts(&op->in_mem, (const char **const[]){ &op->in.named.id,
					 &op->in.named.scope, NULL }));
}

int
store_list_events(struct store *st, const struct store_filter *filter,
    store_events_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_EVENTS, arg)) == NULL)
		return (-1);
	op->done.events = done;
	return (store_submit(st, op, copy_filter(op, filter)));
}

int
store_get_event(struct store *st, const char *event_id, const char *scope,
    store_events_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_GET_EVENT, arg)) == NULL)
		return (-1);
	op->done.events = done;
	return (store_submit(st, op, copy_named(op, event_id, scope)));
}

int
store_last_event(struct store *st, const char *prefix, store_events_fn *done,
    void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LAST_EVENT, arg)) == NULL)
		return (-1);
	op->done.events = done;
	return (store_submit(st, op, copy_named(op, prefix, NULL)));
}

int
store_list_orders(struct store *st, const struct store_filter *filter,
    store_orders_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_ORDERS, arg)) == NULL)
		return (-1);
	op->done.orders = done;
	return (store_submit(st, op, copy_filter(op, filter)));
}

int
store_get_order(struct store *st, const char *order_id, const char *scope,
    store_orders_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_GET_ORDER, arg)) == NULL)
		return (-1);
	op->done.orders = done;
	return (store_submit(st, op, copy_named(op, order_id, scope)));
}

int
store_read_board(struct store *st, const struct store_filter *filter,
    store_board_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_BOARD, arg)) == NULL)
		return (-1);
	op->done.board = done;
	return (store_submit(st, op, copy_filter(op, filter)));
}

int
store_check(struct store *st, store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_CHECK, arg)) == NULL)
		return (-1);
	op->done.result = done;
	return (store_submit(st, op, 0));
}

int
store_list_jobs(struct store *st, const struct store_job_filter *filter,
    store_jobs_fn *done, void *arg)
{
	struct store_job_filter *f;
	struct store_op *op;
	int rc;

	if ((op = store_read_op(st, STORE_OP_LIST_JOBS, arg)) == NULL)
		return (-1);
	op->done.jobs = done;
	f = &op->in.jobs;
	*f = *filter;
	if (f->limit == 0 || f->limit > STORE_PAGE_MAX)
		f->limit = STORE_PAGE_MAX;
	rc = arena_texts(&op->in_mem,
	    (const char **const[]){ &f->handler, &f->event_id, &f->order_id,
		&f->scope, &f->type, NULL });
	if (rc == 0)
		rc = copy_numbers(&op->in_mem, filter->numbers, &f->numbers,
		    &f->nnumbers);
	return (store_submit(st, op, rc));
}

int
store_list_attempts(struct store *st, int64_t job, store_attempts_fn *done,
    void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_ATTEMPTS, arg)) == NULL)
		return (-1);
	op->done.attempts = done;
	op->in.job = job;
	return (store_submit(st, op, 0));
}

int
store_get_arrival(struct store *st, int64_t event, store_arrival_fn *done,
    void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_GET_ARRIVAL, arg)) == NULL)
		return (-1);
	op->done.arrival = done;
	op->in.event = event;
	return (store_submit(st, op, 0));
}

int
store_list_event_attempts(struct store *st, int64_t event,
    store_attempts_fn *done, void *arg)
{
	struct store_op *op;

	op = store_read_op(st, STORE_OP_LIST_EVENT_ATTEMPTS, arg);
	if (op == NULL)
		return (-1);
	op->done.attempts = done;
	op->in.event = event;
	return (store_submit(st, op, 0));
}

int
store_list_handlers(struct store *st, store_handlers_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_HANDLERS, arg)) == NULL)
		return (-1);
	op->done.handlers = done;
	return (store_submit(st, op, 0));
}

int
store_list_receivers(struct store *st, store_receivers_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_RECEIVERS, arg)) == NULL)
		return (-1);
	op->done.receivers = done;
	return (store_submit(st, op, 0));
}

int
store_get_clock(struct store *st, store_clock_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_CLOCK_GET, arg)) == NULL)
		return (-1);
	op->done.clock = done;
	return (store_submit(st, op, 0));
}

int
store_measure(struct store *st, store_figures_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_MEASURE, arg)) == NULL)
		return (-1);
	op->done.figures = done;
	return (store_submit(st, op, 0));
}

/* Queue a read of rejections; takes op, which may be NULL. */
static int
submit_rejections(struct store *st, struct store_op *op,
    const struct store_rejection_filter *filter)
{
	struct store_rejection_filter *f;

	if (op == NULL)
		return (-1);
	f = &op->in.rejections;
	*f = *filter;
	if (f->limit == 0 || f->limit > STORE_PAGE_MAX)
		f->limit = STORE_PAGE_MAX;
	return (store_submit(st, op,
	    arena_texts(&op->in_mem,
		(const char **const[]){ &f->cause, &f->code, NULL })));
}

int
store_list_rejections(struct store *st,
    const struct store_rejection_filter *filter, store_rejections_fn *done,
    void *arg)
{
	struct store_op *op = store_read_op(st, STORE_OP_LIST_REJECTIONS, arg);

	if (op != NULL)
		op->done.rejections = done;
	return (submit_rejections(st, op, filter));
}

int
store_group_rejections(struct store *st,
    const struct store_rejection_filter *filter,
    store_rejection_groups_fn *done, void *arg)
{
	struct store_op *op = store_read_op(st, STORE_OP_GROUP_REJECTIONS, arg);

	if (op != NULL)
		op->done.groups = done;
	return (submit_rejections(st, op, filter));
}

int
store_get_rejection(struct store *st, int64_t id, store_rejections_fn *done,
    void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_GET_REJECTION, arg)) == NULL)
		return (-1);
	op->done.rejections = done;
	op->in.rejection = id;
	return (store_submit(st, op, 0));
}

int
store_backup(struct store *st, const char *path, store_progress_fn *progress,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_BACKUP, arg)) == NULL)
		return (-1);
	op->done.result = done;
	op->in.backup.st = st;
	op->in.backup.progress = progress;
	return (store_submit(st, op,
	    arena_text(&op->in_mem, path, &op->in.backup.path)));
}
