/* The queues between the threads: singly linked, first in, first out. */
#include "store/store_ops.h"

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
