/*
 * Opening, closing, and the way back: finished operations gather on one list,
 * and the eventfd is written when that list stops being empty, so the caller
 * wakes once per batch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/store_ops.h"

#ifndef STORE_BATCH_MAX /* 1: what the benchmark compares with */
#define STORE_BATCH_MAX 512
#endif
#define STORE_PAUSE_MS 10

/* Every backend that is built in. */
static const struct store_ops *const backends[] = {
	&store_sqlite_ops,
};
#define NBACKENDS (sizeof(backends) / sizeof(backends[0]))

void
store_process_init(void)
{
	for (size_t i = 0; i < NBACKENDS; i++)
		if (backends[i]->process_init != NULL)
			backends[i]->process_init();
}

/* The backend of that URL, and what follows its scheme. */
static const struct store_ops *
store_backend(const char *url, const char **ret_path)
{
	for (size_t i = 0; i < NBACKENDS; i++) {
		size_t len = strlen(backends[i]->scheme);

		if (strncmp(url, backends[i]->scheme, len) == 0 &&
		    url[len] == ':' && url[len + 1] != '\0') {
			*ret_path = url + len + 1;
			return (backends[i]);
		}
	}
	return (NULL);
}

/*
 * Conditions wait on the monotonic clock: the pauses of a failing writer must
 * not depend on somebody setting the time.
 */
static int
store_init_locks(struct store *st)
{
	pthread_condattr_t attr;
	int bad;

	if (pthread_condattr_init(&attr) != 0)
		return (-1);
	bad = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	      pthread_mutex_init(&st->mutex, NULL) != 0 ||
	      pthread_mutex_init(&st->notes.mutex, NULL) != 0 ||
	      pthread_cond_init(&st->writer_cond, &attr) != 0 ||
	      pthread_cond_init(&st->reader_cond, &attr) != 0 ||
	      pthread_cond_init(&st->done_cond, &attr) != 0;
	(void)pthread_condattr_destroy(&attr);
	return (bad ? -1 : 0);
}

static struct store *
store_new(const struct store_options *opt, const struct store_setup *setup)
{
	struct store *st;

	if ((st = calloc(1, sizeof(*st))) == NULL)
		return (NULL);
	st->fd = -1;
	st->mode = opt->mode;
	st->note = opt->note;
	st->note_arg = opt->note_arg;
	st->queue_max = opt->queue_max;
	st->batch_max = opt->batch_max != 0 ? opt->batch_max : STORE_BATCH_MAX;
	st->pause_ms = setup != NULL && setup->pause_ms != 0 ? setup->pause_ms
							     : STORE_PAUSE_MS;
	st->stand_in = setup != NULL ? setup->stand_in : NULL;
	store_queue_init(&st->urgent);
	store_queue_init(&st->background);
	store_queue_init(&st->reads);
	store_queue_init(&st->finished);
	store_queue_init(&st->collected);
	st->batch = calloc(st->batch_max, sizeof(struct store_op *));
	if (st->batch == NULL || store_init_locks(st) == -1 ||
	    (st->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		free(st->batch);
		free(st);
		return (NULL);
	}
	return (st);
}

static int
store_run(struct store *st)
{
	if (st->stand_in != NULL)
		return (0);
	/* Before the threads are there. */
	if (st->ops->is_shut(st->be)) {
		st->health = st->seen_health = STORE_RECOVERING;
		st->held = true;
		(void)snprintf(st->reason, sizeof(st->reason),
		    "it was not closed properly; its log is being copied");
		memcpy(st->seen_reason, st->reason, sizeof(st->seen_reason));
	}
	if (st->mode != STORE_READ) {
		if (pthread_create(&st->writer, NULL, store_writer_main, st))
			return (-1);
		st->has_writer = true;
	}
	if (pthread_create(&st->reader, NULL, store_reader_main, st))
		return (-1);
	st->has_reader = true;
	return (0);
}

enum store_rc
store_open_with(const struct store_options *opt,
    const struct store_setup *setup, struct store **ret_st,
    char reason[STORE_REASON_MAX])
{
	struct store_place place = { .mode = opt->mode, .now_ms = opt->now_ms };
	const struct store_ops *ops;
	struct store *st;
	enum store_rc rc;

	ops = store_backend(opt->url, &place.path);
	if (ops == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: no store; write sqlite:PATH", opt->url);
		return (STORE_FAILED);
	}
	if (setup != NULL) {
		ops = setup->ops != NULL ? setup->ops : ops;
		place.arg = setup->arg;
	}
	if ((st = store_new(opt, setup)) == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX, "%s: %s", place.path,
		    strerror(errno));
		return (STORE_FAILED);
	}
	place.st = st;
	rc = ops->open(&place, &st->be, reason);
	store_deliver_notes(st);
	if (rc == STORE_OK) {
		st->ops = ops;
		if (store_run(st) == 0) {
			*ret_st = st;
			return (STORE_OK);
		}
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: cannot start a thread", place.path);
		rc = STORE_FAILED;
	}
	store_close(st);
	return (rc);
}

enum store_rc
store_open(const struct store_options *opt, struct store **ret_st,
    char reason[STORE_REASON_MAX])
{
	return (store_open_with(opt, NULL, ret_st, reason));
}

int
store_locate(const char *url, char ret_path[PATH_MAX])
{
	const struct store_ops *ops;
	const char *path;

	ops = store_backend(url, &path);
	return (ops == NULL || ops->locate == NULL
		    ? -1
		    : ops->locate(path, ret_path));
}

enum store_rc
store_would_open(const char *url, enum store_found *ret_found,
    char reason[STORE_REASON_MAX])
{
	const struct store_ops *ops;
	const char *path;

	ops = store_backend(url, &path);
	if (ops != NULL && ops->would_open != NULL)
		return (ops->would_open(path, ret_found, reason));
	*ret_found = STORE_FOUND;
	return (STORE_OK);
}

void
store_set_aside(const char *url, store_set_aside_fn *each, void *arg)
{
	const struct store_ops *ops;
	const char *path;

	ops = store_backend(url, &path);
	if (ops != NULL && ops->set_aside != NULL)
		ops->set_aside(path, each, arg);
}

enum store_rc
store_restore(const struct store_restore *what, struct store_restored *ret,
    char reason[STORE_REASON_MAX])
{
	struct store_restore inner = *what;
	const struct store_ops *ops;

	ops = store_backend(what->url, &inner.url);
	if (ops != NULL && ops->restore != NULL)
		return (ops->restore(&inner, ret, reason));
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: cannot be restored by klikitd", what->url);
	return (STORE_FAILED);
}

/* Let the threads finish: the writer commits all, the reader gives up. */
static void
store_stop(struct store *st)
{
	(void)pthread_mutex_lock(&st->mutex);
	st->stop = true;
	(void)pthread_cond_signal(&st->writer_cond);
	(void)pthread_cond_signal(&st->reader_cond);
	(void)pthread_mutex_unlock(&st->mutex);
	if (st->has_reader) {
		st->ops->interrupt(st->be);
		(void)pthread_join(st->reader, NULL);
	}
	if (st->has_writer)
		(void)pthread_join(st->writer, NULL);
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	st->closing = true;
	store_stop(st);
	store_collect(st);
	if (st->ops != NULL)
		st->ops->close(st->be);
	(void)close(st->fd);
	(void)pthread_cond_destroy(&st->done_cond);
	(void)pthread_cond_destroy(&st->reader_cond);
	(void)pthread_cond_destroy(&st->writer_cond);
	(void)pthread_mutex_destroy(&st->notes.mutex);
	(void)pthread_mutex_destroy(&st->mutex);
	free(st->batch);
	free(st);
}

int
store_fd(const struct store *st)
{
	return (st->fd);
}

bool
store_was_unclean(const struct store *st)
{
	return (st->ops->was_unclean(st->be));
}

enum store_health
store_health(const struct store *st)
{
	return (st->seen_health);
}

const char *
store_reason(const struct store *st)
{
	return (st->seen_reason);
}

void
store_stats(struct store *st, struct store_stats *ret_stats)
{
	(void)pthread_mutex_lock(&st->mutex);
	*ret_stats = st->stats;
	(void)pthread_mutex_unlock(&st->mutex);
}

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
	st->gather = fn;
	st->gather_arg = arg;
}

void
store_flush(struct store *st)
{
	if (!st->unflushed)
		return;
	st->unflushed = false;
	/*
	 * Without the mutex, for which the writer would have to wait at once.
	 * It was held when the work was queued: no wake-up is lost.
	 */
	(void)pthread_cond_signal(&st->writer_cond);
}

/* With the mutex held: something urgent is queued. */
static void
store_call_writer(struct store *st)
{
	if (st->gather == NULL) {
		(void)pthread_cond_signal(&st->writer_cond);
	} else if (!st->unflushed) {
		st->unflushed = true;
		st->gather(st->gather_arg);
	}
}

void
store_submit(struct store *st, struct store_op *op)
{
	if (st->stand_in != NULL) {
		st->stand_in->take(op, st->stand_in->arg);
		return;
	}
	op->seq = st->next_seq++;
	op->pend_prev = st->pend_tail;
	if (st->pend_tail != NULL)
		st->pend_tail->pend_next = op;
	else
		st->pend_head = op;
	st->pend_tail = op;

	(void)pthread_mutex_lock(&st->mutex);
	switch (op->kind) {
	case STORE_OP_APPEND:
	case STORE_OP_FINISH:
	case STORE_OP_START:
	case STORE_OP_ACT:
	case STORE_OP_PAUSE:
	case STORE_OP_UNGUARD:
	case STORE_OP_RUNNABLE:
	case STORE_OP_REGISTER:
		st->queued_bytes += op->weight;
		/* A repair may take long, and a sender comes again. */
		if (st->held && st->damage && op->kind == STORE_OP_APPEND) {
			store_op_fail(op, STORE_FAILED, st->reason);
			store_finished(st, op);
			break;
		}
		store_queue_put(&st->urgent, op);
		store_call_writer(st);
		break;
	case STORE_OP_CLOCK_NOTE:
	case STORE_OP_REJECT:
	case STORE_OP_PURGE:
		store_queue_put(&st->background, op);
		(void)pthread_cond_signal(&st->writer_cond);
		break;
	case STORE_OP_LIST_EVENTS:
	case STORE_OP_GET_EVENT:
	case STORE_OP_LIST_ORDERS:
	case STORE_OP_GET_ORDER:
	case STORE_OP_LIST_JOBS:
	case STORE_OP_LIST_ATTEMPTS:
	case STORE_OP_LIST_EVENT_ATTEMPTS:
	case STORE_OP_LIST_HANDLERS:
	case STORE_OP_MEASURE:
	case STORE_OP_CLOCK_GET:
	case STORE_OP_LIST_REJECTIONS:
	case STORE_OP_GET_REJECTION:
	case STORE_OP_BACKUP:
	case STORE_OP_CHECK:
		store_queue_put(&st->reads, op);
		(void)pthread_cond_signal(&st->reader_cond);
		break;
	}
	(void)pthread_mutex_unlock(&st->mutex);
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
		st->pend_head = op->pend_next;
	if (op->pend_next != NULL)
		op->pend_next->pend_prev = op->pend_prev;
	else
		st->pend_tail = op->pend_prev;
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
		store_queue_put(&st->collected, op);
	st->seen_health = st->health;
	memcpy(st->seen_reason, st->reason, sizeof(st->seen_reason));
	progress = st->progress;
	st->progress.op = NULL;
	(void)pthread_mutex_unlock(&st->mutex);

	store_deliver_notes(st);
	/* First: the operation it is about may be among the finished ones. */
	if (progress.op != NULL && progress.op->in.backup.progress != NULL)
		progress.op->in.backup.progress(progress.copied, progress.total,
		    progress.op->arg);
	while ((op = store_queue_get(&st->collected)) != NULL) {
		store_unpend(st, op);
		store_op_deliver(op);
		store_op_free(op);
	}
}

void
store_wait(struct store *st)
{
	uint64_t mark = st->next_seq;

	for (;;) {
		store_flush(st);
		store_collect(st);
		if (st->pend_head == NULL || st->pend_head->seq >= mark)
			return;
		(void)pthread_mutex_lock(&st->mutex);
		while (st->finished.head == NULL)
			(void)pthread_cond_wait(&st->done_cond, &st->mutex);
		(void)pthread_mutex_unlock(&st->mutex);
	}
}
