/* Jobs: made with their event, moved by outcomes, found when they may run. */
#include <string.h>

#include "store/sqlite/sqlite.h"

/* Make one job; its id is 0 if it has to wait behind another. */
static int
jobs_make_one(struct db *db, const struct store_event *ev, int64_t event,
    const struct store_job_spec *spec, struct store_job *job)
{
	int64_t behind = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_JOB_INSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, event);
	(void)sqlite3_bind_int64(st, 2, spec->place);
	(void)sqlite3_bind_int64(st, 3, spec->handler);
	if ((rc = db_run(db, st)) != SQLITE_OK)
		return (rc);
	job->id = sqlite3_last_insert_rowid(db->conn);
	job->handler = spec->handler;
	job->place = spec->place;
	if (!spec->ordered)
		return (SQLITE_OK);
	rc = lanes_enter(db, ev, spec, job->id, &behind);
	if (rc != SQLITE_OK || behind == 0)
		return (rc);
	if ((st = db_stmt(db, SQL_JOB_BEHIND)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job->id);
	(void)sqlite3_bind_int64(st, 2, behind);
	job->id = 0;
	return (db_run(db, st));
}

int
jobs_make(struct db *db, struct store_op *op, int64_t event)
{
	size_t njobs = op->in.append.njobs;
	struct store_job *jobs;
	size_t n = 0;
	int rc;

	jobs = arena_array(&op->res_mem, njobs, sizeof(*jobs));
	if (jobs == NULL)
		return (SQLITE_NOMEM);
	for (size_t i = 0; i < njobs; i++) {
		rc = jobs_make_one(db, op->in.append.ev, event,
		    &op->in.append.jobs[i], &jobs[n]);
		if (rc != SQLITE_OK)
			return (rc);
		if (jobs[n].id != 0)
			jobs[n++].ev = op->in.append.ev;
	}
	op->res.runnable = jobs;
	op->res.nrunnable = n;
	return (SQLITE_OK);
}

/* A job's row, as far as a verdict needs it. */
struct jobs_row {
	struct lanes_job lanes;
	enum job_state state;
	unsigned attempts;
};

/* SQLITE_ROW: found. SQLITE_DONE: there is none. */
static int
jobs_load(struct db *db, int64_t id, struct jobs_row *row)
{
	const char *state;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_JOB_LOAD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		row->lanes.id = id;
		row->lanes.event = sqlite3_column_int64(st, 0);
		row->lanes.place = sqlite3_column_int(st, 1);
		row->lanes.handler = sqlite3_column_int64(st, 2);
		state = (const char *)sqlite3_column_text(st, 3);
		if (state == NULL || job_state_parse(state, &row->state) == -1)
			rc = SQLITE_CORRUPT;
		row->attempts = (unsigned)sqlite3_column_int(st, 4);
	}
	(void)sqlite3_reset(st);
	return (rc);
}

static int
jobs_move(struct db *db, const struct store_outcome *out)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_JOB_MOVE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, out->job);
	db_bind_text(st, 2, job_state_name(out->to));
	(void)sqlite3_bind_int64(st, 3,
	    out->to == JOB_WAITING ? out->due_at_ms : 0);
	if (job_is_end(out->to))
		(void)sqlite3_bind_int64(st, 4, out->at_ms);
	db_bind_text(st, 5, out->outcome);
	return (db_run(db, st));
}

static int
jobs_attempt(struct db *db, const struct store_outcome *out, unsigned number)
{
	const struct store_attempt *at = out->attempt;
	sqlite3_stmt *st;

	if (at == NULL)
		return (SQLITE_OK);
	if ((st = db_stmt(db, SQL_ATTEMPT_INSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, out->job);
	(void)sqlite3_bind_int64(st, 2, number);
	(void)sqlite3_bind_int64(st, 3, at->started_at_ms);
	(void)sqlite3_bind_int64(st, 4, at->duration_ms);
	db_bind_text(st, 5, out->outcome);
	(void)sqlite3_bind_int64(st, 6, at->code);
	if (at->answer != NULL)
		(void)sqlite3_bind_blob64(st, 7, at->answer, at->answer_len,
		    SQLITE_STATIC);
	return (db_run(db, st));
}

/* Append a job to the results, with its event; consecutive ones share it. */
static int
jobs_report(struct db *db, struct store_op *op, struct store_job *job,
    int64_t event)
{
	struct store_loaded *last = op->loaded;

	if (last != NULL && last->ev->id == event) {
		job->ev = last->ev;
		return (SQLITE_OK);
	}
	return (events_load(db, op, event, false, &job->ev));
}

/* The jobs that moved up, in the results. */
static int
jobs_report_next(struct db *db, struct store_op *op,
    const struct lanes_next *next)
{
	struct jobs_row row;
	struct store_job *jobs;
	int rc;

	jobs = arena_array(&op->res_mem, next->n, sizeof(*jobs));
	if (jobs == NULL)
		return (SQLITE_NOMEM);
	for (size_t i = 0; i < next->n; i++) {
		rc = jobs_load(db, next->jobs[i], &row);
		if (rc != SQLITE_ROW)
			return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
		jobs[i].id = next->jobs[i];
		jobs[i].handler = row.lanes.handler;
		jobs[i].place = row.lanes.place;
		jobs[i].attempts = row.attempts;
		rc = jobs_report(db, op, &jobs[i], row.lanes.event);
		if (rc != SQLITE_OK)
			return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	}
	op->res.runnable = jobs;
	op->res.nrunnable = next->n;
	return (SQLITE_OK);
}

/* End with rc without having written anything. */
static int
jobs_refuse(struct store_op *op, enum store_rc rc, const char *reason)
{
	store_op_fail(op, rc, reason);
	return (SQLITE_OK);
}

int
jobs_finish(struct db *db, struct store_op *op)
{
	const struct store_outcome *out = &op->in.finish;
	struct lanes_next next = { 0 };
	struct jobs_row row;
	int rc;

	if ((rc = jobs_load(db, out->job, &row)) == SQLITE_DONE)
		return (
		    jobs_refuse(op, STORE_NOTFOUND, "there is no such job"));
	if (rc != SQLITE_ROW)
		return (rc);
	if (!(row.state == JOB_RUNNING ||
		job_may_move(row.state, JOB_RUNNING)) ||
	    !job_may_move(JOB_RUNNING, out->to))
		return (jobs_refuse(op, STORE_REFUSED,
		    "the job is in a state that cannot move there"));

	if ((rc = jobs_move(db, out)) != SQLITE_OK ||
	    (rc = jobs_attempt(db, out, row.attempts + 1)) != SQLITE_OK)
		return (rc);
	for (size_t i = 0; i < out->nwrites; i++)
		if ((rc = orders_write(db, &out->writes[i])) != SQLITE_OK)
			return (rc);
	if (!job_is_end(out->to))
		return (SQLITE_OK);
	rc = lanes_leave(db, op, &row.lanes, out->at_ms, &next);
	if (rc != SQLITE_OK)
		return (rc);
	return (jobs_report_next(db, op, &next));
}

static int
jobs_next_due(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_JOB_NEXT_DUE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.runnable.handler);
	(void)sqlite3_bind_int64(st, 2, op->in.runnable.now_ms);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		op->res.next_due_ms = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
jobs_runnable(struct db *db, struct store_op *op)
{
	struct store_job *jobs = NULL, *more;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_JOB_RUNNABLE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.runnable.handler);
	(void)sqlite3_bind_int64(st, 2, op->in.runnable.now_ms);
	(void)sqlite3_bind_int64(st, 3, (int64_t)op->in.runnable.limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (n == room) {
			room = room == 0 ? 16 : room * 2;
			more = arena_array(&op->res_mem, room, sizeof(*more));
			if (more == NULL) {
				rc = SQLITE_NOMEM;
				break;
			}
			if (n > 0)
				memcpy(more, jobs, n * sizeof(*more));
			jobs = more;
		}
		jobs[n].id = sqlite3_column_int64(st, 0);
		jobs[n].handler = op->in.runnable.handler;
		jobs[n].place = sqlite3_column_int(st, 2);
		jobs[n].attempts = (unsigned)sqlite3_column_int(st, 3);
		rc = jobs_report(db, op, &jobs[n], sqlite3_column_int64(st, 1));
		if (rc != SQLITE_OK)
			break;
		n++;
	}
	(void)sqlite3_reset(st);
	if (rc != SQLITE_DONE)
		return (rc);
	op->res.runnable = jobs;
	op->res.nrunnable = n;
	return (jobs_next_due(db, op));
}

int
jobs_register(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_HANDLER_SEEN)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.registered.name);
	(void)sqlite3_bind_int64(st, 2, op->in.registered.now_ms);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		op->res.id = sqlite3_column_int64(st, 0);
		rc = sqlite3_step(st);
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}
