/* Lists of jobs, their attempts and the handlers they are for. */
#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* One row of JOB_INFO: as list_row_fn. */
static int
job_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_job_info *job = ret_row;
	struct arena *a = &op->res_mem;
	const char *state = NULL;

	job->id = pg_int(res, row, 0);
	job->place = (int32_t)pg_int(res, row, 1);
	job->attempts = (unsigned)pg_int(res, row, 3);
	job->due_at_ms = pg_int(res, row, 4);
	job->finished_at_ms = pg_int(res, row, 5);
	job->discarded_at_ms = pg_int(res, row, 6);
	job->replay_of = pg_int(res, row, 7);
	job->replayed_by = pg_int(res, row, 8);
	job->guards = pg_int(res, row, 15);
	job->rang_at_ms = pg_int(res, row, 17);
	job->acknowledged_at_ms = pg_int(res, row, 18);
	if (pg_text(res, row, 2, a, &state) == -1 ||
	    pg_text(res, row, 9, a, &job->handler) == -1 ||
	    pg_text(res, row, 10, a, &job->event_id) == -1 ||
	    pg_text(res, row, 11, a, &job->scope) == -1 ||
	    pg_text(res, row, 12, a, &job->type) == -1 ||
	    pg_text(res, row, 13, a, &job->outcome) == -1 ||
	    pg_text(res, row, 14, a, &job->order_id) == -1 ||
	    pg_text(res, row, 16, a, &job->guarded) == -1 ||
	    pg_text(res, row, 19, a, &job->acknowledged_by) == -1)
		return (-1);
	if (state == NULL || job_state_parse(state, &job->state) == -1)
		job->state = JOB_DEAD;
	return (0);
}

/*
 * The statement that finds what the filter names by an index, or walks along
 * the jobs in w.
 */
static enum list_sql
jobs_sql(const struct store_job_filter *f, const struct walk *w)
{
	if (f->rang)
		return (f->unacknowledged ? LIST_ALARMS_OPEN : LIST_ALARMS);
	if (f->event_id != NULL)
		return (LIST_JOBS_OF_EVENT);
	if (f->order_id != NULL)
		return (LIST_JOBS_OF_ORDER);
	if (w->of_time)
		return (LIST_JOBS_OF_TIME);
	if (w->back)
		return (LIST_JOBS);
	if (f->pending)
		return (LIST_JOBS_OPEN);
	if (f->any_state || f->state == JOB_DONE)
		return (LIST_JOBS);
	return (f->state == JOB_DEAD ? LIST_JOBS_DEAD : LIST_JOBS_OPEN);
}

/* The values of a statement that has a filter. */
static void
jobs_args(struct pg_args *args, const struct store_job_filter *f,
    enum list_sql which, const struct walk *w)
{
	const char *state = NULL;

	if (!f->pending && !f->any_state)
		state = job_state_name(f->state);
	pg_arg_int(args, w->high);
	pg_arg_int(args, f->since_ms);
	pg_arg_int(args, walk_before(f->until_ms));
	pg_arg_int(args, (int64_t)f->limit);
	pg_arg_text(args, f->scope);
	pg_arg_text(args, f->type);
	pg_arg_text(args, state);
	pg_arg_bool(args, f->pending);
	pg_arg_text(args, f->handler);
	pg_arg_bool(args, f->newest);
	if (which == LIST_JOBS)
		pg_arg_int(args, w->low);
	if (which == LIST_JOBS_OF_EVENT)
		pg_arg_text(args, f->event_id);
	if (which == LIST_JOBS_OF_EVENT || which == LIST_JOBS_OF_ORDER)
		pg_arg_text(args, f->order_id);
}

/* A page of jobs, which w is about; NULL: those that are numbered. */
static enum store_rc
jobs_page(struct pg_conn *c, struct store_op *op, const struct walk *w,
    char reason[STORE_REASON_MAX])
{
	const struct store_job_filter *f = &op->in.jobs;
	struct list_ask ask = { LIST_JOBS_NUMBERED,
		sizeof(struct store_job_info), job_row };
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;

	pg_args_init(&args, &op->res_mem);
	if (w == NULL)
		list_numbers(&args, f->numbers, f->nnumbers);
	else {
		ask.which = jobs_sql(f, w);
		jobs_args(&args, f, ask.which, w);
	}
	rc = list_rows(c, op, &ask, &args, &rows, reason);
	op->jobs = rows;
	return (rc);
}

enum store_rc
list_jobs(struct pg_conn *c, struct store_op *op, char reason[STORE_REASON_MAX])
{
	const struct store_job_filter *f = &op->in.jobs;
	const char *const texts[] = { f->scope, f->type, f->handler,
		f->event_id, f->order_id };
	struct list_asker who = { c, op, reason };
	const struct walk_asks asks = list_asks(&who);
	struct walk w;
	enum store_rc rc;

	if (f->nnumbers > 0)
		return (jobs_page(c, op, NULL, reason));
	if (!list_could_match(texts, sizeof(texts) / sizeof(texts[0])))
		return (STORE_OK);
	if ((rc = (enum store_rc)walk_jobs(&asks, f, &w)) != STORE_OK ||
	    (rc = jobs_page(c, op, &w, reason)) != STORE_OK)
		return (rc);
	return ((enum store_rc)walk_end(&asks, WALK_JOBS, &w, op->nrows,
	    op->nrows > 0 ? op->jobs[op->nrows - 1].id : 0, &op->scan));
}

/* One row of ATTEMPT_COLUMNS: as list_row_fn. */
static int
attempt_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_attempt_info *at = ret_row;
	const void *answer;

	at->job = pg_int(res, row, 0);
	at->number = (unsigned)pg_int(res, row, 1);
	at->started_at_ms = pg_int(res, row, 2);
	at->duration_ms = pg_int(res, row, 3);
	at->code = (int)pg_int(res, row, 5);
	answer = pg_bytes(res, row, 6, &at->answer_len);
	/* SQLite has no empty answer either. */
	if (answer != NULL && at->answer_len > 0) {
		at->answer = arena_dup(&op->res_mem, answer, at->answer_len);
		if (at->answer == NULL)
			return (-1);
	}
	return (pg_text(res, row, 4, &op->res_mem, &at->outcome));
}

/* All rows that a statement gives. */
static enum store_rc
attempt_rows(struct pg_conn *c, struct store_op *op, enum list_sql which,
    const struct pg_args *args, char reason[STORE_REASON_MAX])
{
	const struct list_ask ask = { which, sizeof(struct store_attempt_info),
		attempt_row };
	enum store_rc rc;
	void *rows = NULL;

	rc = list_rows(c, op, &ask, args, &rows, reason);
	op->attempts = rows;
	return (rc);
}

enum store_rc
list_attempts(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	struct pg_args args;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, op->in.job);
	return (attempt_rows(c, op, LIST_ATTEMPTS, &args, reason));
}

enum store_rc
list_event_attempts(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	struct pg_args args;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, op->in.event);
	pg_arg_int(&args, STORE_PAGE_MAX);
	return (attempt_rows(c, op, LIST_EVENT_ATTEMPTS, &args, reason));
}

/* One row of LIST_HANDLERS: as list_row_fn. */
static int
handler_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_handler_info *h = ret_row;
	struct arena *a = &op->res_mem;

	h->number = pg_int(res, row, 0);
	h->last_seen_ms = pg_int(res, row, 2);
	h->paused_at_ms = pg_int(res, row, 3);
	h->unfinished = (uint64_t)pg_int(res, row, 6);
	h->dead = (uint64_t)pg_int(res, row, 7);
	h->dead_alerts = (uint64_t)pg_int(res, row, 8);
	h->oldest_ms = pg_int(res, row, 9);
	h->oldest.ms = pg_int(res, row, 10);
	if (pg_text(res, row, 1, a, &h->name) == -1 ||
	    pg_text(res, row, 4, a, &h->paused_by) == -1 ||
	    pg_text(res, row, 5, a, &h->paused_why) == -1)
		return (-1);
	return (0);
}

enum store_rc
list_handlers(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	static const struct list_ask ask = { LIST_HANDLERS,
		sizeof(struct store_handler_info), handler_row };
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;

	pg_args_init(&args, &op->res_mem);
	rc = list_rows(c, op, &ask, &args, &rows, reason);
	op->handlers = rows;
	return (rc);
}
