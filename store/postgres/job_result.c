/* What came of operations on jobs: rows of the SQL type job_result. */
#include <string.h>

#include "store/postgres/job_result.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* The columns of job_result, in their order. */
enum column {
	COLUMN_ORD,
	COLUMN_WHAT,
	COLUMN_WORDS,
	COLUMN_ID,
	COLUMN_HANDLER,
	COLUMN_PLACE,
	COLUMN_ATTEMPTS,
	COLUMN_REPLAY,
	COLUMN_GUARDS,
	COLUMN_DUE_AT,
	COLUMN_EVENT,
	COLUMN_KEY_OF = COLUMN_EVENT + EVENT_ROW_COLUMNS
};

/* What a row says; 003_jobs.sql has the meaning. */
enum what {
	WHAT_RUNS,
	WHAT_DUE,
	WHAT_IS,
	WHAT_ALREADY,
	WHAT_NOT_FOUND,
	WHAT_REFUSED,
	WHAT_LOST,
	NWHATS
};
static const char *const whats[] = {
	[WHAT_RUNS] = "runs",
	[WHAT_DUE] = "due",
	[WHAT_IS] = "is",
	[WHAT_ALREADY] = "already",
	[WHAT_NOT_FOUND] = "not found",
	[WHAT_REFUSED] = "refused",
	[WHAT_LOST] = "lost",
};
_Static_assert(sizeof(whats) / sizeof(whats[0]) == NWHATS,
    "all that a row says has a word");

int
job_ops_pick(struct pg_batch *b, struct store_op *const *ops, size_t n,
    bool (*takes)(struct store_op *op), struct job_ops **ret_all)
{
	struct arena *mem = pg_batch_mem(b);
	struct job_ops *all;

	if ((all = arena_alloc(mem, sizeof(*all))) == NULL ||
	    (all->ops = arena_array(mem, n, sizeof(struct store_op *))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++)
		if (takes == NULL || takes(ops[i]))
			all->ops[all->n++] = ops[i];
	*ret_all = all;
	return (0);
}

struct pg_args *
job_args_new(struct pg_batch *b)
{
	struct pg_args *a;

	if ((a = arena_alloc(pg_batch_mem(b), sizeof(*a))) != NULL)
		pg_args_init(a, pg_batch_mem(b));
	return (a);
}

/* The operation that the row is of; NULL: there is none. */
static struct store_op *
row_op(const struct job_ops *all, const PGresult *res, int row, size_t *ret_i)
{
	int64_t ord = pg_int(res, row, COLUMN_ORD);

	if (ord < 1 || (uint64_t)ord > all->n)
		return (NULL);
	*ret_i = (size_t)ord - 1;
	return (all->ops[*ret_i]);
}

static int
row_what(const PGresult *res, int row, enum what *ret_what)
{
	const char *word;
	size_t len;

	if ((word = pg_bytes(res, row, COLUMN_WHAT, &len)) == NULL)
		return (-1);
	for (int w = 0; w < NWHATS; w++) {
		if (strlen(whats[w]) == len &&
		    memcmp(whats[w], word, len) == 0) {
			*ret_what = (enum what)w;
			return (0);
		}
	}
	return (-1);
}

/* Room for the jobs that each operation lists. */
static int
make_room(struct pg_batch *b, const struct job_ops *all, const PGresult *res,
    struct store_job ***ret_jobs)
{
	struct arena *mem = pg_batch_mem(b);
	struct store_job **jobs;
	enum what what;
	size_t *n, i;

	jobs = arena_array(mem, all->n, sizeof(*jobs));
	n = arena_array(mem, all->n, sizeof(*n));
	if (jobs == NULL || n == NULL)
		return (-1);
	for (int row = 0; row < PQntuples(res); row++)
		if (row_op(all, res, row, &i) != NULL &&
		    row_what(res, row, &what) == 0 && what == WHAT_RUNS)
			n[i]++;
	for (i = 0; i < all->n; i++) {
		if (n[i] == 0)
			continue;
		jobs[i] =
		    arena_array(&all->ops[i]->res_mem, n[i], sizeof(*jobs[i]));
		if (jobs[i] == NULL)
			return (-1);
		all->ops[i]->res.runnable = jobs[i];
	}
	*ret_jobs = jobs;
	return (0);
}

/* One more job that op lists; consecutive ones of an event share it. */
static int
list_job(struct store_op *op, const PGresult *res, int row,
    struct store_job *jobs)
{
	struct store_job *job = &jobs[op->res.nrunnable];
	const struct store_loaded *last = op->loaded;

	job->id = pg_int(res, row, COLUMN_ID);
	job->handler = pg_int(res, row, COLUMN_HANDLER);
	job->place = (int32_t)pg_int(res, row, COLUMN_PLACE);
	job->attempts = (unsigned)pg_int(res, row, COLUMN_ATTEMPTS);
	job->replay = pg_bool(res, row, COLUMN_REPLAY);
	job->guards = pg_int(res, row, COLUMN_GUARDS);
	job->key_of = pg_int(res, row, COLUMN_KEY_OF);
	if (last != NULL && last->ev->id == pg_int(res, row, COLUMN_EVENT))
		job->ev = last->ev;
	else if (event_row_read(op, res, row, COLUMN_EVENT, &job->ev) == -1)
		return (-1);
	op->res.nrunnable++;
	return (0);
}

static int
fail(struct store_op *op, enum store_rc rc, const PGresult *res, int row)
{
	const char *words = NULL;
	struct arena mem = { 0 };
	int taken = pg_text(res, row, COLUMN_WORDS, &mem, &words);

	if (taken == 0)
		store_op_fail(op, rc,
		    words != NULL ? words : "no reason was given");
	arena_fini(&mem);
	return (taken);
}

static int
take_row(struct store_op *op, const PGresult *res, int row,
    struct store_job *jobs)
{
	struct steady_time due = { pg_int(res, row, COLUMN_DUE_AT) };
	enum what what;

	if (row_what(res, row, &what) == -1)
		return (-1);
	switch (what) {
	case WHAT_RUNS:
		return (list_job(op, res, row, jobs));
	case WHAT_DUE:
		if (op->res.next_due.ms == 0 ||
		    steady_before(due, op->res.next_due))
			op->res.next_due = due;
		return (0);
	case WHAT_ALREADY:
		op->res.rc = STORE_EXISTS;
		/* FALLTHROUGH */
	case WHAT_IS:
		op->res.id = pg_int(res, row, COLUMN_ID);
		return (0);
	case WHAT_NOT_FOUND:
		store_op_fail(op, STORE_NOTFOUND, "there is no such job");
		return (0);
	case WHAT_REFUSED:
		return (fail(op, STORE_REFUSED, res, row));
	case WHAT_LOST:
		return (fail(op, STORE_LOST, res, row));
	case NWHATS:
		break;
	}
	return (-1);
}

/* Which job the others' pages show anew: it, or what was made of it. */
static void
publish(struct pg_batch *b, const struct store_op *op)
{
	int64_t job = 0;

	if (op->res.rc != STORE_OK && op->res.rc != STORE_EXISTS)
		return;
	if (op->kind == STORE_OP_FINISH)
		job = op->in.finish.job;
	else if (op->kind == STORE_OP_START)
		job = op->in.start.job;
	else if (op->kind == STORE_OP_ACT)
		job = op->in.act.job;
	if (job != 0)
		pg_batch_news(b, PG_NEWS_JOB, job);
	if (op->kind == STORE_OP_ACT && op->res.id != job)
		pg_batch_news(b, PG_NEWS_JOB, op->res.id);
}

int
job_result_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	const struct job_ops *all = arg;
	struct store_job **jobs;
	struct store_op *op;
	size_t i;

	for (i = 0; i < all->n; i++) {
		all->ops[i]->res.rc = STORE_OK;
		all->ops[i]->res.hold = pg_batch_receiver(b);
	}
	if (make_room(b, all, res, &jobs) == -1)
		return (-1);
	for (int row = 0; row < PQntuples(res); row++) {
		if ((op = row_op(all, res, row, &i)) == NULL ||
		    take_row(op, res, row, jobs[i]) == -1)
			return (-1);
	}
	for (i = 0; i < all->n; i++)
		publish(b, all->ops[i]);
	return (0);
}
