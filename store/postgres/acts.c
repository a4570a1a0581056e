/* What is done by hand, to jobs and to handlers; and a handler's own row. */
#include "store/postgres/job_result.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

static const struct pg_statement replay = { "replay",
	JOB_RESULT_OF "replay_job($1::int8, $2::bool) AS r" };
static const struct pg_statement retry = { "retry",
	JOB_RESULT_OF "retry_job($1::int8, $2::int8) AS r" };
static const struct pg_statement discard = { "discard",
	JOB_RESULT_OF "discard_job($1::int8, $2::text, $3::int8) AS r" };
static const struct pg_statement acknowledge = { "acknowledge",
	JOB_RESULT_OF "acknowledge_alarm($1::int8, $2::text, $3::int8) AS r" };
static const struct pg_statement pause = { "pause",
	"SELECT pause_handler($1::text, $2::int8, $3::text, $4::text)" };
static const struct pg_statement unguard = { "unguard",
	"SELECT cancel_alarms($1::int8, $2::int8)" };
/* What others look at in this moment is left for the next time. */
static const struct pg_statement release = { "release",
	"WITH own AS MATERIALIZED (SELECT j.id FROM jobs AS j "
	"WHERE j.finished_at IS NULL AND j.behind = 0 "
	"AND j.handler = $2::int8 AND j.owner = $1::int8 AND j.owner <> 0 "
	"AND j.state IN ('ready', 'waiting') "
	"LIMIT $3::int8 FOR NO KEY UPDATE SKIP LOCKED), "
	"free AS (UPDATE jobs AS j SET owner = 0 FROM own "
	"WHERE j.id = own.id RETURNING 1) SELECT count(*) FROM free" };
static const struct pg_statement seen = { "seen",
	"SELECT register_handler($1::text, $2::int8)" };

/* -- Jobs -- */

static int
act_one(struct pg_batch *b, struct store_op *op)
{
	const struct pg_statement *s = NULL;
	int64_t job = op->in.act.job;
	struct job_ops *all;
	struct pg_args *a;

	if (job_ops_pick(b, &op, 1, NULL, &all) == -1 ||
	    (a = job_args_new(b)) == NULL)
		return (-1);
	switch (op->in.act.act) {
	case STORE_REPLAY:
	case STORE_REPLAY_ANEW:
		s = &replay;
		pg_arg_int(a, job);
		pg_arg_bool(a, op->in.act.act == STORE_REPLAY_ANEW);
		break;
	case STORE_RETRY:
		s = &retry;
		pg_arg_int(a, pg_batch_receiver(b));
		pg_arg_int(a, job);
		break;
	case STORE_DISCARD:
		s = &discard;
		pg_arg_int(a, job);
		pg_arg_text(a, op->in.act.why);
		pg_arg_int(a, op->in.act.now_ms);
		break;
	case STORE_ACKNOWLEDGE:
		s = &acknowledge;
		pg_arg_int(a, job);
		pg_arg_text(a, op->in.act.why);
		pg_arg_int(a, op->in.act.now_ms);
		break;
	}
	if (s == NULL || (s != &retry && pg_batch_lock_job(b, job) == -1))
		return (-1);
	return (pg_batch_add(b, s, a, job_result_take, all));
}

int
act_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (act_one(b, ops[i]) == -1)
			return (-1);
	return (0);
}

/* -- Handlers -- */

/* pg_take_fn: a number, which is the operation's; NULL: there is no such row.
 */
static int
take_number(struct pg_batch *b, const PGresult *res, void *arg)
{
	struct store_op *op = arg;

	(void)b;
	if (PQntuples(res) != 1)
		return (-1);
	if (pg_null(res, 0, 0)) {
		store_op_fail(op, STORE_NOTFOUND,
		    "there is no handler of that name");
		return (0);
	}
	op->res.rc = STORE_OK;
	op->res.id = pg_int(res, 0, 0);
	return (0);
}

int
pause_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct pg_args *a;

	for (size_t i = 0; i < n; i++) {
		const char *by = ops[i]->in.pause.by;

		if ((a = job_args_new(b)) == NULL)
			return (-1);
		pg_arg_text(a, ops[i]->in.pause.handler);
		pg_arg_int_or_null(a, by != NULL ? ops[i]->in.pause.now_ms : 0);
		pg_arg_text(a, by);
		pg_arg_text(a, ops[i]->in.pause.why);
		if (pg_batch_add(b, &pause, a, take_number, ops[i]) == -1)
			return (-1);
	}
	return (0);
}

int
unguard_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct pg_args *a;

	for (size_t i = 0; i < n; i++) {
		if ((a = job_args_new(b)) == NULL)
			return (-1);
		pg_arg_int(a, ops[i]->in.unguard.handler);
		pg_arg_int(a, ops[i]->in.unguard.now_ms);
		if (pg_batch_add(b, &unguard, a, take_number, ops[i]) == -1)
			return (-1);
	}
	return (0);
}

int
release_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct pg_args *a;

	for (size_t i = 0; i < n; i++) {
		if ((a = job_args_new(b)) == NULL)
			return (-1);
		pg_arg_int(a, pg_batch_receiver(b));
		pg_arg_int(a, ops[i]->in.release);
		pg_arg_int(a, STORE_RELEASE_MAX);
		if (pg_batch_add(b, &release, a, take_number, ops[i]) == -1)
			return (-1);
	}
	return (0);
}

int
register_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct pg_args *a;

	for (size_t i = 0; i < n; i++) {
		if ((a = job_args_new(b)) == NULL)
			return (-1);
		pg_arg_text(a, ops[i]->in.registered.name);
		pg_arg_int(a, ops[i]->in.registered.now_ms);
		if (pg_batch_add(b, &seen, a, take_number, ops[i]) == -1)
			return (-1);
	}
	return (0);
}
