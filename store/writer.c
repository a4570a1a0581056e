/*
 * The writer thread: group commit without a timer. While one batch is being
 * made durable the next one gathers, so a lone event pays one fsync and a
 * crowd shares it.
 *
 *   READY <--> NOSPACE     a commit found no space, or left too little of it
 *                          for more events; any that passes, with more than
 *                          that left, ends it
 *    ^ |         |
 *    | v         v
 *   RECOVERING <-'         a write or a sync failed, or nobody closed the
 *                          store: reopen and probe until that works
 *   UNREACHABLE            the same, of a database on a server that cannot be
 *                          reached
 *
 * Was damage met, by a commit or by a read, a repair follows the reopening. If
 * that cannot help, the health is DAMAGED, and stays it.
 *
 * FILE_LOST, from any of them, lasts until the files are back under their
 * names: to close would lose what is in those that are open.
 *
 * Whatever the health, nothing queued is left without an answer.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/store_private.h"

#define LOOK_MS 250      /* between two looks at the files, at the least */
#define IDLE_LOOKS 2     /* so many times that when there is nothing to do */
#define BATCH_ROWS 4096  /* that a commit writes, but for a larger body */
#define PAUSE_GROWTH 100 /* the longest pause, in first ones */
#define IDLE_MS (LOOK_MS * IDLE_LOOKS)
#define REPAIRS_MAX 3   /* then it is the disk that damages it */
#define INTERRUPT_MS 20 /* between the calls to a reader to end */

/* With the mutex held. */
static void
writer_set_health(struct store *st, enum store_health health,
    const char *reason)
{
	bool changed = st->health != health || strcmp(st->reason, reason) != 0;

	st->health = health;
	if (reason != st->reason)
		(void)snprintf(st->reason, sizeof(st->reason), "%s", reason);
	if (changed)
		store_wake(st);
}

static int64_t
writer_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* With the mutex held: wait for work or stop, but at most so long. */
static void
writer_pause(struct store *st, unsigned ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&st->writer.cond, &st->mutex, &until);
}

/* With the mutex held: answer all that is queued with a failure. */
static void
writer_fail_queued(struct store *st)
{
	enum store_rc rc =
	    st->health == STORE_UNREACHABLE ? STORE_AWAY : STORE_FAILED;
	struct store_op *op;

	while ((op = store_queue_get(&st->urgent)) != NULL ||
	       (op = store_queue_get(&st->background)) != NULL) {
		store_op_fail(op, rc, st->reason);
		store_finished(st, op);
		st->answers++;
	}
}

/* With the mutex held: sleep for ms, answering what comes meanwhile. */
static void
writer_fail_for(struct store *st, unsigned ms)
{
	int64_t now, until = 0;

	for (;;) {
		now = writer_now_ms();
		if (until == 0)
			until = now + ms;
		writer_fail_queued(st);
		if (st->stop || now >= until)
			return;
		writer_pause(st, (unsigned)(until - now));
	}
}

/* With the mutex held: let the reader end what it has begun. */
static void
writer_hold_reader(struct store *st)
{
	st->held = true;
	while (st->reading || st->upkeep == STORE_UPKEEP_RUNNING) {
		writer_fail_queued(st);
		if (st->reading) {
			(void)pthread_mutex_unlock(&st->mutex);
			st->ops->interrupt(st->be);
			(void)pthread_mutex_lock(&st->mutex);
		}
		/* Again and again: what has not quite begun is not reached. */
		if (st->reading || st->upkeep == STORE_UPKEEP_RUNNING)
			writer_pause(st, INTERRUPT_MS);
	}
	st->upkeep = STORE_UPKEEP_NONE;
	(void)pthread_cond_signal(&st->reader.cond);
}

/*
 * Without the mutex, after a reopening: see to the damage that was met, and
 * open what became of it.
 */
static enum store_rc
writer_repair(struct store *st, bool *ret_made, char *reason)
{
	enum store_rc rc;

	if (st->writing.tries == REPAIRS_MAX) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "damaged again after %u repairs; stop klikitd, look at the "
		    "disk and the memory, then start it, or run klikitd "
		    "restore BACKUP and ask klikit to replay",
		    st->writing.tries);
		return (STORE_NOTADB);
	}
	if ((rc = st->ops->repair(st->be, ret_made, reason)) != STORE_OK)
		return (rc);
	st->writing.tries++;
	return (st->ops->reopen(st->be, reason));
}

/* With the mutex held: one try to make the store fit for writing. */
static enum store_rc
writer_reopen(struct store *st, char *reason)
{
	enum store_rc rc;
	bool damage, made = false;

	writer_hold_reader(st);
	damage = st->damage;
	(void)pthread_mutex_unlock(&st->mutex);
	rc = st->ops->reopen(st->be, reason);
	if (damage && (rc == STORE_OK || rc == STORE_NOTADB))
		rc = writer_repair(st, &made, reason);
	if (rc == STORE_OK)
		rc = st->ops->probe(st->be, reason);
	(void)pthread_mutex_lock(&st->mutex);
	st->stats.repairs += made;
	st->held = false;
	(void)pthread_cond_signal(&st->reader.cond);
	return (rc);
}

/*
 * Without the mutex: are the files still those that are open? It is asked
 * before a commit, and again if that took long: seldom enough to cost nothing,
 * often enough that no ack is of a file that was gone for longer than LOOK_MS.
 */
static enum store_rc
writer_look(struct store *st, char *reason)
{
	int64_t now = writer_now_ms();

	if (st->ops->look == NULL || now - st->writing.looked_ms < LOOK_MS)
		return (STORE_OK);
	st->writing.looked_ms = now;
	return (st->ops->look(st->be, reason));
}

/* With the mutex held: until the files are back, take nothing. */
static enum store_rc
writer_await_files(struct store *st, char *reason)
{
	enum store_rc rc = STORE_MOVED;

	while (!st->stop && rc == STORE_MOVED) {
		writer_set_health(st, STORE_FILE_LOST, reason);
		writer_fail_for(st, LOOK_MS);
		(void)pthread_mutex_unlock(&st->mutex);
		rc = st->ops->look(st->be, reason);
		(void)pthread_mutex_lock(&st->mutex);
	}
	return (rc);
}

/* What is wrong with a store for which reopen came to rc. */
static enum store_health
writer_health_of(enum store_rc rc)
{
	return (rc == STORE_FULL   ? STORE_NOSPACE
		: rc == STORE_AWAY ? STORE_UNREACHABLE
				   : STORE_RECOVERING);
}

/*
 * Half of ms to ms: receivers that lost their server at one moment do not all
 * come back at one moment.
 */
static unsigned
writer_jitter(unsigned ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (ms - (unsigned)(t.tv_nsec / 1000) % (ms / 2 + 1));
}

/*
 * With the mutex held: reopen until that works. It is never given up, but for
 * damage: a disk may come back, and until then somebody has to answer 503.
 */
static void
writer_recover(struct store *st)
{
	char reason[STORE_REASON_MAX];
	unsigned pause_ms = st->writing.pause_ms;
	enum store_rc rc;

	while (!st->stop) {
		/* A disk is looked at in no time; a server may be silent. */
		if (st->health == STORE_UNREACHABLE)
			writer_fail_queued(st);
		if ((rc = writer_reopen(st, reason)) == STORE_OK) {
			st->damage = false;
			writer_set_health(st, STORE_READY, "");
			return;
		}
		if (rc == STORE_NOTADB && st->damage) { /* repaired in vain */
			st->damage = false;
			writer_set_health(st, STORE_DAMAGED, reason);
			writer_fail_queued(st);
			return;
		}
		if (rc == STORE_NOTADB && st->ops->repair != NULL) {
			st->damage = true;
			continue;
		}
		if (rc == STORE_MOVED) {
			(void)writer_await_files(st, reason);
			continue;
		}
		writer_set_health(st, writer_health_of(rc), reason);
		writer_fail_for(st,
		    rc == STORE_AWAY ? writer_jitter(pause_ms) : pause_ms);
		pause_ms *= 2;
		if (pause_ms > st->writing.pause_ms * PAUSE_GROWTH)
			pause_ms = st->writing.pause_ms * PAUSE_GROWTH;
	}
	/* What is still queued must not go to what is not sound. */
	if (st->health != STORE_UNREACHABLE)
		writer_set_health(st, STORE_RECOVERING, st->reason);
}

/* With the mutex held: go on when the files that are open are back. */
static void
writer_find_files(struct store *st, const char *why)
{
	char reason[STORE_REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "%s", why);
	if (writer_await_files(st, reason) == STORE_OK)
		writer_set_health(st, STORE_READY, "");
}

/* With the mutex held: what rc says about the store from now on. */
static void
writer_judge(struct store *st, enum store_rc rc, const char *reason)
{
	switch (rc) {
	case STORE_OK:
		if (st->health != STORE_READY)
			writer_set_health(st, STORE_READY, "");
		return;
	case STORE_BUSY: /* somebody's lock: it passes, nothing is broken */
		return;
	case STORE_FULL:
		writer_set_health(st, STORE_NOSPACE, reason);
		return;
	case STORE_MOVED:
		writer_find_files(st, reason);
		return;
	case STORE_EXISTS:
	case STORE_NOTFOUND:
	case STORE_REFUSED:
	case STORE_NEWER:
	case STORE_LOST:
	case STORE_AWAY:
	case STORE_FAILED:
		break;
	case STORE_NOTADB:
		st->damage = st->ops->repair != NULL;
		break;
	}
	writer_set_health(st, writer_health_of(rc), reason);
	writer_recover(st);
}

/*
 * With the mutex held: let op, the only one of its batch, have another turn.
 * Returns how many of the batch are finished.
 */
static size_t
writer_again(struct store *st, struct store_op *op)
{
	if (st->stop) {
		store_op_fail(op, STORE_FAILED, "the store is closing");
		return (1);
	}
	store_queue_put(&st->background, op);
	return (0);
}

/* With the mutex held: batch[0..n) was committed. */
static void
writer_count(struct store *st, size_t n)
{
	size_t i = 0;

	while (i < STORE_SIZES && n > (size_t)1 << i)
		i++;
	st->stats.commits[i]++;
	st->stats.operations += n;
	if (n == 1 && st->writing.batch[0]->kind == STORE_OP_PURGE)
		st->stats.purged += (uint64_t)st->writing.batch[0]->res.id;
}

/*
 * A commit that took long went into a file that was lost meanwhile. What
 * others than its sender need to know of it is true of the file that is open.
 */
static void
writer_withhold(struct store *st, size_t n, enum store_rc rc,
    const char *reason)
{
	for (size_t i = 0; i < n; i++)
		if (st->writing.batch[i]->kind == STORE_OP_APPEND)
			store_op_fail(st->writing.batch[i], rc, reason);
}

/*
 * Without the mutex, after something that ended as rc: what is to be made of
 * it. A disk with little space left is as good as full for new events.
 */
static enum store_rc
writer_look_at_space(struct store *st, enum store_rc rc, char *reason)
{
	if (rc == STORE_OK && st->ops->is_low != NULL &&
	    st->ops->is_low(st->be, reason))
		return (STORE_FULL);
	return (rc);
}

/* With the mutex held: commit batch[0..n), which left the queue. */
static void
writer_commit(struct store *st, size_t n)
{
	char reason[STORE_REASON_MAX];
	bool committed = false, full;
	enum store_rc rc, verdict;

	st->committing = true;
	(void)pthread_mutex_unlock(&st->mutex);
	if ((rc = writer_look(st, reason)) == STORE_OK)
		rc = st->ops->commit(st->be, st->writing.batch, n, reason);
	if (rc != STORE_OK)
		for (size_t i = 0; i < n; i++)
			store_op_fail(st->writing.batch[i], rc, reason);
	else if ((rc = writer_look(st, reason)) != STORE_OK) {
		writer_withhold(st, n, rc, reason);
		committed = true;
	}
	verdict = writer_look_at_space(st, rc, reason);
	(void)pthread_mutex_lock(&st->mutex);
	st->committing = false;
	st->answers++;
	if (rc == STORE_OK || committed)
		writer_count(st, n);
	/* A purge had the reserve: it says nothing about other commits. */
	full = st->health == STORE_NOSPACE && rc == STORE_OK &&
	       st->writing.batch[0]->kind == STORE_OP_PURGE;
	if ((rc == STORE_OK || committed) && n == 1 &&
	    st->writing.batch[0]->again)
		n = writer_again(st, st->writing.batch[0]);
	/* With one wake-up the caller sees both outcomes and health. */
	for (size_t i = 0; i < n; i++)
		store_finished(st, st->writing.batch[i]);
	if (!full)
		writer_judge(st, verdict, reason);
}

/* With the mutex held: probe a disk that was full. */
static void
writer_probe(struct store *st)
{
	char reason[STORE_REASON_MAX];
	enum store_rc rc;

	(void)pthread_mutex_unlock(&st->mutex);
	rc = writer_look_at_space(st, st->ops->probe(st->be, reason), reason);
	(void)pthread_mutex_lock(&st->mutex);
	writer_judge(st, rc, reason);
}

/* With the mutex held: do what has to be done between commits. */
static void
writer_upkeep(struct store *st)
{
	enum store_upkeep at = st->upkeep;
	char reason[STORE_REASON_MAX];
	bool wanted = false;
	enum store_rc rc;

	(void)pthread_mutex_unlock(&st->mutex);
	rc = st->ops->upkeep(st->be, at, &wanted, reason);
	(void)pthread_mutex_lock(&st->mutex);
	if (wanted || at == STORE_UPKEEP_DONE) {
		st->upkeep = wanted ? STORE_UPKEEP_WANTED : STORE_UPKEEP_NONE;
		(void)pthread_cond_signal(&st->reader.cond);
	}
	if (rc != STORE_OK)
		writer_judge(st, rc, reason);
}

/* With the mutex held: nothing is to be done but a look now and then. */
static void
writer_idle(struct store *st)
{
	char reason[STORE_REASON_MAX];
	enum store_rc rc;

	if (st->ops->look == NULL && st->ops->tick == NULL) {
		(void)pthread_cond_wait(&st->writer.cond, &st->mutex);
		return;
	}
	writer_pause(st, IDLE_MS);
	(void)pthread_mutex_unlock(&st->mutex);
	rc = writer_look(st, reason);
	(void)pthread_mutex_lock(&st->mutex);
	if (rc != STORE_OK)
		writer_judge(st, rc, reason);
}

/* With the mutex held: may nothing be done but to answer with failures? */
static bool
writer_is_shut(const struct store *st)
{
	return (st->health == STORE_RECOVERING ||
		st->health == STORE_UNREACHABLE || st->health == STORE_DAMAGED);
}

/* With the mutex held: what is due every now and then, commits or not. */
static void
writer_tick(struct store *st)
{
	struct store_ticking *w = &st->writing.ticking;
	struct store_asked asked = { .watched = st->sharing.watched };
	int64_t now = writer_now_ms();
	char reason[STORE_REASON_MAX];
	enum store_rc rc;

	if (st->ops->tick == NULL || st->mode != STORE_SERVE || st->stop ||
	    writer_is_shut(st) || now - w->at_ms < st->ops->tick_ms)
		return;
	w->at_ms = now;
	if (st->sharing.report_due) {
		st->sharing.report_due = false;
		memcpy(w->report, st->sharing.report, sizeof(w->report));
		asked.report = w->report;
	}
	(void)pthread_mutex_unlock(&st->mutex);
	store_news_reset(&w->news);
	rc = st->ops->tick(st->be, &asked, &w->news, reason);
	(void)pthread_mutex_lock(&st->mutex);
	store_news_merge(&st->sharing.news, &w->news);
	if (store_news_any(&st->sharing.news))
		store_wake(st);
	if (rc != STORE_OK)
		writer_judge(st, rc, reason);
}

/* With the mutex held: wait until there is something to do. */
static void
writer_wait(struct store *st)
{
	while (!st->stop && st->urgent.head == NULL &&
	       st->background.head == NULL && st->upkeep != STORE_UPKEEP_DONE &&
	       !st->damage) {
		if (st->health == STORE_DAMAGED) {
			(void)pthread_cond_wait(&st->writer.cond, &st->mutex);
		} else if (st->health == STORE_NOSPACE) {
			writer_pause(st, st->writing.pause_ms * PAUSE_GROWTH);
			if (st->urgent.head == NULL)
				writer_probe(st);
		} else {
			writer_idle(st);
		}
		writer_tick(st);
	}
}

/*
 * With the mutex held: take the next batch out of the queue. Returns how many
 * operations it has. A body with thousands of orders takes a commit of its
 * own: what is queued beside it waits for one of that size at a time.
 */
static size_t
writer_take(struct store *st)
{
	size_t rows = 0;
	size_t n = 0;

	while (n < st->writing.batch_max && st->urgent.head != NULL) {
		rows += store_op_rows(st->urgent.head);
		if (n > 0 && rows > BATCH_ROWS)
			break;
		st->writing.batch[n++] = store_queue_get(&st->urgent);
	}
	return (n);
}

void *
store_writer_main(void *arg)
{
	struct store *st = arg;
	size_t n;

	(void)pthread_mutex_lock(&st->mutex);
	if (writer_is_shut(st))
		writer_recover(st);
	for (;;) {
		writer_wait(st);
		if (st->stop && st->urgent.head == NULL &&
		    st->background.head == NULL)
			break;
		if (writer_is_shut(st)) { /* or it is closing */
			writer_fail_queued(st);
			continue;
		}
		if (st->damage && !st->stop) { /* the reader met it */
			writer_judge(st, STORE_NOTADB,
			    "a read found damage; it is looked at");
			continue;
		}
		if ((n = writer_take(st)) > 0)
			writer_commit(st, n);
		writer_tick(st);
		if (writer_is_shut(st))
			continue;
		if ((st->writing.batch[0] = store_queue_get(&st->background)) !=
		    NULL)
			writer_commit(st, 1);
		if (!st->stop && st->ops->upkeep != NULL &&
		    (st->health == STORE_READY ||
			st->upkeep == STORE_UPKEEP_DONE))
			writer_upkeep(st);
	}
	(void)pthread_mutex_unlock(&st->mutex);
	return (NULL);
}
