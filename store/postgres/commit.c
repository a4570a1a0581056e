/*
 * The transaction of a batch, and what is made of its failure.
 *
 * A batch runs as a whole, since almost always all of it succeeds. If the
 * server refuses something of it, each half is run by itself, down to the one
 * operation that cannot be; also locks are then taken for what is left only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres/backend.h"
#include "store/postgres/regroup.h"

#define AGAIN_MAX 2 /* so often at once, when others were in the way */

/* -- What goes in -- */

/* Those of a group, a statement for as many as fit. */
static int
add_group(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	size_t fit;

	for (; n > 0; ops += fit, n -= fit) {
		fit = regroup_fits(ops, n);
		if (pg_kinds[ops[0]->kind].add(b, ops, fit) == -1)
			return (-1);
	}
	return (0);
}

/* ops[0..n), which may be sorted; list has n places. */
static int
add_sorted(struct pg_batch *b, struct store_op *const *ops, size_t n,
    struct store_op **list)
{
	static const enum pg_group order[] = { PG_IN_PLACE, PG_APPENDS,
		PG_FINISHES, PG_STARTS };
	size_t picked;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		picked = regroup_pick(ops, n, order[i], list);
		if (add_group(b, list, picked) == -1)
			return (-1);
	}
	return (0);
}

static int
add_all(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct store_op **list;
	size_t some;

	if ((list = arena_array(pg_batch_mem(b), n, sizeof(*list))) == NULL)
		return (-1);
	for (; n > 0; ops += some, n -= some) {
		some = regroup_next(ops, n);
		if (add_sorted(b, ops, some, list) == -1)
			return (-1);
	}
	return (0);
}

/*
 * What would have to be given back, if nobody learns that it was committed;
 * before that can happen.
 */
static int
note_starts(struct pg_store *s, struct store_op *const *ops, size_t n)
{
	int64_t *larger;

	s->nstarts = 0;
	if (s->starts_room < n) {
		if ((larger = reallocarray(s->starts, n, sizeof(*larger))) ==
		    NULL)
			return (-1);
		s->starts = larger;
		s->starts_room = n;
	}
	for (size_t i = 0; i < n; i++)
		if (ops[i]->kind == STORE_OP_START)
			s->starts[s->nstarts++] = ops[i]->in.start.job;
	return (0);
}

/* -- One transaction -- */

static enum pg_end
commit_failed(struct pg_failure *why, enum pg_verdict verdict, enum store_rc rc,
    const char *reason)
{
	why->verdict = verdict;
	why->rc = rc;
	(void)snprintf(why->reason, sizeof(why->reason), "%s", reason);
	return (PG_NOTHING);
}

/* The receiver's batch is through. */
static void
commit_done(struct pg_store *s, struct store_op *const *ops, size_t n,
    int64_t began_ms)
{
	s->renewed_ms = began_ms;
	if (s->lease != NULL)
		lease_committed(s->lease, ops, n, pg_now_ms());
}

/*
 * The answer to COMMIT was lost: ask. What a verb did, which has no number,
 * cannot be asked.
 */
static enum pg_end
commit_settle(struct pg_store *s, int64_t deadline_ms, struct pg_failure *why)
{
	char reason[STORE_REASON_MAX];
	bool committed;

	settle_drop(s); /* it may still be in the transaction */
	if (s->lease == NULL) {
		(void)snprintf(reason, sizeof(reason),
		    "%.400s; look whether it was done, before you repeat it",
		    why->reason);
		return (commit_failed(why, PG_AWAY, STORE_AWAY, reason));
	}
	s->unsure = s->batch + 1;
	if (settle_last(s, false, deadline_ms, &committed, reason) != STORE_OK)
		return (commit_failed(why, PG_AWAY, STORE_AWAY, reason));
	if (committed)
		return (PG_DONE);
	/* On a connection that is good: perhaps there is time for it. */
	why->verdict = PG_AGAIN;
	return (PG_NOTHING);
}

/*
 * The connection was lost before COMMIT: the server was restarted, say, while
 * nobody had anything to do. One that is back already needs no second delivery.
 */
static void
commit_reconnect(struct pg_store *s, int64_t deadline_ms,
    struct pg_failure *why)
{
	char reason[STORE_REASON_MAX];
	int64_t until_ms = pg_now_ms() + PG_SETTLE_MS;
	bool committed;

	if (s->lease == NULL)
		return;
	if (until_ms > deadline_ms)
		until_ms = deadline_ms;
	if (settle_last(s, false, until_ms, &committed, reason) == STORE_OK)
		why->verdict = PG_AGAIN;
}

/* Run a batch, once, and know what became of it, if that can be known. */
static enum pg_end
commit_batch(struct pg_store *s, struct pg_batch *b, int64_t deadline_ms,
    struct pg_failure *why)
{
	struct pg_batch_run how = { .number = s->batch + 1,
		.deadline_ms = deadline_ms - PG_SETTLE_MS,
		.publish = s->lease != NULL && lease_is_watched(s->lease) };

	switch (pg_batch_run(b, s->conn, &how, why)) {
	case PG_DONE:
		s->batch++;
		return (PG_DONE);
	case PG_UNSURE:
		return (commit_settle(s, deadline_ms, why));
	case PG_NOTHING:
		break;
	}
	if (why->verdict == PG_FENCED)
		settle_forget(s);
	if (why->rc == STORE_AWAY)
		settle_drop(s);
	if (why->verdict == PG_AWAY)
		commit_reconnect(s, deadline_ms, why);
	return (PG_NOTHING);
}

static enum pg_end
commit_once(struct pg_store *s, struct store_op *const *ops, size_t n,
    int64_t deadline_ms, struct pg_failure *why)
{
	int64_t began_ms = pg_now_ms();
	struct pg_batch *b = NULL;
	enum pg_end end;

	if (s->conn == NULL || (s->lease != NULL && s->receiver == 0))
		return (commit_failed(why, PG_AWAY, STORE_AWAY,
		    "the database cannot be reached"));
	if (note_starts(s, ops, n) == -1 ||
	    (b = pg_batch_new(s->receiver, &s->flood)) == NULL ||
	    add_all(b, ops, n) == -1) {
		pg_batch_free(b);
		return (
		    commit_failed(why, PG_BUSY, STORE_BUSY, "out of memory"));
	}
	/* All may have been refused without asking anybody. */
	end = pg_batch_is_empty(b) && n > 0
		  ? PG_DONE
		  : commit_batch(s, b, deadline_ms, why);
	pg_batch_free(b);
	if (end == PG_DONE)
		commit_done(s, ops, n, began_ms);
	return (end);
}

/* -- What is made of a failure -- */

static enum store_rc commit_part(struct pg_store *s,
    struct store_op *const *ops, size_t n, int64_t deadline_ms, char *reason);

/*
 * Each half by itself. When the first is durable and the second is not, the
 * operations of the second say so each for itself.
 */
static enum store_rc
commit_halves(struct pg_store *s, struct store_op *const *ops, size_t n,
    int64_t deadline_ms, char *reason)
{
	size_t half = n / 2;
	enum store_rc rc;

	if ((rc = commit_part(s, ops, half, deadline_ms, reason)) != STORE_OK)
		return (rc);
	rc = commit_part(s, ops + half, n - half, deadline_ms, reason);
	for (size_t i = half; i < n && rc != STORE_OK; i++)
		store_op_fail(ops[i], rc, reason);
	return (STORE_OK);
}

static enum store_rc
commit_part(struct pg_store *s, struct store_op *const *ops, size_t n,
    int64_t deadline_ms, char *reason)
{
	struct pg_failure why;

	for (unsigned tries = 0;; tries++) {
		if (commit_once(s, ops, n, deadline_ms, &why) == PG_DONE)
			return (STORE_OK);
		for (size_t i = 0; i < n; i++)
			store_op_reset(ops[i]);
		if (why.verdict != PG_AGAIN || tries == AGAIN_MAX ||
		    pg_now_ms() >= deadline_ms - PG_SETTLE_MS)
			break;
		/* It may be what the batch asks for that ends connections. */
		if (why.rc == STORE_AWAY)
			tries = AGAIN_MAX - 1;
	}
	if (why.verdict == PG_ALONE && n > 1)
		return (commit_halves(s, ops, n, deadline_ms, reason));
	if (why.verdict == PG_ALONE && n == 1) {
		store_op_fail(ops[0], STORE_REFUSED, why.reason);
		return (STORE_OK);
	}
	memcpy(reason, why.reason, sizeof(why.reason));
	return (why.rc);
}

enum store_rc
commit_ops(struct pg_store *s, struct store_op *const *ops, size_t n,
    char *reason)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += regroup_bytes(ops[i]);
	return (commit_part(s, ops, n,
	    pg_now_ms() + PG_COMMIT_MS + (int64_t)(bytes >> 20) * PG_MS_PER_MB,
	    reason));
}

enum store_rc
commit_probe(struct pg_store *s, char *reason)
{
	return (commit_part(s, NULL, 0, pg_now_ms() + PG_COMMIT_MS, reason));
}
