/* The public calls: copy what is given into an operation and queue it. */
#include <assert.h>
#include <string.h>

#include "store/op.h"

/* Beside its body an event costs about this much while it is queued. */
#define EVENT_WEIGHT 512

static int
copy_specs(struct store_op *op, const struct store_job_spec *specs, size_t n)
{
	struct store_job_spec *copy;

	if ((copy = arena_array(&op->in_mem, n, sizeof(*copy))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = specs[i];
		if (arena_text(&op->in_mem, specs[i].outcome,
			&copy[i].outcome) == -1)
			return (-1);
	}
	op->in.append.jobs = copy;
	op->in.append.njobs = n;
	return (0);
}

int
store_append(struct store *st, struct store_event *ev,
    const struct store_job_spec *jobs, size_t njobs, store_done_fn *done,
    void *arg)
{
	size_t weight = EVENT_WEIGHT + ev->body_len;
	struct store_op *op;

	for (size_t i = 0; i < njobs; i++)
		assert(jobs[i].guards < (int32_t)i &&
		       job_is_end(jobs[i].born) == (jobs[i].outcome != NULL));
	if (store_is_full(st, weight))
		return (-1);
	if ((op = store_write_op(st, STORE_OP_APPEND, done, arg)) == NULL)
		return (-1);
	op->in.append.ev = store_event_ref(ev);
	op->in.append.repeat_window_ms = store_repeat_window(st);
	op->weight = weight;
	return (store_submit(st, op, copy_specs(op, jobs, njobs)));
}

static int
copy_order(struct arena *a, const struct store_order *src,
    const struct store_order **ret_order)
{
	struct store_order *o;

	if ((o = arena_alloc(a, sizeof(*o))) == NULL)
		return (-1);
	*o = *src;
	*ret_order = o;
	return (arena_texts(a, (const char **const[]){ &o->order_id, &o->status,
				   &o->updated_at, &o->external_id, NULL }));
}

static int
copy_writes(struct arena *a, struct store_outcome *out)
{
	struct store_write *w;

	if ((w = arena_array(a, out->nwrites, sizeof(*w))) == NULL)
		return (-1);
	for (size_t i = 0; i < out->nwrites; i++) {
		w[i] = out->writes[i];
		if (copy_order(a, out->writes[i].order, &w[i].order) == -1 ||
		    arena_texts(a, (const char **const[]){ &w[i].scope,
				       &w[i].brand, &w[i].branch, NULL }) == -1)
			return (-1);
	}
	out->writes = w;
	return (0);
}

static int
copy_attempt(struct arena *a, struct store_outcome *out)
{
	struct store_attempt *at;

	if (out->attempt == NULL)
		return (0);
	if ((at = arena_alloc(a, sizeof(*at))) == NULL)
		return (-1);
	*at = *out->attempt;
	out->attempt = at;
	if (arena_text(a, at->detail, &at->detail) == -1)
		return (-1);
	if (at->answer == NULL)
		return (0);
	at->answer = arena_dup(a, at->answer, at->answer_len);
	return (at->answer == NULL ? -1 : 0);
}

int
store_finish(struct store *st, const struct store_outcome *out,
    store_done_fn *done, void *arg)
{
	struct store_outcome *copy;
	struct store_op *op;
	int rc;

	if ((op = store_write_op(st, STORE_OP_FINISH, done, arg)) == NULL)
		return (-1);
	copy = &op->in.finish;
	*copy = *out;
	rc = arena_text(&op->in_mem, out->outcome, &copy->outcome);
	if (rc == 0)
		rc = copy_attempt(&op->in_mem, copy);
	if (rc == 0)
		rc = copy_writes(&op->in_mem, copy);
	return (store_submit(st, op, rc));
}

int
store_runnable(struct store *st, int64_t handler, size_t limit,
    struct steady_time now, store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_RUNNABLE, done, arg)) == NULL)
		return (-1);
	op->in.runnable.handler = handler;
	op->in.runnable.limit = limit;
	op->in.runnable.now = now;
	return (store_submit(st, op, 0));
}

int
store_register(struct store *st, const char *name, int64_t now_ms,
    store_done_fn *done, void *arg)
{
	struct store_op *op;

	if ((op = store_write_op(st, STORE_OP_REGISTER, done, arg)) == NULL)
		return (-1);
	op->in.registered.now_ms = now_ms;
	return (store_submit(st, op,
	    arena_text(&op->in_mem, name, &op->in.registered.name)));
}

static int
copy_rejection(struct arena *a, const struct store_rejection *src,
    struct store_rejection *r)
{
	*r = *src;
	if (arena_texts(a,
		(const char **const[]){ &r->peer, &r->endpoint, &r->cause,
		    &r->code, &r->diagnosis, &r->headers, NULL }) == -1)
		return (-1);
	if (src->digest != NULL &&
	    (r->digest = arena_dup(a, src->digest, ORDER_DIGEST_LEN)) == NULL)
		return (-1);
	if (src->body == NULL)
		return (0);
	r->body = arena_dup(a, src->body, src->body_len);
	return (r->body == NULL ? -1 : 0);
}

int
store_reject(struct store *st, const struct store_rejection *rej, size_t n,
    store_done_fn *done, void *arg)
{
	struct store_rejection *copy;
	struct store_op *op;
	int rc;

	if ((op = store_write_op(st, STORE_OP_REJECT, done, arg)) == NULL)
		return (-1);
	copy = arena_array(&op->in_mem, n, sizeof(*copy));
	rc = copy == NULL ? -1 : 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = copy_rejection(&op->in_mem, &rej[i], &copy[i]);
	op->in.reject.rej = copy;
	op->in.reject.n = n;
	return (store_submit(st, op, rc));
}
