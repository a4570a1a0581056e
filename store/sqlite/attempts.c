/*
 * Attempts: begun by attempts_start(), ended by attempts_finish() or, if we
 * did not live to see it, by attempts_recover(). A projection's attempt is
 * both in one: it has no state in between.
 */
#include <stdio.h>

#include "store/sqlite/sqlite.h"

static int
attempts_insert(struct db *db, int64_t job, unsigned number,
    const struct store_attempt *at, const char *outcome)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_ATTEMPT_INSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job);
	(void)sqlite3_bind_int64(st, 2, number);
	(void)sqlite3_bind_int64(st, 3, at->started_at_ms);
	(void)sqlite3_bind_int64(st, 4, at->duration_ms);
	db_bind_text(st, 5, outcome);
	(void)sqlite3_bind_int64(st, 6, at->code);
	if (at->answer != NULL)
		(void)sqlite3_bind_blob64(st, 7, at->answer, at->answer_len,
		    SQLITE_STATIC);
	db_bind_text(st, 8, at->detail);
	return (db_run(db, st));
}

/* Complete the row of the attempt under way. */
static int
attempts_end(struct db *db, const struct store_outcome *out, unsigned number)
{
	static const struct store_attempt none;
	const struct store_attempt *at =
	    out->attempt != NULL ? out->attempt : &none;
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_ATTEMPT_END)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, out->job);
	(void)sqlite3_bind_int64(st, 2, number);
	(void)sqlite3_bind_int64(st, 3, at->duration_ms);
	db_bind_text(st, 4, out->outcome);
	(void)sqlite3_bind_int64(st, 5, at->code);
	if (at->answer != NULL)
		(void)sqlite3_bind_blob64(st, 6, at->answer, at->answer_len,
		    SQLITE_STATIC);
	db_bind_text(st, 7, at->detail);
	return (db_run(db, st));
}

static sqlite3_stmt *
served_stmt(struct db *db, enum db_sql which, const struct lanes_job *job)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, which)) == NULL)
		return (NULL);
	(void)sqlite3_bind_int64(st, 1, job->source);
	(void)sqlite3_bind_int64(st, 2, job->place);
	(void)sqlite3_bind_int64(st, 3, job->handler);
	return (st);
}

static int
served_write(struct db *db, const struct lanes_job *job)
{
	sqlite3_stmt *st;

	if ((st = served_stmt(db, SQL_SERVED_INSERT, job)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 4, job->id);
	return (db_run(db, st));
}

/* The job that served the first of all of job's orders; 0: not all were. */
static int
served_by(struct db *db, const struct lanes_job *job, int64_t *ret_by)
{
	sqlite3_stmt *st;
	bool all = true;
	int rc;

	*ret_by = 0;
	if ((st = served_stmt(db, SQL_SERVED_BY, job)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (*ret_by == 0)
			*ret_by = sqlite3_column_int64(st, 0);
		if (sqlite3_column_type(st, 0) == SQLITE_NULL)
			all = false;
	}
	(void)sqlite3_reset(st);
	if (!all)
		*ret_by = 0;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* The job that makes this one superfluous; 0: it is to run. */
static int
attempts_skipped(struct db *db, const struct store_op *op,
    const struct jobs_row *row, int64_t *ret_by)
{
	unsigned skip = row->replay_of == 0 ? op->in.start.skip : 0;
	int rc = SQLITE_OK;

	*ret_by = 0;
	if ((skip & STORE_SKIP_REPEATS) != 0 &&
	    row->lanes.source != row->lanes.event)
		rc = repeats_stands(db, &row->lanes, ret_by);
	if (rc == SQLITE_OK && *ret_by == 0 && (skip & STORE_SKIP_SERVED) != 0)
		rc = served_by(db, &row->lanes, ret_by);
	return (rc);
}

/* End a job that need not run: `by' did what it would do, or will. */
static int
attempts_already(struct db *db, struct store_op *op, const struct jobs_row *row,
    int64_t by)
{
	char outcome[64];
	struct jobs_move move = { .job = row->lanes.id,
		.to = JOB_DONE,
		.at_ms = op->in.start.now_ms,
		.outcome = outcome };
	int rc;

	(void)snprintf(outcome, sizeof(outcome), "already: job %lld",
	    (long long)by);
	op->res.rc = STORE_EXISTS;
	op->res.id = by;
	if ((rc = jobs_move(db, &move)) != SQLITE_OK)
		return (rc);
	return (jobs_end(db, op, row, &move));
}

int
attempts_start(struct db *db, struct store_op *op)
{
	struct store_attempt at = { .started_at_ms = op->in.start.now_ms };
	int64_t job = op->in.start.job;
	struct jobs_row row;
	int64_t by = 0;
	int rc;

	if ((rc = jobs_load(db, op, job, &row)) != SQLITE_ROW)
		return (rc == SQLITE_DONE ? SQLITE_OK : rc);
	if (!job_may_move(row.state, JOB_RUNNING))
		return (jobs_refuse(op, STORE_LOST,
		    "the job is in a state in which it cannot start"));
	if (row.behind != 0)
		return (jobs_refuse(op, STORE_REFUSED,
		    "the job stands behind another of its order"));
	if ((rc = attempts_skipped(db, op, &row, &by)) != SQLITE_OK)
		return (rc);
	if (by != 0)
		return (attempts_already(db, op, &row, by));
	row.attempts++;
	if ((rc = jobs_start(db, job)) != SQLITE_OK ||
	    (rc = attempts_insert(db, job, row.attempts, &at, NULL)) !=
		SQLITE_OK)
		return (rc);
	return (jobs_report_one(db, op, &row));
}

/*
 * An alarm that is to be tried again ends instead if nobody needs it now, or
 * somebody has acknowledged it.
 */
static int
attempts_alarm(struct db *db, const struct jobs_row *row,
    struct jobs_move *move)
{
	sqlite3_stmt *st;
	int rc;

	if (row->guards == 0 || move->to != JOB_WAITING)
		return (SQLITE_OK);
	if ((st = db_stmt(db, SQL_ALARM_NEEDLESS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, row->guards);
	(void)sqlite3_bind_int64(st, 2, row->lanes.id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		move->to = JOB_DONE;
		move->outcome = sqlite3_column_int(st, 0) != 0 ? "cancelled"
							       : "acknowledged";
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* The attempt that ends: it has a row if the job was started. */
static int
attempts_record(struct db *db, const struct store_outcome *out,
    const struct jobs_row *row)
{
	if (row->state == JOB_RUNNING)
		return (attempts_end(db, out, row->attempts));
	if (out->attempt == NULL)
		return (SQLITE_OK);
	return (attempts_insert(db, out->job, row->attempts + 1, out->attempt,
	    out->outcome));
}

/* Is it this attempt that may end: under way; or (0) one that never started? */
static bool
attempts_is_current(const struct jobs_row *row, unsigned number)
{
	if (number == 0)
		return (job_may_move(row->state, JOB_RUNNING));
	return (row->state == JOB_RUNNING && row->attempts == number);
}

/* May the job that moved up end as `already' instead of being begun? */
static int
attempts_may_skip(struct db *db, const struct store_op *op,
    const struct jobs_row *row, bool *ret_may)
{
	bool (*once)(const char *) = op->in.finish.once;
	int64_t by = 0;
	int rc = SQLITE_OK;

	if (row->replay_of == 0 && once != NULL &&
	    once(op->res.runnable[0].ev->type))
		rc = served_by(db, &row->lanes, &by);
	*ret_may = by != 0 || row->lanes.source != row->lanes.event;
	return (rc);
}

/* Begin the one job that moved up, in the commit that let it. */
static int
attempts_begin_next(struct db *db, struct store_op *op)
{
	struct store_attempt at = { .started_at_ms = op->in.finish.at_ms };
	struct store_job *job;
	struct jobs_row row;
	bool skip;
	int rc;

	if (op->res.nrunnable != 1 || op->res.runnable[0].attempts != 0)
		return (SQLITE_OK);
	job = arena_dup(&op->res_mem, op->res.runnable, sizeof(*job));
	if (job == NULL)
		return (SQLITE_NOMEM);
	if ((rc = jobs_load(db, op, job->id, &row)) != SQLITE_ROW)
		return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	rc = attempts_may_skip(db, op, &row, &skip);
	if (rc != SQLITE_OK || skip)
		return (rc);
	job->attempts = 1;
	store_event_narrow(job->ev, job->place);
	if ((rc = jobs_start(db, job->id)) != SQLITE_OK ||
	    (rc = attempts_insert(db, job->id, job->attempts, &at, NULL)) !=
		SQLITE_OK ||
	    (rc = events_load_body(db, job->ev)) != SQLITE_OK)
		return (rc);
	op->res.runnable = job;
	op->res.begun = true;
	return (SQLITE_OK);
}

int
attempts_finish(struct db *db, struct store_op *op)
{
	const struct store_outcome *out = &op->in.finish;
	struct jobs_move move = { .job = out->job,
		.to = out->to,
		.due_at = out->due_at,
		.at_ms = out->at_ms,
		.outcome = out->outcome };
	struct jobs_row row;
	int rc;

	if ((rc = jobs_load(db, op, out->job, &row)) != SQLITE_ROW)
		return (rc == SQLITE_DONE ? SQLITE_OK : rc);
	if (!job_may_move(JOB_RUNNING, out->to))
		return (jobs_refuse(op, STORE_REFUSED,
		    "no attempt ends in such a state"));
	if (!attempts_is_current(&row, out->number))
		return (jobs_refuse(op, STORE_LOST,
		    "the job has ended, or another attempt is under way"));

	move.begun = row.state == JOB_RUNNING ? 0 : 1;
	if ((rc = attempts_alarm(db, &row, &move)) != SQLITE_OK ||
	    (rc = jobs_move(db, &move)) != SQLITE_OK ||
	    (rc = attempts_record(db, out, &row)) != SQLITE_OK)
		return (rc);
	for (size_t i = 0; i < out->nwrites; i++)
		if ((rc = orders_write(db, &out->writes[i])) != SQLITE_OK)
			return (rc);
	if (out->served && out->to == JOB_DONE &&
	    (rc = served_write(db, &row.lanes)) != SQLITE_OK)
		return (rc);
	if (!job_is_end(move.to))
		return (SQLITE_OK);
	rc = jobs_end(db, op, &row, &move);
	return (rc == SQLITE_OK && out->begin_next ? attempts_begin_next(db, op)
						   : rc);
}

int
attempts_recover(struct db *db, int64_t now_ms)
{
	sqlite3_stmt *st;
	int rc;

	if ((rc = db_exec(db, SQL_BEGIN)) != SQLITE_OK)
		return (rc);
	rc = db_exec(db, SQL_RECOVER_ATTEMPTS);
	if (rc == SQLITE_OK) {
		if ((st = db_stmt(db, SQL_RECOVER_ALARMS)) != NULL)
			(void)sqlite3_bind_int64(st, 1, now_ms);
		rc = db_run(db, st);
	}
	if (rc == SQLITE_OK)
		rc = db_exec(db, SQL_RECOVER_JOBS);
	if (rc == SQLITE_OK)
		rc = db_exec(db, SQL_COMMIT);
	if (rc != SQLITE_OK && sqlite3_get_autocommit(db->conn) == 0)
		(void)db_exec(db, SQL_ROLLBACK);
	return (rc);
}
