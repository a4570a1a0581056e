/*
 * Lanes: one queue per handler and order (scope and id). A job's place in each
 * is its id, since ids grow with arrival; `behind' in its row counts the lanes
 * in which it is not the first, so that what may run is found by an index
 * alone.
 */
#include "store/sqlite/sqlite.h"

/* An order, as the queue of the jobs that carry it. */
struct lane {
	const char *order_id;
	const char *scope;
};

/* Bind the lane and the job to a statement on the table lanes. */
static sqlite3_stmt *
lanes_stmt(struct db *db, enum db_sql which, int64_t handler,
    const struct lane *lane, int64_t job)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, which)) == NULL)
		return (NULL);
	(void)sqlite3_bind_int64(st, 1, handler);
	db_bind_text(st, 2, lane->order_id);
	db_bind_text(st, 4, lane->scope);
	(void)sqlite3_bind_int64(st, 3, job);
	return (st);
}

/* The first value of the one row there may be; 0 if there is none. */
static int
lanes_look(struct db *db, sqlite3_stmt *st, int64_t *ret_value)
{
	int rc;

	if (st == NULL)
		return (sqlite3_extended_errcode(db->conn));
	rc = sqlite3_step(st);
	*ret_value = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lanes_enter(struct db *db, const struct store_event *ev,
    const struct store_job_spec *spec, int64_t job, int64_t *ret_behind)
{
	int64_t behind = 0, earlier = 0;
	int rc;

	for (size_t i = 0; i < ev->norders; i++) {
		struct lane lane = { .order_id = ev->orders[i].order_id,
			.scope = ev->scope };

		if (spec->place != STORE_WHOLE_EVENT &&
		    spec->place != ev->orders[i].place)
			continue;
		rc = db_run(db,
		    lanes_stmt(db, SQL_LANE_INSERT, spec->handler, &lane, job));
		if (rc != SQLITE_OK)
			return (rc);
		/* An order that stands twice in the event has one lane. */
		if (sqlite3_changes(db->conn) == 0)
			continue;
		rc = lanes_look(db,
		    lanes_stmt(db, SQL_LANE_EARLIER, spec->handler, &lane, job),
		    &earlier);
		if (rc != SQLITE_OK)
			return (rc);
		behind += earlier;
	}
	*ret_behind = behind;
	return (SQLITE_OK);
}

/* One lane less stands before this job: note it, once. */
static int
lanes_advance(struct db *db, int64_t job, struct lanes_next *next)
{
	size_t i = next->n;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_JOB_ADVANCE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job);
	if ((rc = db_run(db, st)) != SQLITE_OK ||
	    sqlite3_changes(db->conn) == 0)
		return (rc);
	while (i > 0 && next->jobs[i - 1] != job)
		i--;
	if (i == 0)
		next->jobs[next->n++] = job;
	return (SQLITE_OK);
}

/* Leave one lane; only if we were its first does anybody move up. */
static int
lanes_leave_one(struct db *db, const struct lanes_job *job,
    const struct lane *lane, struct lanes_next *next)
{
	int64_t first;
	int rc;

	rc = db_run(db,
	    lanes_stmt(db, SQL_LANE_DELETE, job->handler, lane, job->id));
	if (rc != SQLITE_OK || sqlite3_changes(db->conn) == 0)
		return (rc); /* unordered; or twice the same order */
	rc = lanes_look(db,
	    lanes_stmt(db, SQL_LANE_FIRST, job->handler, lane, job->id),
	    &first);
	if (rc != SQLITE_OK || first < job->id)
		return (rc);
	return (lanes_advance(db, first, next));
}

/* The lanes of a job: the orders of its event, or the one at its place. */
static int
lanes_of_job(struct db *db, struct arena *a, const struct lanes_job *job,
    struct lane **ret_lanes, size_t *ret_n)
{
	struct lane *lanes = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_JOB_ORDERS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job->source);
	(void)sqlite3_bind_int64(st, 2, job->place);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		lanes = arena_more(a, lanes, n, &room, sizeof(*lanes));
		if (lanes == NULL ||
		    db_column_text(st, 0, a, &lanes[n].order_id) == -1 ||
		    db_column_text(st, 1, a, &lanes[n].scope) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	*ret_lanes = lanes;
	*ret_n = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lanes_leave(struct db *db, struct store_op *op, const struct lanes_job *job,
    struct lanes_next *ret_next)
{
	struct lanes_next next = { 0 };
	struct lane *lanes = NULL;
	size_t n = 0;
	int rc;

	rc = lanes_of_job(db, &op->res_mem, job, &lanes, &n);
	if (rc != SQLITE_OK)
		return (rc);
	next.jobs = arena_array(&op->res_mem, n, sizeof(*next.jobs));
	if (next.jobs == NULL)
		return (SQLITE_NOMEM);
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = lanes_leave_one(db, job, &lanes[i], &next);
	*ret_next = next;
	return (rc);
}
