/* The public calls about what was counted. */
#include "store/store_private.h"

int
store_add_counts(struct store *st, const struct store_count *counts, size_t n,
    int64_t now_ms, store_done_fn *done, void *arg)
{
	struct store_count *copy;
	struct store_op *op;
	int rc;

	if ((op = store_write_op(st, STORE_OP_COUNT, done, arg)) == NULL)
		return (-1);
	copy = arena_array(&op->in_mem, n, sizeof(*copy));
	rc = copy == NULL && n > 0 ? -1 : 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		copy[i] = counts[i];
		rc = arena_text(&op->in_mem, counts[i].name, &copy[i].name);
	}
	op->in.counts.list = copy;
	op->in.counts.n = n;
	op->in.counts.now_ms = now_ms;
	op->in.counts.sweep = store_count_sweep(&st->caller.sweeps, now_ms);
	return (store_submit(st, op, rc));
}

int
store_list_counts(struct store *st, enum store_count_step step, int64_t from_ms,
    int64_t to_ms, store_counts_fn *done, void *arg)
{
	int64_t most = STORE_COUNT_SLOTS_MAX * store_count_step_ms(step);
	struct store_op *op;

	if ((op = store_read_op(st, STORE_OP_LIST_COUNTS, arg)) == NULL)
		return (-1);
	op->done.counts = done;
	op->in.counted.step = step;
	op->in.counted.from_ms = from_ms;
	op->in.counted.to_ms = to_ms - from_ms > most ? from_ms + most : to_ms;
	return (store_submit(st, op, 0));
}
