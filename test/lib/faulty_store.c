/* Every member of struct store_ops: look at the switches, then delegate. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/lib/faulty_store.h"

struct faulty_store {
	struct store_setup setup;
	struct store_sqlite_setup *sqlite;
	void *inner;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool blocked, held;
	bool reads_blocked, read_held;
	unsigned fail_after; /* commits that still pass before */
	unsigned fail_times;
	enum store_rc fail_rc;
	unsigned reopen_times;
	enum store_rc reopen_rc;
	unsigned commits, reopens, upkeeps;
	size_t largest;
};

/* One failure less of the count of them; says whether there was one. */
static bool
faulty_take(unsigned *times)
{
	if (*times == 0)
		return (false);
	if (*times != FAULTY_ALWAYS)
		(*times)--;
	return (true);
}

static enum store_rc
faulty_say(enum store_rc rc, char *reason)
{
	(void)snprintf(reason, STORE_REASON_MAX, "failing as told (%d)",
	    (int)rc);
	return (rc);
}

static enum store_rc
faulty_open(const struct store_place *place, void **ret_be, char *reason)
{
	struct faulty_store *f = place->arg;
	struct store_place inner = *place;
	enum store_rc rc;

	inner.arg = f->sqlite;
	rc = store_sqlite_ops.open(&inner, &f->inner, reason);
	if (rc == STORE_OK)
		*ret_be = f;
	return (rc);
}

static enum store_rc
faulty_commit(void *be, struct store_op *const *ops, size_t n, char *reason)
{
	struct faulty_store *f = be;
	enum store_rc rc = STORE_OK;

	(void)pthread_mutex_lock(&f->mutex);
	while (f->blocked) {
		f->held = true;
		(void)pthread_cond_broadcast(&f->cond);
		(void)pthread_cond_wait(&f->cond, &f->mutex);
	}
	f->held = false;
	f->commits++;
	if (n > f->largest)
		f->largest = n;
	if (f->fail_times > 0) {
		if (f->fail_after > 0)
			f->fail_after--;
		else if (faulty_take(&f->fail_times))
			rc = f->fail_rc;
	}
	(void)pthread_mutex_unlock(&f->mutex);
	if (rc != STORE_OK)
		return (faulty_say(rc, reason));
	return (store_sqlite_ops.commit(f->inner, ops, n, reason));
}

static enum store_rc
faulty_probe(void *be, char *reason)
{
	struct faulty_store *f = be;

	return (store_sqlite_ops.probe(f->inner, reason));
}

static enum store_rc
faulty_repair(void *be, bool *ret_made, char *reason)
{
	struct faulty_store *f = be;

	return (store_sqlite_ops.repair(f->inner, ret_made, reason));
}

static enum store_rc
faulty_reopen(void *be, char *reason)
{
	struct faulty_store *f = be;
	bool fail;
	enum store_rc rc;

	(void)pthread_mutex_lock(&f->mutex);
	f->reopens++;
	fail = faulty_take(&f->reopen_times);
	rc = f->reopen_rc;
	(void)pthread_mutex_unlock(&f->mutex);
	if (fail)
		return (faulty_say(rc, reason));
	return (store_sqlite_ops.reopen(f->inner, reason));
}

static enum store_rc
faulty_upkeep(void *be, enum store_upkeep at, bool *ret_long, char *reason)
{
	struct faulty_store *f = be;

	return (store_sqlite_ops.upkeep(f->inner, at, ret_long, reason));
}

static void
faulty_upkeep_long(void *be)
{
	struct faulty_store *f = be;

	(void)pthread_mutex_lock(&f->mutex);
	f->upkeeps++;
	(void)pthread_mutex_unlock(&f->mutex);
	store_sqlite_ops.upkeep_long(f->inner);
}

static void
faulty_read(void *be, struct store_op *op)
{
	struct faulty_store *f = be;

	(void)pthread_mutex_lock(&f->mutex);
	while (f->reads_blocked) {
		f->read_held = true;
		(void)pthread_cond_broadcast(&f->cond);
		(void)pthread_cond_wait(&f->cond, &f->mutex);
	}
	f->read_held = false;
	(void)pthread_mutex_unlock(&f->mutex);
	store_sqlite_ops.read(f->inner, op);
}

static void
faulty_interrupt(void *be)
{
	struct faulty_store *f = be;

	store_sqlite_ops.interrupt(f->inner);
}

static bool
faulty_was_unclean(const void *be)
{
	const struct faulty_store *f = be;

	return (store_sqlite_ops.was_unclean(f->inner));
}

static enum store_rc
faulty_is_shut(const void *be, char *reason)
{
	const struct faulty_store *f = be;

	return (store_sqlite_ops.is_shut(f->inner, reason));
}

static void
faulty_close(void *be)
{
	struct faulty_store *f = be;

	store_sqlite_ops.close(f->inner);
	f->inner = NULL;
}

static const struct store_ops faulty_ops = {
	.open = faulty_open,
	.commit = faulty_commit,
	.probe = faulty_probe,
	.reopen = faulty_reopen,
	.repair = faulty_repair,
	.upkeep = faulty_upkeep,
	.upkeep_long = faulty_upkeep_long,
	.read = faulty_read,
	.interrupt = faulty_interrupt,
	.was_unclean = faulty_was_unclean,
	.is_shut = faulty_is_shut,
	.close = faulty_close,
};

struct faulty_store *
faulty_store_new(struct store_sqlite_setup *sqlite)
{
	struct faulty_store *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		abort();
	f->sqlite = sqlite;
	f->setup.ops = &faulty_ops;
	f->setup.arg = f;
	f->setup.pause_ms = 1;
	(void)pthread_mutex_init(&f->mutex, NULL);
	(void)pthread_cond_init(&f->cond, NULL);
	return (f);
}

void
faulty_store_free(struct faulty_store *f)
{
	if (f == NULL)
		return;
	(void)pthread_cond_destroy(&f->cond);
	(void)pthread_mutex_destroy(&f->mutex);
	free(f);
}

const struct store_setup *
faulty_store_setup(struct faulty_store *f)
{
	return (&f->setup);
}

void
faulty_store_fail(struct faulty_store *f, unsigned nth, unsigned times,
    enum store_rc rc)
{
	(void)pthread_mutex_lock(&f->mutex);
	f->fail_after = nth - 1;
	f->fail_times = times;
	f->fail_rc = rc;
	(void)pthread_mutex_unlock(&f->mutex);
}

void
faulty_store_fail_reopen(struct faulty_store *f, unsigned times,
    enum store_rc rc)
{
	(void)pthread_mutex_lock(&f->mutex);
	f->reopen_times = times;
	f->reopen_rc = rc;
	(void)pthread_mutex_unlock(&f->mutex);
}

void
faulty_store_block(struct faulty_store *f)
{
	(void)pthread_mutex_lock(&f->mutex);
	f->blocked = true;
	(void)pthread_mutex_unlock(&f->mutex);
}

void
faulty_store_release(struct faulty_store *f)
{
	(void)pthread_mutex_lock(&f->mutex);
	f->blocked = false;
	(void)pthread_cond_broadcast(&f->cond);
	(void)pthread_mutex_unlock(&f->mutex);
}

void
faulty_store_wait_blocked(struct faulty_store *f)
{
	(void)pthread_mutex_lock(&f->mutex);
	while (!f->held)
		(void)pthread_cond_wait(&f->cond, &f->mutex);
	(void)pthread_mutex_unlock(&f->mutex);
}

void
faulty_store_block_reads(struct faulty_store *f)
{
	(void)pthread_mutex_lock(&f->mutex);
	f->reads_blocked = true;
	(void)pthread_mutex_unlock(&f->mutex);
}

void
faulty_store_release_reads(struct faulty_store *f)
{
	(void)pthread_mutex_lock(&f->mutex);
	f->reads_blocked = false;
	(void)pthread_cond_broadcast(&f->cond);
	(void)pthread_mutex_unlock(&f->mutex);
}

void
faulty_store_wait_read_blocked(struct faulty_store *f)
{
	(void)pthread_mutex_lock(&f->mutex);
	while (!f->read_held)
		(void)pthread_cond_wait(&f->cond, &f->mutex);
	(void)pthread_mutex_unlock(&f->mutex);
}

unsigned
faulty_store_commits(struct faulty_store *f)
{
	unsigned n;

	(void)pthread_mutex_lock(&f->mutex);
	n = f->commits;
	(void)pthread_mutex_unlock(&f->mutex);
	return (n);
}

unsigned
faulty_store_reopens(struct faulty_store *f)
{
	unsigned n;

	(void)pthread_mutex_lock(&f->mutex);
	n = f->reopens;
	(void)pthread_mutex_unlock(&f->mutex);
	return (n);
}

unsigned
faulty_store_upkeeps(struct faulty_store *f)
{
	unsigned n;

	(void)pthread_mutex_lock(&f->mutex);
	n = f->upkeeps;
	(void)pthread_mutex_unlock(&f->mutex);
	return (n);
}

size_t
faulty_store_largest(struct faulty_store *f)
{
	size_t n;

	(void)pthread_mutex_lock(&f->mutex);
	n = f->largest;
	(void)pthread_mutex_unlock(&f->mutex);
	return (n);
}
