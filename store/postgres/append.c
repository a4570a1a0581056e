/*
 * Append events, a statement for all of a batch: append() in
 * schema/014_arrivals.sql. What it answers is given to each operation.
 */
#include <string.h>

#include "store/postgres/append_args.h"
#include "store/postgres/postgres.h"
#include "store/postgres/rounds.h"
#include "store/postgres/row.h"

static const struct pg_statement append = { "append",
	"SELECT numbers, again, originals, jobs, behinds FROM append($1::int8, "
	"$2::int8, $3::text[], $4::text[], $5::text[], $6::text[], "
	"$7::text[], $8::text[], $9::bytea[], $10::text[], $11::text[], "
	"$12::int8[], $13::int8[], $14::int8[], $15::bytea[], $16::text[], "
	"$17::int8[], $18::bool[], $19::int8[], $20::int8[], $21::text[], "
	"$22::text[], $23::text[], $24::text[], $25::text[], $26::int8[], "
	"$27::int8[], $28::int8[], $29::text[], $30::int8[], $31::bool[], "
	"$32::int8[], $33::text[], $34::int8[], $35::text[], $36::text[], "
	"$37::text[], $38::int8[], $39::text[], $40::text[], $41::text[])" };

static const struct pg_statement doubt = { "doubt_dates",
	"SELECT doubt_dates($1::text[], $2::text[], $3::int8[], $4::int8[])" };

/* -- What came of it -- */

/* What append() answers, an item for each event, or for each job. */
struct answer {
	const int64_t *numbers, *again, *originals; /* of events */
	const int64_t *jobs, *behinds;              /* of jobs; n of them */
	size_t njobs;
};

/* The jobs of op that may run now; those of the answer begin at `first'. */
static int
take_jobs(struct store_op *op, const struct answer *answer, size_t first)
{
	struct store_job *jobs;
	size_t n = 0;

	jobs = arena_array(&op->res_mem, op->in.append.njobs, sizeof(*jobs));
	if (jobs == NULL)
		return (-1);
	for (size_t k = 0; k < op->in.append.njobs; k++) {
		const struct store_job_spec *s = &op->in.append.jobs[k];

		if (answer->jobs[first + k] == 0 || job_is_end(s->born) ||
		    s->due_at.ms != 0 || answer->behinds[first + k] != 0)
			continue;
		jobs[n].id = answer->jobs[first + k];
		jobs[n].handler = s->handler;
		jobs[n].place = s->place;
		if (s->guards != STORE_NO_GUARD)
			jobs[n].guards =
			    answer->jobs[first + (size_t)s->guards];
		jobs[n++].ev = op->in.append.ev;
	}
	op->res.runnable = jobs;
	op->res.nrunnable = n;
	return (0);
}

static int
read_answer(const PGresult *res, struct arena *mem, const struct appends *all,
    struct answer *ret)
{
	size_t n[3], nbehinds;

	if (PQntuples(res) != 1 ||
	    pg_ints(res, 0, 0, mem, &ret->numbers, &n[0]) == -1 ||
	    pg_ints(res, 0, 1, mem, &ret->again, &n[1]) == -1 ||
	    pg_ints(res, 0, 2, mem, &ret->originals, &n[2]) == -1 ||
	    pg_ints(res, 0, 3, mem, &ret->jobs, &ret->njobs) == -1 ||
	    pg_ints(res, 0, 4, mem, &ret->behinds, &nbehinds) == -1)
		return (-1);
	for (size_t i = 0; i < 3; i++)
		if (n[i] != all->n)
			return (-1);
	return (nbehinds == ret->njobs ? 0 : -1);
}

/* pg_take_fn */
static int
append_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	const struct appends *all = arg;
	struct flood *flood = pg_batch_flood(b);
	struct answer answer;
	size_t first = 0, njobs = 0;

	for (size_t i = 0; i < all->n; i++)
		njobs += all->ops[i]->in.append.njobs;
	if (read_answer(res, pg_batch_mem(b), all, &answer) == -1)
		return (-1);
	for (size_t i = 0; i < all->n; i++) {
		struct store_op *op = all->ops[i];

		op->res.id = answer.numbers[i];
		if (answer.again[i] != 0) {
			op->res.rc = STORE_EXISTS;
			op->res.conflict = answer.again[i] == 2;
			if (flood->left > 0)
				flood->left--;
		} else {
			op->res.rc = STORE_OK;
			op->res.repeat_of = answer.originals[i];
			if (answer.njobs != njobs ||
			    take_jobs(op, &answer, first) == -1)
				return (-1);
		}
		first += op->in.append.njobs;
		pg_batch_news(b, PG_NEWS_EVENT, op->res.id);
	}
	return (0);
}

/* Lock what the event's jobs and the search for a repeat look at. */
static int
lock_orders(struct pg_batch *b, const struct store_op *op)
{
	const struct store_event *ev = op->in.append.ev;
	bool locks = rounds_may_repeat(op);

	for (size_t k = 0; k < op->in.append.njobs && !locks; k++)
		locks = append_has_lanes(&op->in.append.jobs[k]);
	for (size_t o = 0; o < ev->norders && locks; o++)
		if (pg_batch_lock_order(b, ev->orders[o].order_id, ev->scope) ==
		    -1)
			return (-1);
	return (0);
}

static int
append_round(struct pg_batch *b, struct store_op *const *ops, size_t n,
    int64_t may_note)
{
	struct arena *mem = pg_batch_mem(b);
	struct store_op **copy;
	struct appends *all;
	struct pg_args *a;

	if ((all = arena_alloc(mem, sizeof(*all))) == NULL ||
	    (a = arena_alloc(mem, sizeof(*a))) == NULL ||
	    (copy = arena_array(mem, n, sizeof(*copy))) == NULL)
		return (-1);
	memcpy(copy, ops, n * sizeof(*copy));
	all->ops = copy;
	all->n = n;
	pg_args_init(a, mem);
	pg_arg_int(a, pg_batch_receiver(b));
	pg_arg_int(a, may_note > 0 ? may_note : 0);
	append_put(a, all);
	return (pg_batch_add(b, &append, a, append_take, all));
}

/* Mark what came in while the wall clock was not believed. */
static int
append_doubt(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct arena *mem = pg_batch_mem(b);
	struct appends doubted = { 0 };
	struct store_op **some;
	struct pg_args *a;

	if ((a = arena_alloc(mem, sizeof(*a))) == NULL ||
	    (some = arena_array(mem, n, sizeof(struct store_op *))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++)
		if (ops[i]->in.append.ev->date_doubted)
			some[doubted.n++] = ops[i];
	if (doubted.n == 0)
		return (0);
	doubted.ops = some;
	pg_args_init(a, mem);
	append_put_doubted(a, &doubted);
	return (pg_batch_add(b, &doubt, a, NULL, NULL));
}

int
append_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	int64_t left = 0;
	size_t taken;

	for (size_t i = 0; i < n; i++) {
		if (lock_orders(b, ops[i]) == -1)
			return (-1);
		left = flood_left(pg_batch_flood(b),
		    ops[i]->in.append.ev->received_at_ms);
	}
	/* Of an earlier statement all may be duplicates, that are noted. */
	for (; n > 0; ops += taken, n -= taken, left -= (int64_t)taken) {
		taken = rounds_next(ops, n);
		if (append_round(b, ops, taken, left) == -1 ||
		    append_doubt(b, ops, taken) == -1)
			return (-1);
	}
	return (0);
}
