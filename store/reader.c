/*
 * The reader thread: one read after another. At close it gives up what is
 * left, so that a check of a large file does not hold up a shutdown.
 */
#include "store/store_ops.h"

void *
store_reader_main(void *arg)
{
	struct store *st = arg;
	struct store_op *op;

	(void)pthread_mutex_lock(&st->mutex);
	for (;;) {
		while (!st->stop && st->reads.head == NULL)
			(void)pthread_cond_wait(&st->reader_cond, &st->mutex);
		if ((op = store_queue_get(&st->reads)) == NULL)
			break;
		if (st->stop) {
			store_op_fail(op, STORE_FAILED, "the store is closing");
		} else {
			(void)pthread_mutex_unlock(&st->mutex);
			st->ops->read(st->be, op);
			(void)pthread_mutex_lock(&st->mutex);
		}
		store_finished(st, op);
	}
	(void)pthread_mutex_unlock(&st->mutex);
	return (NULL);
}
