/* Opening and closing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/store_private.h"

#ifndef STORE_BATCH_MAX /* 1: what the benchmark compares with */
#define STORE_BATCH_MAX 512
#endif
#define STORE_PAUSE_MS 10

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
	      pthread_cond_init(&st->writer.cond, &attr) != 0 ||
	      pthread_cond_init(&st->reader.cond, &attr) != 0 ||
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
	st->caller.note = opt->note;
	st->caller.note_arg = opt->note_arg;
	st->queue_max = opt->queue_max;
	st->writing.batch_max =
	    opt->batch_max != 0 ? opt->batch_max : STORE_BATCH_MAX;
	st->writing.pause_ms = setup != NULL && setup->pause_ms != 0
				   ? setup->pause_ms
				   : STORE_PAUSE_MS;
	st->caller.stand_in = setup != NULL ? setup->stand_in : NULL;
	store_queue_init(&st->urgent);
	store_queue_init(&st->background);
	store_queue_init(&st->reads);
	store_queue_init(&st->finished);
	store_queue_init(&st->caller.collected);
	st->writing.batch =
	    calloc(st->writing.batch_max, sizeof(struct store_op *));
	if (st->writing.batch == NULL || store_init_locks(st) == -1 ||
	    (st->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		free(st->writing.batch);
		free(st);
		return (NULL);
	}
	return (st);
}

/* Is the store open, but not fit for writing before it was reopened? */
static bool
store_starts_shut(struct store *st)
{
	enum store_rc rc = st->ops->is_shut(st->be, st->reason);

	st->health = rc == STORE_OK     ? STORE_READY
		     : rc == STORE_AWAY ? STORE_UNREACHABLE
					: STORE_RECOVERING;
	return (rc != STORE_OK);
}

static int
store_run(struct store *st)
{
	if (st->caller.stand_in != NULL)
		return (0);
	/* Before the threads are there. */
	if (store_starts_shut(st)) {
		st->caller.seen_health = st->health;
		st->held = true;
		memcpy(st->caller.seen_reason, st->reason,
		    sizeof(st->caller.seen_reason));
	}
	if (st->mode != STORE_READ) {
		if (pthread_create(&st->writer.id, NULL, store_writer_main, st))
			return (-1);
		st->writer.started = true;
	}
	if (pthread_create(&st->reader.id, NULL, store_reader_main, st))
		return (-1);
	st->reader.started = true;
	return (0);
}

enum store_rc
store_open_with(const struct store_options *opt,
    const struct store_setup *setup, struct store **ret_st,
    char reason[STORE_REASON_MAX])
{
	struct store_place place = {
		.url = opt->url,
		.mode = opt->mode,
		.now_ms = opt->now_ms,
		.receiver = opt->receiver != NULL ? opt->receiver : "",
		.version = opt->version != NULL ? opt->version : "",
		.lease_ms = opt->lease_ms != 0 ? opt->lease_ms : STORE_LEASE_MS,
	};
	const struct store_ops *ops;
	struct store *st;
	enum store_rc rc;

	if ((ops = store_backend(opt->url, &place.path, reason)) == NULL)
		return (STORE_FAILED);
	if (setup != NULL) {
		ops = setup->ops != NULL ? setup->ops : ops;
		place.arg = setup->arg;
		place.moving = setup->moving;
	}
	if ((st = store_new(opt, setup)) == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX, "the store: %s",
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
		    "the store: cannot start a thread");
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

/* Let the threads finish: the writer commits all, the reader gives up. */
static void
store_stop(struct store *st)
{
	(void)pthread_mutex_lock(&st->mutex);
	st->stop = true;
	(void)pthread_cond_signal(&st->writer.cond);
	(void)pthread_cond_signal(&st->reader.cond);
	(void)pthread_mutex_unlock(&st->mutex);
	if (st->reader.started) {
		st->ops->interrupt(st->be);
		(void)pthread_join(st->reader.id, NULL);
	}
	if (st->writer.started)
		(void)pthread_join(st->writer.id, NULL);
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	st->caller.closing = true;
	store_stop(st);
	store_collect(st);
	if (st->ops != NULL)
		st->ops->close(st->be);
	(void)close(st->fd);
	(void)pthread_cond_destroy(&st->done_cond);
	(void)pthread_cond_destroy(&st->reader.cond);
	(void)pthread_cond_destroy(&st->writer.cond);
	(void)pthread_mutex_destroy(&st->notes.mutex);
	(void)pthread_mutex_destroy(&st->mutex);
	free(st->writing.batch);
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
	return (st->caller.seen_health);
}

const char *
store_reason(const struct store *st)
{
	return (st->caller.seen_reason);
}

void
store_stats(struct store *st, struct store_stats *ret_stats)
{
	(void)pthread_mutex_lock(&st->mutex);
	*ret_stats = st->stats;
	(void)pthread_mutex_unlock(&st->mutex);
}

bool
store_is_behind(struct store *st, uint64_t *ret_answers)
{
	bool behind;

	(void)pthread_mutex_lock(&st->mutex);
	behind = st->committing || st->urgent.head != NULL ||
		 st->background.head != NULL;
	*ret_answers = st->answers;
	(void)pthread_mutex_unlock(&st->mutex);
	return (behind);
}
