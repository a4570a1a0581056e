/*
 * The reader thread: one read after another, and between two of them the long
 * part of the upkeep. At close it gives up the rest, so that a check of
 * a large file does not hold up a shutdown.
 */
#include "store/store_private.h"

/*
 * With the mutex held: do what the writer wants done. It then has a short end
 * to put to it, in which a snapshot taken meanwhile would be in the way.
 */
static void
reader_upkeep(struct store *st)
{
	st->upkeep = STORE_UPKEEP_RUNNING;
	(void)pthread_mutex_unlock(&st->mutex);
	st->ops->upkeep_long(st->be);
	(void)pthread_mutex_lock(&st->mutex);
	st->upkeep = STORE_UPKEEP_DONE;
	(void)pthread_cond_signal(&st->writer.cond);
	while (!st->stop && st->upkeep == STORE_UPKEEP_DONE)
		(void)pthread_cond_wait(&st->reader.cond, &st->mutex);
}

/*
 * With the mutex held: did the read meet damage? Then the writer sees what can
 * be done. A backup speaks of its copy.
 */
static void
reader_report(struct store *st, const struct store_op *op)
{
	if (op->res.rc != STORE_NOTADB || op->kind == STORE_OP_BACKUP ||
	    !st->writer.started || st->health == STORE_DAMAGED ||
	    st->ops->repair == NULL)
		return;
	st->damage = true;
	(void)pthread_cond_signal(&st->writer.cond);
}

/*
 * With the mutex held: the writer wants the reader to be idle, since it closes
 * what is open. A read that was cut short for it is done afterwards, all but a
 * backup, which would begin anew.
 */
static bool
reader_again(struct store *st, struct store_op *op)
{
	if (!st->held)
		return (false);
	(void)pthread_cond_signal(&st->writer.cond);
	if (st->stop || op->res.rc == STORE_OK || op->kind == STORE_OP_BACKUP)
		return (false);
	store_op_reset(op);
	store_queue_unget(&st->reads, op);
	return (true);
}

void *
store_reader_main(void *arg)
{
	struct store *st = arg;
	struct store_op *op;

	(void)pthread_mutex_lock(&st->mutex);
	for (;;) {
		while (!st->stop &&
		       (st->held || (st->reads.head == NULL &&
					st->upkeep != STORE_UPKEEP_WANTED)))
			(void)pthread_cond_wait(&st->reader.cond, &st->mutex);
		/* Reads can wait; it is acks that will, if this is late. */
		if (!st->stop && st->upkeep == STORE_UPKEEP_WANTED) {
			reader_upkeep(st);
			continue;
		}
		if ((op = store_queue_get(&st->reads)) == NULL)
			break;
		if (st->stop) {
			store_op_fail(op, STORE_FAILED, "the store is closing");
		} else {
			st->reading = true;
			(void)pthread_mutex_unlock(&st->mutex);
			st->ops->read(st->be, op);
			(void)pthread_mutex_lock(&st->mutex);
			st->reading = false;
			reader_report(st, op);
			if (reader_again(st, op))
				continue;
		}
		store_finished(st, op);
	}
	(void)pthread_mutex_unlock(&st->mutex);
	return (NULL);
}
