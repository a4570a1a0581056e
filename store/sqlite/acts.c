/* What is done by hand, to jobs and to handlers. */
#include <stdio.h>
#include <stdlib.h>

#include "store/sqlite/sqlite.h"

/*
 * The last of the jobs that repeat `job', or job itself: replays form one
 * chain, however often the first is named. ret_open: it has not ended.
 */
static int
acts_last(struct db *db, int64_t job, int64_t *ret_last, bool *ret_open)
{
	sqlite3_stmt *st;
	int rc;

	*ret_last = job;
	*ret_open = false;
	do {
		if ((st = db_stmt(db, SQL_JOB_REPLAY)) == NULL)
			return (sqlite3_extended_errcode(db->conn));
		(void)sqlite3_bind_int64(st, 1, *ret_last);
		if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			*ret_last = sqlite3_column_int64(st, 0);
			*ret_open = sqlite3_column_int(st, 1) != 0;
		}
		(void)sqlite3_reset(st);
	} while (rc == SQLITE_ROW);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* SQLITE_ROW: the look-up by that number finds something. */
static int
acts_find(struct db *db, enum db_sql which, int64_t number)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, which)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, number);
	rc = sqlite3_step(st);
	(void)sqlite3_reset(st);
	return (rc);
}

/* Whose number the key of a new replay bears. */
static int
acts_key(struct db *db, int64_t job, bool anew)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_JOB_KEY)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job);
	(void)sqlite3_bind_int(st, 2, anew);
	return (db_run(db, st));
}

/* Write the replay of row, the last of its chain being `last'. */
static int
acts_repeat(struct db *db, struct store_op *op, const struct jobs_row *row,
    int64_t last)
{
	struct store_job_spec spec = { .handler = row->lanes.handler,
		.place = row->lanes.place,
		.ordered = row->ordered,
		.guards = STORE_NO_GUARD };
	struct jobs_new new = { .event = row->lanes.event,
		.spec = &spec,
		.replay_of = last };
	const struct events_want want = { EVENTS_ORDERS, STORE_WHOLE_EVENT };
	struct store_event *ev;
	struct store_job *job;
	bool runs;
	int rc;

	if ((job = arena_alloc(&op->res_mem, sizeof(*job))) == NULL)
		return (SQLITE_NOMEM);
	rc = events_load(db, op, new.event, &want, &ev);
	if (rc != SQLITE_OK)
		return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	new.ev = ev;
	if ((rc = jobs_insert(db, &new, job, &runs)) != SQLITE_OK ||
	    (rc = acts_key(db, job->id, op->in.act.act == STORE_REPLAY_ANEW)) !=
		SQLITE_OK)
		return (rc);
	job->ev = ev;
	op->res.id = job->id;
	op->res.runnable = job;
	op->res.nrunnable = runs ? 1 : 0;
	return (SQLITE_OK);
}

static int
acts_replay(struct db *db, struct store_op *op, const struct jobs_row *row)
{
	char reason[128];
	int64_t last;
	bool open;
	int rc;

	if (row->guards != 0)
		return (jobs_refuse(op, STORE_REFUSED,
		    "an alarm is not replayed: replay the job that it "
		    "guards"));
	if (!job_is_end(row->state))
		return (jobs_refuse(op, STORE_REFUSED,
		    "the job has not ended: there is nothing to replay"));
	if ((rc = acts_find(db, SQL_JOB_SUPERSEDED, row->lanes.id)) ==
	    SQLITE_ROW)
		return (jobs_refuse(op, STORE_REFUSED,
		    "the event carries a newer record of that order: replay "
		    "the job that sent it"));
	if (rc != SQLITE_DONE)
		return (rc);
	if ((rc = acts_last(db, row->lanes.id, &last, &open)) != SQLITE_OK)
		return (rc);
	if (open) {
		(void)snprintf(reason, sizeof(reason),
		    "the job is replayed already, as job %lld, which has not "
		    "ended",
		    (long long)last);
		return (jobs_refuse(op, STORE_REFUSED, reason));
	}
	if ((rc = acts_find(db, SQL_JOB_REPLAYABLE, row->lanes.source)) ==
	    SQLITE_DONE)
		return (jobs_refuse(op, STORE_REFUSED,
		    "the body of the job's event has been purged"));
	if (rc != SQLITE_ROW)
		return (rc);
	return (acts_repeat(db, op, row, last));
}

static int
acts_retry(struct db *db, struct store_op *op, const struct jobs_row *row)
{
	struct jobs_move move = { .job = row->lanes.id, .to = JOB_WAITING };
	int rc;

	if (row->state != JOB_WAITING)
		return (jobs_refuse(op, STORE_REFUSED,
		    "only a waiting job can be made due"));
	if ((rc = jobs_move(db, &move)) != SQLITE_OK || row->behind != 0)
		return (rc);
	return (jobs_report_one(db, op, row));
}

/* Nothing more is to be done about the job: it does not count as dead. */
static int
acts_note_discard(struct db *db, struct store_op *op,
    const struct jobs_row *row, const char *outcome)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_JOB_DISCARD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, row->lanes.id);
	(void)sqlite3_bind_int64(st, 2, op->in.act.now_ms);
	db_bind_text(st, 3, outcome);
	(void)sqlite3_bind_int64(st, 4, row->state == JOB_DEAD);
	return (db_run(db, st));
}

static int
acts_discard(struct db *db, struct store_op *op, const struct jobs_row *row)
{
	const char *why = op->in.act.why;
	const struct jobs_move move = { .job = row->lanes.id,
		.to = JOB_DEAD,
		.at_ms = op->in.act.now_ms };
	char *outcome = NULL;
	int rc;

	if (row->state == JOB_RUNNING || row->state == JOB_DONE)
		return (jobs_refuse(op, STORE_REFUSED,
		    "a job that is running or done cannot be discarded"));
	if (row->state == JOB_DEAD &&
	    (rc = acts_find(db, SQL_JOB_IS_DEAD, row->lanes.id)) != SQLITE_ROW)
		return (rc != SQLITE_DONE
			    ? rc
			    : jobs_refuse(op, STORE_REFUSED,
				  "the job is discarded or replayed already"));
	if (why != NULL && asprintf(&outcome, "discarded: %s", why) == -1)
		return (SQLITE_NOMEM);
	rc = row->state == JOB_DEAD ? SQLITE_OK : jobs_move(db, &move);
	if (rc == SQLITE_OK)
		rc = acts_note_discard(db, op, row,
		    outcome != NULL ? outcome : "discarded");
	free(outcome);
	if (rc != SQLITE_OK || row->state == JOB_DEAD)
		return (rc);
	return (jobs_end(db, op, row, &move));
}

/* Somebody has seen that the alarm rang: it is not tried again. */
static int
acts_acknowledge(struct db *db, struct store_op *op, const struct jobs_row *row)
{
	const struct jobs_move move = { .job = row->lanes.id,
		.to = JOB_DONE,
		.at_ms = op->in.act.now_ms,
		.outcome = "acknowledged" };
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_ALARM_ACKNOWLEDGE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, row->lanes.id);
	(void)sqlite3_bind_int64(st, 2, op->in.act.now_ms);
	db_bind_text(st, 3, op->in.act.why != NULL ? op->in.act.why : "");
	if ((rc = db_run(db, st)) != SQLITE_OK)
		return (rc);
	if (sqlite3_changes(db->conn) == 0)
		return (jobs_refuse(op, STORE_REFUSED,
		    "it is no alarm that rang, or it was acknowledged "
		    "already"));
	if (row->state != JOB_WAITING)
		return (SQLITE_OK);
	if ((rc = jobs_move(db, &move)) != SQLITE_OK)
		return (rc);
	return (jobs_end(db, op, row, &move));
}

int
acts_run(struct db *db, struct store_op *op)
{
	struct jobs_row row;
	int rc;

	if ((rc = jobs_load(db, op, op->in.act.job, &row)) != SQLITE_ROW)
		return (rc == SQLITE_DONE ? SQLITE_OK : rc);
	op->res.id = row.lanes.id;
	switch (op->in.act.act) {
	case STORE_REPLAY:
	case STORE_REPLAY_ANEW:
		return (acts_replay(db, op, &row));
	case STORE_RETRY:
		return (acts_retry(db, op, &row));
	case STORE_DISCARD:
		return (acts_discard(db, op, &row));
	case STORE_ACKNOWLEDGE:
		return (acts_acknowledge(db, op, &row));
	}
	return (SQLITE_MISUSE);
}

/* Run a statement that returns one handler's number. SQLITE_ROW: it did. */
static int
acts_handler(struct store_op *op, sqlite3_stmt *st)
{
	int rc, end;

	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		op->res.id = sqlite3_column_int64(st, 0);
		if ((end = sqlite3_step(st)) != SQLITE_DONE)
			rc = end;
	}
	(void)sqlite3_reset(st);
	return (rc);
}

int
acts_register(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_HANDLER_SEEN)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.registered.name);
	(void)sqlite3_bind_int64(st, 2, op->in.registered.now_ms);
	rc = acts_handler(op, st);
	return (rc == SQLITE_ROW ? SQLITE_OK : rc);
}

int
acts_pause(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_HANDLER_PAUSE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.pause.handler);
	if (op->in.pause.by != NULL)
		(void)sqlite3_bind_int64(st, 2, op->in.pause.now_ms);
	db_bind_text(st, 3, op->in.pause.by);
	db_bind_text(st, 4, op->in.pause.why);
	if ((rc = acts_handler(op, st)) == SQLITE_DONE)
		return (jobs_refuse(op, STORE_NOTFOUND,
		    "there is no handler of that name"));
	return (rc == SQLITE_ROW ? SQLITE_OK : rc);
}

int
acts_release(struct db *db, struct store_op *op)
{
	(void)db;
	op->res.id = 0; /* there is no other receiver */
	return (SQLITE_OK);
}

int
acts_unguard(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_ALARM_UNGUARD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.unguard.handler);
	(void)sqlite3_bind_int64(st, 2, op->in.unguard.now_ms);
	rc = db_run(db, st);
	op->res.id = rc == SQLITE_OK ? sqlite3_changes(db->conn) : 0;
	return (rc);
}
