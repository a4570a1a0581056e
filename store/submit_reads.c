/* The public calls that read: copy the question, queue it for the reader. */
#include "store/store_ops.h"

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
	return (arena_text(a, src->type, &f->type) == -1 ||
			arena_text(a, src->order_id, &f->order_id) == -1 ||
			arena_text(a, src->scope, &f->scope) == -1 ||
			arena_text(a, src->brand, &f->brand) == -1 ||
			arena_text(a, src->branch, &f->branch) == -1 ||
			arena_text(a, src->status, &f->status) == -1 ||
			copy_ends(a, src, f) == -1 ||
			copy_numbers(a, src->numbers, &f->numbers,
			    &f->nnumbers) == -1
		    ? -1
		    : 0);
}

static int
copy_named(struct store_op *op, const char *id, const char *scope)
{
	return (
	    arena_text(&op->in_mem, id, &op->in.named.id) == -1 ||
		    arena_text(&op->in_mem, scope, &op->in.named.scope) == -1
		? -1
		: 0);
}

int
store_list_events(struct store *st, const struct store_filter *filter,
    store_events_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_EVENTS, arg)) == NULL)
		return (-1);
	op->done.events = done;
	if (copy_filter(op, filter) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
}

int
store_get_event(struct store *st, const char *event_id, const char *scope,
    store_events_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_GET_EVENT, arg)) == NULL)
		return (-1);
	op->done.events = done;
	if (copy_named(op, event_id, scope) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
}

int
store_list_orders(struct store *st, const struct store_filter *filter,
    store_orders_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_ORDERS, arg)) == NULL)
		return (-1);
	op->done.orders = done;
	if (copy_filter(op, filter) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
}

int
store_get_order(struct store *st, const char *order_id, const char *scope,
    store_orders_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_GET_ORDER, arg)) == NULL)
		return (-1);
	op->done.orders = done;
	if (copy_named(op, order_id, scope) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
}

int
store_check(struct store *st, store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_CHECK, arg)) == NULL)
		return (-1);
	op->done.result = done;
	store_submit(st, op);
	return (0);
}

int
store_list_jobs(struct store *st, const struct store_job_filter *filter,
    store_jobs_fn *done, void *arg)
{
	struct store_job_filter *f;
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_JOBS, arg)) == NULL)
		return (-1);
	op->done.jobs = done;
	f = &op->in.jobs;
	*f = *filter;
	if (f->limit == 0 || f->limit > STORE_PAGE_MAX)
		f->limit = STORE_PAGE_MAX;
	if (arena_text(&op->in_mem, filter->handler, &f->handler) == -1 ||
	    arena_text(&op->in_mem, filter->event_id, &f->event_id) == -1 ||
	    arena_text(&op->in_mem, filter->order_id, &f->order_id) == -1 ||
	    arena_text(&op->in_mem, filter->scope, &f->scope) == -1 ||
	    arena_text(&op->in_mem, filter->type, &f->type) == -1 ||
	    copy_numbers(&op->in_mem, filter->numbers, &f->numbers,
		&f->nnumbers) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
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
	store_submit(st, op);
	return (0);
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
	store_submit(st, op);
	return (0);
}

int
store_list_handlers(struct store *st, store_handlers_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_HANDLERS, arg)) == NULL)
		return (-1);
	op->done.handlers = done;
	store_submit(st, op);
	return (0);
}

int
store_get_clock(struct store *st, store_clock_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_CLOCK_GET, arg)) == NULL)
		return (-1);
	op->done.clock = done;
	store_submit(st, op);
	return (0);
}

int
store_measure(struct store *st, store_figures_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_MEASURE, arg)) == NULL)
		return (-1);
	op->done.figures = done;
	store_submit(st, op);
	return (0);
}

int
store_list_rejections(struct store *st,
    const struct store_rejection_filter *filter, store_rejections_fn *done,
    void *arg)
{
	struct store_rejection_filter *f;
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_REJECTIONS, arg)) == NULL)
		return (-1);
	op->done.rejections = done;
	f = &op->in.rejections;
	*f = *filter;
	if (f->limit == 0 || f->limit > STORE_PAGE_MAX)
		f->limit = STORE_PAGE_MAX;
	if (arena_text(&op->in_mem, filter->cause, &f->cause) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
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
	store_submit(st, op);
	return (0);
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
	if (arena_text(&op->in_mem, path, &op->in.backup.path) == -1) {
		store_op_free(op);
		return (-1);
	}
	store_submit(st, op);
	return (0);
}
