/*
 * batch.h -- private to store/postgres/: one transaction, from the side of who
 * runs it. What kinds of operations see of it stands in pipe.h.
 *
 * All is sent at once: BEGIN, the beat of the receiver, the locks, and all
 * statements. When all of them have been answered, COMMIT is sent, alone: an
 * answer that is lost before leaves nothing behind.
 */
#ifndef STORE_POSTGRES_BATCH_H
#define STORE_POSTGRES_BATCH_H

#include "store/postgres/pipe.h"

/* receiver 0: without a beat. flood is kept. NULL: out of memory. */
struct pg_batch *pg_batch_new(int64_t receiver, struct flood *flood);
void pg_batch_free(struct pg_batch *b); /* accepts NULL */

/* Is there nothing to be sent? */
bool pg_batch_is_empty(const struct pg_batch *b);

/* How a batch is run. */
struct pg_batch_run {
	int64_t number;      /* of the receiver's transaction */
	int64_t deadline_ms; /* of all, by pg_now_ms() */
	bool publish;        /* its news, for the pages of others */
};

enum pg_end {
	PG_DONE,    /* it is committed, and durable */
	PG_NOTHING, /* nothing was written, nor will be */
	PG_UNSURE   /* COMMIT was sent: nobody knows */
};

struct pg_failure {
	enum pg_verdict verdict;
	enum store_rc rc;
	char reason[STORE_REASON_MAX];
};

/*
 * Run the batch, once. Unless it is PG_DONE, what takes have set is void, and
 * *why says what happened: rc is STORE_AWAY if c is of no use any more; else it
 * is out of the transaction again.
 */
enum pg_end pg_batch_run(struct pg_batch *b, struct pg_conn *c,
    const struct pg_batch_run *how, struct pg_failure *why);

#endif /* STORE_POSTGRES_BATCH_H */
