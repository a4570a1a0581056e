/* Lists of events and of orders: pages of rows, each in one statement. */
#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* -- Events -- */

/* The columns of EVENT_INFO behind those of the event itself. */
enum event_column {
	EVENT_DUPLICATES = EVENT_ROW_COLUMNS,
	EVENT_LAST_DUPLICATE_AT,
	EVENT_UNFINISHED,
	EVENT_DEAD,
	EVENT_PURGED_AT,
	EVENT_PROGRESS,
	EVENT_JOBS_TOTAL,
	EVENT_ORDERS_TOTAL,
	EVENT_DATE_DOUBTED,
	EVENT_JOB_IDS, /* from here on an array for each member of its jobs */
	EVENT_JOB_PLACES,
	EVENT_JOB_STATES,
	EVENT_JOB_ATTEMPTS,
	EVENT_JOB_DUE_ATS,
	EVENT_JOB_FINISHED_ATS,
	EVENT_JOB_DISCARDED_ATS,
	EVENT_JOB_REPLAY_OFS,
	EVENT_JOB_REPLAYED_BYS,
	EVENT_JOB_GUARDS,
	EVENT_JOB_RANG_ATS,
	EVENT_JOB_ACKNOWLEDGED_ATS,
	EVENT_JOB_HANDLERS,
	EVENT_JOB_OUTCOMES,
	EVENT_JOB_ORDER_IDS,
	EVENT_JOB_GUARDED,
	EVENT_JOB_ACKNOWLEDGED_BYS,
	EVENT_ALARMS
};
#define JOB_INTS (EVENT_JOB_ACKNOWLEDGED_ATS - EVENT_JOB_IDS + 1)

/* The arrays, each as long as that of the ids; 0, or -1. */
struct event_jobs {
	const int64_t *ints[JOB_INTS]; /* by column; NULL of the states */
	const char *const *states,
	    *const *handlers, *const *outcomes,
				  *const *order_ids,
				      *const *guarded, *const *acknowledged_bys;
	size_t n;
};

static int
event_jobs_read(const PGresult *res, int row, struct arena *a,
    struct event_jobs *jobs)
{
	static const enum event_column texts[] = { EVENT_JOB_STATES,
		EVENT_JOB_HANDLERS, EVENT_JOB_OUTCOMES, EVENT_JOB_ORDER_IDS,
		EVENT_JOB_GUARDED, EVENT_JOB_ACKNOWLEDGED_BYS };
	const char *const **lists[] = { &jobs->states, &jobs->handlers,
		&jobs->outcomes, &jobs->order_ids, &jobs->guarded,
		&jobs->acknowledged_bys };
	size_t n;

	for (int i = 0; i < JOB_INTS; i++) {
		int column = EVENT_JOB_IDS + i;

		if (column == EVENT_JOB_STATES)
			continue;
		if (pg_ints(res, row, column, a, &jobs->ints[i], &n) == -1)
			return (-1);
		if (i == 0)
			jobs->n = n;
		else if (n != jobs->n)
			return (-1);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (pg_texts(res, row, (int)texts[i], a, lists[i], &n) == -1 ||
		    n != jobs->n)
			return (-1);
	}
	return (0);
}

/* The jobs of an event's row, if it has any. Returns 0, or -1. */
static int
event_jobs_take(struct store_op *op, const PGresult *res, int row,
    struct store_event_info *info)
{
	struct event_jobs from = { 0 };
	struct store_job_info *jobs;

	if (event_jobs_read(res, row, &op->res_mem, &from) == -1)
		return (-1);
	if (from.n == 0)
		return (0);
	jobs = arena_array(&op->res_mem, from.n, sizeof(*jobs));
	if (jobs == NULL)
		return (-1);
#define INT_OF(column) from.ints[(column)-EVENT_JOB_IDS][i]
	for (size_t i = 0; i < from.n; i++) {
		jobs[i].id = INT_OF(EVENT_JOB_IDS);
		jobs[i].event_id = info->ev->event_id;
		jobs[i].scope = info->ev->scope;
		jobs[i].type = info->ev->type;
		jobs[i].replay_of = INT_OF(EVENT_JOB_REPLAY_OFS);
		jobs[i].replayed_by = INT_OF(EVENT_JOB_REPLAYED_BYS);
		jobs[i].handler = from.handlers[i];
		jobs[i].place = (int32_t)INT_OF(EVENT_JOB_PLACES);
		if (from.states[i] == NULL ||
		    job_state_parse(from.states[i], &jobs[i].state) == -1)
			jobs[i].state = JOB_DEAD;
		jobs[i].attempts = (unsigned)INT_OF(EVENT_JOB_ATTEMPTS);
		jobs[i].due_at_ms = INT_OF(EVENT_JOB_DUE_ATS);
		jobs[i].finished_at_ms = INT_OF(EVENT_JOB_FINISHED_ATS);
		jobs[i].discarded_at_ms = INT_OF(EVENT_JOB_DISCARDED_ATS);
		jobs[i].outcome = from.outcomes[i];
		jobs[i].order_id = from.order_ids[i];
		jobs[i].guards = INT_OF(EVENT_JOB_GUARDS);
		jobs[i].guarded = from.guarded[i];
		jobs[i].rang_at_ms = INT_OF(EVENT_JOB_RANG_ATS);
		jobs[i].acknowledged_at_ms = INT_OF(EVENT_JOB_ACKNOWLEDGED_ATS);
		jobs[i].acknowledged_by = from.acknowledged_bys[i];
	}
#undef INT_OF
	info->jobs = jobs;
	info->njobs = from.n;
	return (0);
}

/* One row of EVENT_INFO: as list_row_fn. */
static int
event_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_event_info *info = ret_row;
	struct store_event *ev;

	if (event_row_read(op, res, row, 0, &ev) == -1)
		return (-1);
	ev->date_doubted = pg_bool(res, row, EVENT_DATE_DOUBTED);
	info->ev = ev;
	info->duplicates = (unsigned)pg_int(res, row, EVENT_DUPLICATES);
	info->last_duplicate_at_ms = pg_int(res, row, EVENT_LAST_DUPLICATE_AT);
	info->purged_at_ms = pg_int(res, row, EVENT_PURGED_AT);
	info->unfinished = (unsigned)pg_int(res, row, EVENT_UNFINISHED);
	info->dead = (unsigned)pg_int(res, row, EVENT_DEAD);
	info->progress = (enum store_progress)pg_int(res, row, EVENT_PROGRESS);
	info->orders_total = (size_t)pg_int(res, row, EVENT_ORDERS_TOTAL);
	info->jobs_total = (size_t)pg_int(res, row, EVENT_JOBS_TOTAL);
	info->alarms = (unsigned)pg_int(res, row, EVENT_ALARMS);
	return (event_jobs_take(op, res, row, info));
}

static enum store_rc
event_rows(struct pg_conn *c, struct store_op *op, enum list_sql which,
    const struct pg_args *args, char reason[STORE_REASON_MAX])
{
	const struct list_ask ask = { which, sizeof(struct store_event_info),
		event_row };
	enum store_rc rc;
	void *rows = NULL;

	rc = list_rows(c, op, &ask, args, &rows, reason);
	op->events = rows;
	return (rc);
}

/*
 * Which statement finds what the filter names by an index, or walks along the
 * events in w.
 */
static enum list_sql
events_sql(const struct store_filter *f, const struct walk *w)
{
	if (f->order_id != NULL)
		return (LIST_EVENTS_OF_ORDER);
	if (w->back || f->find != NULL)
		return (LIST_EVENTS);
	switch (f->progress) {
	case STORE_PROGRESS_PENDING:
		return (LIST_EVENTS_OPEN);
	case STORE_PROGRESS_DEAD:
		return (LIST_EVENTS_DEAD);
	case STORE_PROGRESS_ANY:
	case STORE_PROGRESS_DONE:
		break;
	}
	return (LIST_EVENTS);
}

/* What all statements with a filter begin with. */
static void
filter_args(struct pg_args *args, const struct store_filter *f, int64_t before)
{
	pg_arg_int(args, walk_before(before));
	pg_arg_int(args, f->since_ms);
	pg_arg_int(args, walk_before(f->until_ms));
	pg_arg_int(args, (int64_t)f->limit);
	pg_arg_text(args, f->scope);
}

/* A page of events, which w is about; nids SIZE_MAX: of all that there are. */
static enum store_rc
events_page(struct pg_conn *c, struct store_op *op, const struct walk *w,
    const int64_t *ids, size_t nids, char reason[STORE_REASON_MAX])
{
	const struct store_filter *f = &op->in.filter;
	enum list_sql which = LIST_EVENTS_AMONG;
	struct pg_args args;

	pg_args_init(&args, &op->res_mem);
	filter_args(&args, f, w->high);
	pg_arg_text(&args, f->type);
	pg_arg_text(&args, f->brand);
	pg_arg_text(&args, f->branch);
	pg_arg_int(&args, f->progress);
	pg_arg_bool(&args, f->with_jobs);
	pg_arg_text(&args, f->handler);
	if (nids != SIZE_MAX)
		list_numbers(&args, ids, nids);
	else if ((which = events_sql(f, w)) == LIST_EVENTS) {
		pg_arg_int(&args, w->low);
		list_find_args(&args, f->find);
	} else if (which == LIST_EVENTS_OF_ORDER)
		pg_arg_text(&args, f->order_id);
	return (event_rows(c, op, which, &args, reason));
}

enum store_rc
list_events(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	const struct store_filter *f = &op->in.filter;
	const char *const texts[] = { f->scope, f->type, f->brand, f->branch,
		f->order_id, f->handler, f->find };
	size_t nids = SIZE_MAX;
	int64_t *ids = NULL;
	struct list_asker who = { c, op, reason };
	const struct walk_asks asks = list_asks(&who);
	struct walk w;
	struct pg_args args;
	enum store_rc rc;

	if (f->nnumbers > 0) {
		pg_args_init(&args, &op->res_mem);
		list_numbers(&args, f->numbers, f->nnumbers);
		pg_arg_bool(&args, f->with_jobs);
		return (event_rows(c, op, LIST_EVENTS_NUMBERED, &args, reason));
	}
	if (!list_could_match(texts, sizeof(texts) / sizeof(texts[0])))
		return (STORE_OK);
	if ((rc = (enum store_rc)walk_events(&asks, f, &w)) != STORE_OK ||
	    (f->find != NULL &&
		(rc = list_find(&who, &w, &ids, &nids)) != STORE_OK) ||
	    (rc = events_page(c, op, &w, ids, nids, reason)) != STORE_OK)
		return (rc);
	return ((enum store_rc)walk_end(&asks, WALK_EVENTS, &w, op->nrows,
	    op->nrows > 0 ? op->events[op->nrows - 1].ev->id : 0, &op->scan));
}

/* The values of what is read by its name; false: it can match nothing. */
static bool
named_args(struct pg_args *args, struct store_op *op)
{
	const char *const texts[] = { op->in.named.id, op->in.named.scope };

	pg_args_init(args, &op->res_mem);
	pg_arg_text(args, texts[0]);
	pg_arg_text(args, texts[1]);
	return (list_could_match(texts, sizeof(texts) / sizeof(texts[0])));
}

enum store_rc
get_event(struct pg_conn *c, struct store_op *op, char reason[STORE_REASON_MAX])
{
	struct pg_args args;

	if (!named_args(&args, op))
		return (STORE_OK);
	return (event_rows(c, op, LIST_EVENT_NAMED, &args, reason));
}

enum store_rc
last_event(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	struct pg_args args;

	pg_args_init(&args, &op->res_mem);
	pg_arg_text(&args, op->in.named.id);
	if (!list_could_match(&op->in.named.id, 1))
		return (STORE_OK);
	return (event_rows(c, op, LIST_EVENT_LAST, &args, reason));
}

/* -- Orders -- */

/* One row of ORDER_INFO: as list_row_fn. */
static int
order_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_order_info *o = ret_row;
	struct arena *a = &op->res_mem;

	o->event = pg_int(res, row, 7);
	o->place = (int32_t)pg_int(res, row, 8);
	o->order.place = o->place;
	o->cart_event = pg_int(res, row, 10);
	o->received_at_ms = pg_int(res, row, 11);
	if (pg_text(res, row, 0, a, &o->order.order_id) == -1 ||
	    pg_text(res, row, 1, a, &o->scope) == -1 ||
	    pg_text(res, row, 2, a, &o->brand) == -1 ||
	    pg_text(res, row, 3, a, &o->branch) == -1 ||
	    pg_text(res, row, 4, a, &o->order.external_id) == -1 ||
	    pg_text(res, row, 5, a, &o->order.status) == -1 ||
	    pg_text(res, row, 6, a, &o->order.updated_at) == -1 ||
	    pg_text(res, row, 9, a, &o->event_id) == -1)
		return (-1);
	return (pg_text(res, row, 12, a, &o->document));
}

static enum store_rc
order_rows(struct pg_conn *c, struct store_op *op, enum list_sql which,
    const struct pg_args *args, char reason[STORE_REASON_MAX])
{
	const struct list_ask ask = { which, sizeof(struct store_order_info),
		order_row };
	enum store_rc rc;
	void *rows = NULL;

	rc = list_rows(c, op, &ask, args, &rows, reason);
	op->orders = rows;
	return (rc);
}

void
list_ends(struct pg_args *args, const struct store_filter *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nends; i++)
		n += list_could_match(&f->ends[i], 1);
	pg_arg_array(args, PG_TEXTS, n);
	for (size_t i = 0; i < f->nends; i++) {
		if (list_could_match(&f->ends[i], 1))
			pg_item_text(args, f->ends[i]);
	}
}

enum store_rc
list_orders(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	const struct store_filter *f = &op->in.filter;
	const char *const texts[] = { f->scope, f->brand, f->branch, f->status,
		f->order_id };
	const struct store_order_info *last;
	struct list_asker who = { c, op, reason };
	const struct walk_asks asks = list_asks(&who);
	struct walk w;
	struct pg_args args;
	enum store_rc rc;

	if (!list_could_match(texts, sizeof(texts) / sizeof(texts[0])))
		return (STORE_OK);
	if ((rc = (enum store_rc)walk_orders(&asks, f, &w)) != STORE_OK)
		return (rc);
	pg_args_init(&args, &op->res_mem);
	filter_args(&args, f, w.high);
	pg_arg_text(&args, f->brand);
	pg_arg_text(&args, f->branch);
	pg_arg_text(&args, f->status);
	pg_arg_bool(&args, f->open);
	list_ends(&args, f);
	if (f->order_id == NULL)
		pg_arg_int(&args, w.low);
	else
		pg_arg_text(&args, f->order_id);
	rc = order_rows(c, op,
	    f->order_id == NULL ? LIST_ORDERS : LIST_ORDERS_OF_ID, &args,
	    reason);
	if (rc != STORE_OK)
		return (rc);
	last = op->nrows > 0 ? &op->orders[op->nrows - 1] : NULL;
	return ((enum store_rc)walk_end(&asks, WALK_EVENTS, &w, op->nrows,
	    last == NULL       ? 0
	    : last->event != 0 ? last->event
			       : last->cart_event,
	    &op->scan));
}

enum store_rc
get_order(struct pg_conn *c, struct store_op *op, char reason[STORE_REASON_MAX])
{
	struct pg_args args;

	if (!named_args(&args, op))
		return (STORE_OK);
	return (order_rows(c, op, LIST_ORDER_NAMED, &args, reason));
}
