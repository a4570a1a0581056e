/* Lists of jobs, their attempts and the handlers they are for. */
#include "store/sqlite/lists.h"

/* One row of JOB_INFO. Returns 0, or -1 when out of memory. */
static int
lists_job_row(sqlite3_stmt *st, struct arena *a, struct store_job_info *job)
{
	const char *state = (const char *)sqlite3_column_text(st, 3);

	job->id = sqlite3_column_int64(st, 0);
	job->place = sqlite3_column_int(st, 2);
	if (state == NULL || job_state_parse(state, &job->state) == -1)
		job->state = JOB_DEAD;
	job->attempts = (unsigned)sqlite3_column_int64(st, 4);
	job->due_at_ms = sqlite3_column_int64(st, 5);
	job->finished_at_ms = sqlite3_column_int64(st, 6);
	job->replay_of = sqlite3_column_int64(st, 10);
	job->replayed_by = sqlite3_column_int64(st, 11);
	job->discarded_at_ms = sqlite3_column_int64(st, 13);
	job->guards = sqlite3_column_int64(st, 15);
	job->rang_at_ms = sqlite3_column_int64(st, 17);
	job->acknowledged_at_ms = sqlite3_column_int64(st, 18);
	if (db_column_text(st, 1, a, &job->handler) == -1 ||
	    db_column_text(st, 7, a, &job->outcome) == -1 ||
	    db_column_text(st, 8, a, &job->event_id) == -1 ||
	    db_column_text(st, 9, a, &job->type) == -1 ||
	    db_column_text(st, 12, a, &job->scope) == -1 ||
	    db_column_text(st, 14, a, &job->order_id) == -1 ||
	    db_column_text(st, 16, a, &job->guarded) == -1 ||
	    db_column_text(st, 19, a, &job->acknowledged_by) == -1)
		return (-1);
	return (0);
}

/* All rows of a bound statement. */
static int
lists_job_rows(struct store_op *op, sqlite3_stmt *st,
    struct store_job_info **ret_jobs, size_t *ret_n)
{
	struct store_job_info *jobs = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		jobs = arena_more(&op->res_mem, jobs, n, &room, sizeof(*jobs));
		if (jobs == NULL ||
		    lists_job_row(st, &op->res_mem, &jobs[n]) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	if (rc != SQLITE_DONE)
		return (rc);
	*ret_jobs = jobs;
	*ret_n = n;
	return (SQLITE_OK);
}

int
lists_jobs_of_event(struct db *db, struct store_op *op, size_t max,
    struct store_event_info *info)
{
	struct store_job_info *jobs = NULL;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_EVENT_JOBS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, info->ev->id);
	(void)sqlite3_bind_int64(st, 2, (int64_t)max); /* -1: all */
	rc = lists_job_rows(op, st, &jobs, &info->njobs);
	info->jobs = jobs;
	return (rc);
}

/*
 * The statement that finds what the filter names by an index, or walks along
 * the jobs in w.
 */
static enum db_sql
lists_jobs_sql(const struct store_job_filter *f, const struct walk *w)
{
	if (f->rang)
		return (
		    f->unacknowledged ? SQL_LIST_ALARMS_OPEN : SQL_LIST_ALARMS);
	if (f->event_id != NULL)
		return (SQL_LIST_JOBS_OF_EVENT);
	if (f->order_id != NULL)
		return (SQL_LIST_JOBS_OF_ORDER);
	if (w->of_time)
		return (SQL_LIST_JOBS_OF_TIME);
	if (w->back)
		return (SQL_LIST_JOBS);
	if (f->pending)
		return (SQL_LIST_JOBS_OPEN);
	if (f->any_state || f->state == JOB_DONE)
		return (SQL_LIST_JOBS);
	return (f->state == JOB_DEAD ? SQL_LIST_JOBS_DEAD : SQL_LIST_JOBS_OPEN);
}

/* Each of the jobs that the filter names by number. */
static int
lists_jobs_numbered(struct db *db, struct store_op *op)
{
	const struct store_job_filter *f = &op->in.jobs;
	struct store_job_info *jobs;
	sqlite3_stmt *st;
	size_t n = 0;
	int rc = SQLITE_DONE;

	jobs = arena_array(&op->res_mem, f->nnumbers, sizeof(*jobs));
	if (jobs == NULL)
		return (SQLITE_NOMEM);
	for (size_t i = 0; i < f->nnumbers && rc == SQLITE_DONE; i++) {
		if ((st = db_stmt(db, SQL_GET_JOB)) == NULL)
			return (sqlite3_extended_errcode(db->conn));
		(void)sqlite3_bind_int64(st, 1, f->numbers[i]);
		if ((rc = sqlite3_step(st)) == SQLITE_ROW)
			rc = lists_job_row(st, &op->res_mem, &jobs[n++]) == -1
				 ? SQLITE_NOMEM
				 : SQLITE_DONE;
		(void)sqlite3_reset(st);
	}
	op->jobs = jobs;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lists_jobs(struct db *db, struct store_op *op)
{
	const struct store_job_filter *f = &op->in.jobs;
	sqlite3_stmt *st;
	const struct walk_asks asks = walk_asks(db);
	struct walk w;
	int rc;

	if (f->nnumbers > 0)
		return (lists_jobs_numbered(db, op));
	if ((rc = walk_jobs(&asks, f, &w)) != SQLITE_OK)
		return (rc);
	if ((st = db_stmt(db, lists_jobs_sql(f, &w))) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, w.high);
	if (f->pending)
		db_bind_text(st, 2, "pending");
	else if (!f->any_state)
		db_bind_text(st, 2, job_state_name(f->state));
	db_bind_text(st, 3, f->handler);
	db_bind_text(st, 4, f->event_id);
	db_bind_text(st, 5, f->order_id);
	db_bind_text(st, 6, f->type);
	(void)sqlite3_bind_int64(st, 7, f->since_ms);
	(void)sqlite3_bind_int64(st, 8, f->until_ms);
	(void)sqlite3_bind_int64(st, 9, f->newest);
	(void)sqlite3_bind_int64(st, 10, (int64_t)f->limit);
	db_bind_text(st, 11, f->scope);
	(void)sqlite3_bind_int64(st, 12, w.low);
	(void)sqlite3_bind_int64(st, 13, walk_before(f->until_ms));
	rc = lists_job_rows(op, st, &op->jobs, &op->nrows);
	if (rc != SQLITE_OK)
		return (rc);
	return (walk_end(&asks, WALK_JOBS, &w, op->nrows,
	    op->nrows > 0 ? op->jobs[op->nrows - 1].id : 0, &op->scan));
}

/* One row of SQL_LIST_ATTEMPTS. Returns 0, or -1 when out of memory. */
static int
lists_attempt_row(sqlite3_stmt *st, struct arena *a,
    struct store_attempt_info *at)
{
	const void *answer = sqlite3_column_blob(st, 5);

	at->job = sqlite3_column_int64(st, 6);
	at->number = (unsigned)sqlite3_column_int64(st, 0);
	at->started_at_ms = sqlite3_column_int64(st, 1);
	at->duration_ms = sqlite3_column_int64(st, 2);
	at->code = sqlite3_column_int(st, 4);
	if (answer != NULL) {
		at->answer_len = (size_t)sqlite3_column_bytes(st, 5);
		at->answer = arena_dup(a, answer, at->answer_len);
		if (at->answer == NULL)
			return (-1);
	}
	return (db_column_text(st, 3, a, &at->outcome));
}

/* All rows of a bound statement. */
static int
lists_attempt_rows(struct store_op *op, sqlite3_stmt *st)
{
	struct store_attempt_info *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = arena_more(&op->res_mem, rows, n, &room, sizeof(*rows));
		if (rows == NULL ||
		    lists_attempt_row(st, &op->res_mem, &rows[n]) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	op->attempts = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lists_attempts(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_LIST_ATTEMPTS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.job);
	return (lists_attempt_rows(op, st));
}

int
lists_event_attempts(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_LIST_EVENT_ATTEMPTS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.event);
	(void)sqlite3_bind_int64(st, 2, STORE_PAGE_MAX);
	return (lists_attempt_rows(op, st));
}

/* One row of SQL_LIST_HANDLERS. Returns 0, or -1 when out of memory. */
static int
lists_handler_row(sqlite3_stmt *st, struct arena *a,
    struct store_handler_info *h)
{
	h->number = sqlite3_column_int64(st, 0);
	h->last_seen_ms = sqlite3_column_int64(st, 2);
	h->paused_at_ms = sqlite3_column_int64(st, 3);
	h->unfinished = (uint64_t)sqlite3_column_int64(st, 6);
	h->dead = (uint64_t)sqlite3_column_int64(st, 7);
	h->dead_alerts = (uint64_t)sqlite3_column_int64(st, 8);
	h->oldest_ms = sqlite3_column_int64(st, 9);
	h->oldest.ms = sqlite3_column_int64(st, 10);
	if (db_column_text(st, 1, a, &h->name) == -1 ||
	    db_column_text(st, 4, a, &h->paused_by) == -1 ||
	    db_column_text(st, 5, a, &h->paused_why) == -1)
		return (-1);
	return (0);
}

int
lists_handlers(struct db *db, struct store_op *op)
{
	struct store_handler_info *rows = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_LIST_HANDLERS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = arena_more(&op->res_mem, rows, n, &room, sizeof(*rows));
		if (rows == NULL ||
		    lists_handler_row(st, &op->res_mem, &rows[n]) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	op->handlers = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}
