/*
 * The queues between the threads, singly linked, first in, first out, and the
 * caller's way through them: finished operations gather on one list, and the
 * eventfd is written when that list stops being empty, so the caller wakes
 * once per batch.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/store_private.h"

void
store_queue_init(struct store_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
	q->n = 0;
}

void
store_queue_put(struct store_queue *q, struct store_op *op)
{
	op->next = NULL;
	*q->tail = op;
	q->tail = &op->next;
	q->n++;
}

struct store_op *
store_queue_get(struct store_queue *q)
{
	struct store_op *op;

	if ((op = q->head) == NULL)
		return (NULL);
	if ((q->head = op->next) == NULL)
		q->tail = &q->head;
	op->next = NULL;
	q->n--;
	return (op);
}

void
store_queue_unget(struct store_queue *q, struct store_op *op)
{
	if ((op->next = q->head) == NULL)
		q->tail = &op->next;
	q->head = op;
	q->n++;
}

/* -- From the caller to the threads, and back -- */

size_t
store_queued(const struct store *st)
{
	struct store *s = (struct store *)st; /* the lock is no change */
	size_t queued;

	(void)pthread_mutex_lock(&s->mutex);
	queued = s->queued_bytes;
	(void)pthread_mutex_unlock(&s->mutex);
	return (queued);
}

void
store_gather(struct store *st, void (*fn)(void *arg), void *arg)
{
	store_flush(st);
	st->caller.gather = fn;
	st->caller.gather_arg = arg;
}

void
store_flush(struct store *st)
{
	if (!st->caller.unflushed)
		return;
	st->caller.unflushed = false;
	/*
	 * Without the mutex, for which the writer would have to wait at once.
	 * It was held when the work was queued: no wake-up is lost.
	 */
	(void)pthread_cond_signal(&st->writer.cond);
}

bool
store_is_full(struct store *st, size_t weight)
{
	bool full;

	(void)pthread_mutex_lock(&st->mutex);
	/* One event always fits: else a huge one could never be stored. */
	full = st->queued_bytes != 0 &&
	       (weight > st->queue_max ||
		   st->queued_bytes > st->queue_max - weight);
	(void)pthread_mutex_unlock(&st->mutex);
	return (full);
}

struct store_op *
store_write_op(struct store *st, enum store_op_kind kind, store_done_fn *done,
    void *arg)
{
	struct store_op *op;

	if (st->caller.closing || st->mode == STORE_READ ||
	    (st->caller.stand_in != NULL &&
		!st->caller.stand_in->accepts(st->caller.stand_in->arg)) ||
	    (op = store_op_new(kind)) == NULL)
		return (NULL);
	op->done.result = done;
	op->arg = arg;
	return (op);
}

struct store_op *
store_read_op(struct store *st, enum store_op_kind kind, void *arg)
{
	struct store_op *op;

	if (st->caller.closing || (op = store_op_new(kind)) == NULL)
		return (NULL);
	op->arg = arg;
	return (op);
}

void
store_set_repeat_window(struct store *st, int64_t window_ms)
{
	st->caller.repeat_window_ms = window_ms;
}

int64_t
store_repeat_window(const struct store *st)
{
	return (st->caller.repeat_window_ms);
}

/* With the mutex held: something urgent is queued. */
static void
store_call_writer(struct store *st)
{
	if (st->caller.gather == NULL) {
		(void)pthread_cond_signal(&st->writer.cond);
	} else if (!st->caller.unflushed) {
		st->caller.unflushed = true;
		st->caller.gather(st->caller.gather_arg);
	}
}

/* With the mutex held: hand op to its thread. */
static void
store_put(struct store *st, struct store_op *op)
{
	switch (store_op_queue(op)) {
	case STORE_QUEUE_URGENT:
		store_queue_put(&st->urgent, op);
		store_call_writer(st);
		break;
	case STORE_QUEUE_BACKGROUND:
		store_queue_put(&st->background, op);
		(void)pthread_cond_signal(&st->writer.cond);
		break;
	case STORE_QUEUE_READS:
		store_queue_put(&st->reads, op);
		(void)pthread_cond_signal(&st->reader.cond);
		break;
	}
}

int
store_submit(struct store *st, struct store_op *op, int copied)
{
	if (copied == -1) {
		store_op_free(op);
		return (-1);
	}
	if (st->caller.stand_in != NULL) {
		st->caller.stand_in->take(op, st->caller.stand_in->arg);
		return (0);
	}
	op->seq = st->caller.next_seq++;
	op->pend_prev = st->caller.pend_tail;
	if (st->caller.pend_tail != NULL)
		st->caller.pend_tail->pend_next = op;
	else
		st->caller.pend_head = op;
	st->caller.pend_tail = op;

	(void)pthread_mutex_lock(&st->mutex);
	st->queued_bytes += op->weight;
	if (st->held && op->kind == STORE_OP_APPEND &&
	    (st->damage || st->health == STORE_UNREACHABLE)) {
		/* A repair, or a server, may take long: the sender comes
		   again. */
		store_op_fail(op, st->damage ? STORE_FAILED : STORE_AWAY,
		    st->reason);
		store_finished(st, op);
	} else {
		store_put(st, op);
	}
	(void)pthread_mutex_unlock(&st->mutex);
	return (0);
}

void
store_wake(struct store *st)
{
	uint64_t one = 1;

	/* It can only fail when the counter is full: readable all the same. */
	if (write(st->fd, &one, sizeof(one)) == -1)
		return;
}

void
store_finished(struct store *st, struct store_op *op)
{
	if (st->finished.head == NULL) {
		store_wake(st);
		(void)pthread_cond_signal(&st->done_cond);
	}
	st->queued_bytes -= op->weight;
	store_queue_put(&st->finished, op);
}

void
store_report_progress(struct store_op *op, int64_t copied, int64_t total)
{
	struct store *st = op->in.backup.st;

	(void)pthread_mutex_lock(&st->mutex);
	st->progress.op = op;
	st->progress.copied = copied;
	st->progress.total = total;
	store_wake(st);
	(void)pthread_mutex_unlock(&st->mutex);
}

/* Take op off the list of operations that the caller waits for. */
static void
store_unpend(struct store *st, struct store_op *op)
{
	if (op->pend_prev != NULL)
		op->pend_prev->pend_next = op->pend_next;
	else
		st->caller.pend_head = op->pend_next;
	if (op->pend_next != NULL)
		op->pend_next->pend_prev = op->pend_prev;
	else
		st->caller.pend_tail = op->pend_prev;
}

void
store_collect(struct store *st)
{
	struct store_backup_progress progress;
	struct store_op *op;
	uint64_t count;

	/* Before the list is taken, so that no wake-up is lost. */
	while (read(st->fd, &count, sizeof(count)) == -1 && errno == EINTR)
		;
	(void)pthread_mutex_lock(&st->mutex);
	while ((op = store_queue_get(&st->finished)) != NULL)
		store_queue_put(&st->caller.collected, op);
	st->caller.seen_health = st->health;
	memcpy(st->caller.seen_reason, st->reason,
	    sizeof(st->caller.seen_reason));
	progress = st->progress;
	st->progress.op = NULL;
	store_news_merge(&st->caller.listener.news, &st->sharing.news);
	store_news_reset(&st->sharing.news);
	(void)pthread_mutex_unlock(&st->mutex);

	store_deliver_notes(st);
	/* First: the operation it is about may be among the finished ones. */
	if (progress.op != NULL && progress.op->in.backup.progress != NULL)
		progress.op->in.backup.progress(progress.copied, progress.total,
		    progress.op->arg);
	while ((op = store_queue_get(&st->caller.collected)) != NULL) {
		store_unpend(st, op);
		store_op_deliver(op);
		store_op_free(op);
	}
	/* Last: what was done here is known, and news may say more of it. */
	if (store_news_any(&st->caller.listener.news)) {
		if (st->caller.listener.fn != NULL && !st->caller.closing)
			st->caller.listener.fn(&st->caller.listener.news,
			    st->caller.listener.arg);
		store_news_reset(&st->caller.listener.news);
	}
}

void
store_wait(struct store *st)
{
	uint64_t mark = st->caller.next_seq;

	for (;;) {
		store_flush(st);
		store_collect(st);
		if (st->caller.pend_head == NULL ||
		    st->caller.pend_head->seq >= mark)
			return;
		(void)pthread_mutex_lock(&st->mutex);
		while (st->finished.head == NULL)
			(void)pthread_cond_wait(&st->done_cond, &st->mutex);
		(void)pthread_mutex_unlock(&st->mutex);
	}
}
