/* Jobs: made with their event, moved, found when they may run. */
#include <string.h>

#include "store/sqlite/headers.h"
#include "store/sqlite/sqlite.h"

/* The state in which a job begins; an alarm, or one due later, waits. */
static enum job_state
jobs_first_state(const struct jobs_new *new)
{
	if (job_is_end(new->spec->born))
		return (new->spec->born);
	return (new->guards != 0 || new->spec->due_at.ms != 0 ? JOB_WAITING
							      : JOB_READY);
}

static int
jobs_insert_row(struct db *db, const struct jobs_new *new)
{
	const struct store_job_spec *spec = new->spec;
	enum job_state state = jobs_first_state(new);
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_JOB_INSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, new->event);
	(void)sqlite3_bind_int64(st, 2, spec->place);
	(void)sqlite3_bind_int64(st, 3, spec->handler);
	db_bind_text(st, 4, job_state_name(state));
	(void)sqlite3_bind_int64(st, 5, spec->due_at.ms);
	(void)sqlite3_bind_int64(st, 6, spec->ordered && new->guards == 0);
	if (new->guards != 0)
		(void)sqlite3_bind_int64(st, 7, new->guards);
	if (new->replay_of != 0)
		(void)sqlite3_bind_int64(st, 8, new->replay_of);
	if (job_is_end(state))
		(void)sqlite3_bind_int64(st, 9, new->ev->received_at_ms);
	db_bind_text(st, 10, spec->outcome);
	return (db_run(db, st));
}

int
jobs_insert(struct db *db, const struct jobs_new *new, struct store_job *job,
    bool *ret_runs)
{
	const struct store_job_spec *spec = new->spec;
	int64_t behind = 0;
	sqlite3_stmt *st;
	int rc;

	if ((rc = jobs_insert_row(db, new)) != SQLITE_OK)
		return (rc);
	job->id = sqlite3_last_insert_rowid(db->conn);
	job->handler = spec->handler;
	job->place = spec->place;
	job->guards = new->guards;
	job->replay = new->replay_of != 0;
	*ret_runs = !job_is_end(spec->born) && spec->due_at.ms == 0;
	if (!spec->ordered || job->guards != 0 || job_is_end(spec->born))
		return (SQLITE_OK);
	rc = lanes_enter(db, new->ev, spec, job->id, &behind);
	if (rc != SQLITE_OK || behind == 0)
		return (rc);
	*ret_runs = false;
	if ((st = db_stmt(db, SQL_JOB_BEHIND)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job->id);
	(void)sqlite3_bind_int64(st, 2, behind);
	return (db_run(db, st));
}

/*
 * Is this alarm of a repeat for a job that will end as `already'? Then the
 * original's rings, or has no need to.
 */
static int
jobs_needs_no_alarm(struct db *db, const struct store_op *op,
    const struct store_job_spec *spec, bool *ret_needless)
{
	const struct store_job_spec *guarded;
	int64_t by = 0;
	int rc = SQLITE_OK;

	if (op->res.repeat_of != 0 && spec->guards != STORE_NO_GUARD) {
		guarded = &op->in.append.jobs[spec->guards];
		rc = repeats_stands(db,
		    &(struct lanes_job){ .event = op->res.id,
			.source = op->res.repeat_of,
			.place = guarded->place,
			.handler = guarded->handler },
		    &by);
	}
	*ret_needless = by != 0;
	return (rc);
}

int
jobs_make(struct db *db, struct store_op *op)
{
	size_t njobs = op->in.append.njobs;
	struct jobs_new new = { .ev = op->in.append.ev, .event = op->res.id };
	struct store_job *jobs;
	size_t n = 0;
	int64_t *ids;
	bool runs, needless;
	int rc;

	jobs = arena_array(&op->res_mem, njobs, sizeof(*jobs));
	ids = arena_array(&op->res_mem, njobs, sizeof(*ids));
	if (jobs == NULL || ids == NULL)
		return (SQLITE_NOMEM);
	for (size_t i = 0; i < njobs; i++) {
		new.spec = &op->in.append.jobs[i];
		rc = jobs_needs_no_alarm(db, op, new.spec, &needless);
		if (rc != SQLITE_OK)
			return (rc);
		if (needless)
			continue;
		new.guards = new.spec->guards == STORE_NO_GUARD
				 ? 0
				 : ids[new.spec->guards];
		rc = jobs_insert(db, &new, &jobs[n], &runs);
		if (rc != SQLITE_OK)
			return (rc);
		ids[i] = jobs[n].id;
		if (runs)
			jobs[n++].ev = op->in.append.ev;
	}
	op->res.runnable = jobs;
	op->res.nrunnable = n;
	return (SQLITE_OK);
}

int
jobs_refuse(struct store_op *op, enum store_rc rc, const char *reason)
{
	store_op_fail(op, rc, reason);
	return (SQLITE_OK);
}

int
jobs_load(struct db *db, struct store_op *op, int64_t id, struct jobs_row *row)
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
		row->behind = sqlite3_column_int64(st, 5);
		row->ordered = sqlite3_column_int(st, 6) != 0;
		row->guards = sqlite3_column_int64(st, 7);
		row->replay_of = sqlite3_column_int64(st, 8);
		row->lanes.source = sqlite3_column_int64(st, 9);
		row->key_of = sqlite3_column_int64(st, 10);
		row->due.ms = sqlite3_column_int64(st, 11);
	}
	(void)sqlite3_reset(st);
	if (rc == SQLITE_DONE)
		(void)jobs_refuse(op, STORE_NOTFOUND, "there is no such job");
	return (rc);
}

int
jobs_start(struct db *db, int64_t job)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_JOB_START)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job);
	return (db_run(db, st));
}

int
jobs_move(struct db *db, const struct jobs_move *move)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_JOB_MOVE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, move->job);
	db_bind_text(st, 2, job_state_name(move->to));
	(void)sqlite3_bind_int64(st, 3,
	    move->to == JOB_WAITING ? move->due_at.ms : 0);
	if (job_is_end(move->to))
		(void)sqlite3_bind_int64(st, 4, move->at_ms);
	db_bind_text(st, 5, move->outcome);
	(void)sqlite3_bind_int64(st, 6, move->begun);
	return (db_run(db, st));
}

/* Append a job to the results, with its event; consecutive ones share it. */
static int
jobs_report(struct db *db, struct store_op *op, struct store_job *job,
    int64_t event)
{
	const struct events_want want = { EVENTS_ORDERS, STORE_WHOLE_EVENT };
	struct store_loaded *last = op->loaded;
	int rc;

	if (last != NULL && last->ev->id == event) {
		job->ev = last->ev;
		return (SQLITE_OK);
	}
	rc = events_load(db, op, event, &want, &job->ev);
	return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
}

static void
jobs_fill(const struct jobs_row *row, struct store_job *job)
{
	job->id = row->lanes.id;
	job->handler = row->lanes.handler;
	job->place = row->lanes.place;
	job->attempts = row->attempts;
	job->replay = row->replay_of != 0;
	job->guards = row->guards;
	job->key_of = row->key_of;
}

int
jobs_report_one(struct db *db, struct store_op *op, const struct jobs_row *row)
{
	bool starts = op->kind == STORE_OP_START;
	const struct events_want want = {
		.part = starts ? EVENTS_WHOLE : EVENTS_ORDERS,
		.place = row->lanes.place,
	};
	struct store_job *job;
	int rc;

	if ((job = arena_alloc(&op->res_mem, sizeof(*job))) == NULL)
		return (SQLITE_NOMEM);
	jobs_fill(row, job);
	if (starts && (job->ev = op->in.start.ev) != NULL)
		rc = events_load_body(db, job->ev);
	else
		rc = events_load(db, op, row->lanes.event, &want, &job->ev);
	if (rc == SQLITE_OK && starts && op->in.start.headers)
		rc = headers_load(db, job->ev);
	if (rc != SQLITE_OK)
		return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	op->res.runnable = job;
	op->res.nrunnable = 1;
	return (SQLITE_OK);
}

/* A job has moved up: add it if it may run now, else note when it comes due. */
static int
jobs_report_moved(struct db *db, struct store_op *op, int64_t id,
    struct store_job *jobs, size_t *n)
{
	struct steady_time *next_due = &op->res.next_due;
	struct jobs_row row;
	int rc;

	if ((rc = jobs_load(db, op, id, &row)) != SQLITE_ROW)
		return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	if (row.behind != 0)
		return (SQLITE_OK);
	if (row.state == JOB_READY ||
	    (row.state == JOB_WAITING && row.due.ms == 0)) {
		jobs_fill(&row, &jobs[*n]);
		return (jobs_report(db, op, &jobs[(*n)++], row.lanes.event));
	}
	if (row.state == JOB_WAITING &&
	    (next_due->ms == 0 || steady_before(row.due, *next_due)))
		*next_due = row.due;
	return (SQLITE_OK);
}

/* Those of the jobs that moved up that may run, in the results. */
static int
jobs_report_next(struct db *db, struct store_op *op,
    const struct lanes_next *next)
{
	struct store_job *jobs;
	size_t n = 0;
	int rc;

	jobs = arena_array(&op->res_mem, next->n, sizeof(*jobs));
	if (jobs == NULL)
		return (SQLITE_NOMEM);
	for (size_t i = 0; i < next->n; i++) {
		rc = jobs_report_moved(db, op, next->jobs[i], jobs, &n);
		if (rc != SQLITE_OK)
			return (rc);
	}
	op->res.runnable = jobs;
	op->res.nrunnable = n;
	return (SQLITE_OK);
}

/* Cancel the alarms of that one job. */
static int
jobs_cancel_alarm(struct db *db, int64_t job, int64_t at_ms)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_ALARM_FIND)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job);
	rc = sqlite3_step(st);
	(void)sqlite3_reset(st);
	if (rc != SQLITE_ROW)
		return (rc == SQLITE_DONE ? SQLITE_OK : rc);
	if ((st = db_stmt(db, SQL_ALARM_CANCEL)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job);
	(void)sqlite3_bind_int64(st, 2, at_ms);
	return (db_run(db, st));
}

/* A job that is done needs no alarm: neither its own nor its original's. */
static int
jobs_cancel_alarms(struct db *db, struct store_op *op,
    const struct jobs_row *done, int64_t at_ms)
{
	struct jobs_row row = *done;
	int rc;

	for (;;) {
		rc = jobs_cancel_alarm(db, row.lanes.id, at_ms);
		if (rc != SQLITE_OK || row.replay_of == 0)
			return (rc);
		if ((rc = jobs_load(db, op, row.replay_of, &row)) != SQLITE_ROW)
			return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	}
}

int
jobs_end(struct db *db, struct store_op *op, const struct jobs_row *row,
    const struct jobs_move *move)
{
	struct lanes_next next = { 0 };
	int rc;

	if (move->to == JOB_DONE) {
		rc = jobs_cancel_alarms(db, op, row, move->at_ms);
		if (rc != SQLITE_OK)
			return (rc);
	}
	if (!row->ordered)
		return (SQLITE_OK);
	rc = lanes_leave(db, op, &row->lanes, &next);
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
	(void)sqlite3_bind_int64(st, 2, op->in.runnable.now.ms);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		op->res.next_due.ms = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
jobs_runnable(struct db *db, struct store_op *op)
{
	struct store_job *jobs = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_JOB_RUNNABLE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.runnable.handler);
	(void)sqlite3_bind_int64(st, 2, op->in.runnable.now.ms);
	(void)sqlite3_bind_int64(st, 3, (int64_t)op->in.runnable.limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		jobs = arena_more(&op->res_mem, jobs, n, &room, sizeof(*jobs));
		if (jobs == NULL) {
			rc = SQLITE_NOMEM;
			break;
		}
		jobs[n].id = sqlite3_column_int64(st, 0);
		jobs[n].handler = op->in.runnable.handler;
		jobs[n].place = sqlite3_column_int(st, 2);
		jobs[n].attempts = (unsigned)sqlite3_column_int(st, 3);
		jobs[n].replay = sqlite3_column_int(st, 4) != 0;
		jobs[n].guards = sqlite3_column_int64(st, 5);
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
