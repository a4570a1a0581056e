/* How far a list is looked through; see store/sqlite/walk.c. */
#include <stdio.h>
#include <string.h>

#include "store/postgres/lists_sql.h"
#include "store/postgres/row.h"

#define FEW 5000
#define FEW_FOUND 100
#define COSTS_MORE 5

/* $1 is where from, or how many are too many. */
static const struct pg_statement statements[] = {
	[LIST_WALK_EVENTS - LIST_WALK_EVENTS] = { "list_walk_events",
	    "SELECT e.id FROM events AS e WHERE e.id < $1::int8 "
	    "ORDER BY e.id DESC LIMIT 1" },
	[LIST_WALK_JOBS - LIST_WALK_EVENTS] = { "list_walk_jobs",
	    "SELECT j.id FROM jobs AS j WHERE j.id < $1::int8 "
	    "ORDER BY j.id DESC LIMIT 1" },
	[LIST_FEW_OF_TIME - LIST_WALK_EVENTS] = { "list_few_of_time",
	    "SELECT count(*), coalesce(min(x.id), 0), coalesce(max(x.id), 0) "
	    "FROM (" OF_TIME("LIMIT $1::int8") ") AS x" },
	[LIST_FEW_OPEN - LIST_WALK_EVENTS] = { "list_few_open",
	    "SELECT count(*) FROM (SELECT 1 FROM " HANDLERS
	    "CROSS JOIN LATERAL (SELECT j.id FROM jobs AS j "
	    "WHERE j.finished_at IS NULL AND j.behind = 0 "
	    "AND j.handler = h.id UNION ALL SELECT j.id FROM jobs AS j "
	    "WHERE j.finished_at IS NULL AND j.behind > 0 "
	    "AND j.handler = h.id OFFSET 0) AS j LIMIT $1::int8) AS x" },
	[LIST_FEW_DEAD - LIST_WALK_EVENTS] = { "list_few_dead",
	    "SELECT count(*) FROM (SELECT 1 FROM " HANDLERS
	    "CROSS JOIN LATERAL (SELECT j.id FROM jobs AS j "
	    "WHERE j.state = 'dead' AND j.discarded_at IS NULL "
	    "AND j.handler = h.id OFFSET 0) AS j LIMIT $1::int8) AS x" },
	[LIST_FIND_IDS - LIST_WALK_EVENTS] = { "list_find_ids",
	    "WITH o AS MATERIALIZED (SELECT eo.event FROM event_orders AS eo "
	    "WHERE eo.order_id >= $1::text AND eo.order_id < $2::text "
	    "LIMIT $3::int8) SELECT x.id FROM ((SELECT e.id FROM events AS e "
	    "WHERE e.event_id >= $1::text AND e.event_id < $2::text "
	    "LIMIT $3::int8) UNION SELECT o.event FROM o UNION SELECT re.id "
	    "FROM o CROSS JOIN LATERAL (SELECT re.id FROM events AS re "
	    "WHERE re.repeat_of = o.event OFFSET 0) AS re) AS x "
	    "LIMIT $3::int8" },
	/* Of what repeats an event only the event. */
	[LIST_FIND_EXTERNAL - LIST_WALK_EVENTS] = { "list_find_external",
	    "SELECT DISTINCT eo.event FROM event_orders AS eo "
	    "WHERE eo.event >= $2::int8 AND eo.event < $3::int8 AND "
	    "position($1::text IN lower(eo.external_id COLLATE \"C\")) > 0 "
	    "ORDER BY eo.event DESC LIMIT $4::int8" },
};

const struct pg_statement *
list_walk_statement(enum list_sql which)
{
	return (&statements[which - LIST_WALK_EVENTS]);
}

/* The numbers in the first row; all 0 if there is none. */
static enum store_rc
first_row(struct pg_conn *c, enum list_sql which, const struct pg_args *args,
    int64_t *ret, int n, char reason[STORE_REASON_MAX])
{
	enum store_rc rc;
	PGresult *res;

	memset(ret, 0, (size_t)n * sizeof(*ret));
	rc = pg_query(c, list_walk_statement(which), args, &res, reason);
	if (rc != STORE_OK)
		return (rc);
	for (int i = 0; i < n && PQntuples(res) > 0; i++)
		ret[i] = pg_int(res, 0, i);
	PQclear(res);
	return (STORE_OK);
}

/* The greatest number before that one; 0: none. */
static enum store_rc
newest(struct pg_conn *c, struct store_op *op, enum list_sql which,
    int64_t before, int64_t *ret, char reason[STORE_REASON_MAX])
{
	struct pg_args args;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, before);
	return (first_row(c, which, &args, ret, 1, reason));
}

/* From high on back, at most look of them. */
static enum store_rc
back(struct pg_conn *c, struct store_op *op, enum list_sql which, size_t look,
    struct list_walk *w, char reason[STORE_REASON_MAX])
{
	enum store_rc rc;
	int64_t id;

	rc = newest(c, op, which, w->high, &id, reason);
	if (rc != STORE_OK)
		return (rc);
	w->back = true;
	w->high = id + 1;
	w->low = w->high - (int64_t)look;
	if (w->low < w->floor)
		w->low = w->floor;
	return (STORE_OK);
}

/* Are they few that which, up to FEW + 1 of them, counts? */
static enum store_rc
are_few(struct pg_conn *c, struct store_op *op, enum list_sql which,
    struct list_walk *w, bool *ret_few, char reason[STORE_REASON_MAX])
{
	struct pg_args args;
	enum store_rc rc;
	int64_t n;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, FEW + 1);
	if ((rc = first_row(c, which, &args, &n, 1, reason)) != STORE_OK)
		return (rc);
	*ret_few = n <= FEW;
	if (*ret_few)
		w->found = (size_t)n;
	return (STORE_OK);
}

/* Of a short time the first and the last number. */
static enum store_rc
of_time(struct pg_conn *c, struct store_op *op, int64_t since_ms,
    int64_t until_ms, struct list_walk *w, char reason[STORE_REASON_MAX])
{
	int64_t at[3]; /* how many, first, last */
	struct pg_args args;
	enum store_rc rc;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, FEW + 1);
	pg_arg_int(&args, since_ms);
	pg_arg_int(&args, until_ms > 0 ? until_ms : LIST_NO_END);
	rc = first_row(c, LIST_FEW_OF_TIME, &args, at, 3, reason);
	if (rc != STORE_OK || at[0] > FEW)
		return (rc);
	w->floor = at[0] == 0 ? INT64_MAX : at[1];
	if (at[2] + 1 < w->high)
		w->high = at[2] + 1;
	return (STORE_OK);
}

/* The part of the events that f is about, looking at so many. */
static enum store_rc
walk(struct pg_conn *c, struct store_op *op, size_t look, struct list_walk *w,
    char reason[STORE_REASON_MAX])
{
	const struct store_filter *f = &op->in.filter;
	bool few = f->order_id != NULL;
	enum store_rc rc = STORE_OK;

	if (f->look > 0)
		look = f->look;
	if (f->look == 0 &&
	    (f->progress != STORE_PROGRESS_ANY || f->handler != NULL))
		look /= COSTS_MORE;
	*w =
	    (struct list_walk){ .high = f->before > 0 ? f->before : LIST_NO_END,
		    .limit = f->limit };
	if (f->since_ms != 0 || f->until_ms != 0)
		rc = of_time(c, op, f->since_ms, f->until_ms, w, reason);
	w->low = w->floor;
	if (f->scan == NULL)
		return (rc);
	if (rc == STORE_OK && !few && f->progress == STORE_PROGRESS_PENDING)
		rc = are_few(c, op, LIST_FEW_OPEN, w, &few, reason);
	if (rc == STORE_OK && !few && f->progress == STORE_PROGRESS_DEAD)
		rc = are_few(c, op, LIST_FEW_DEAD, w, &few, reason);
	if (rc != STORE_OK || few)
		return (rc);
	return (back(c, op, LIST_WALK_EVENTS, look, w, reason));
}

enum store_rc
list_walk_events(struct pg_conn *c, struct store_op *op, struct list_walk *w,
    char reason[STORE_REASON_MAX])
{
	return (walk(c, op, STORE_LOOK_MAX, w, reason));
}

enum store_rc
list_walk_orders(struct pg_conn *c, struct store_op *op, struct list_walk *w,
    char reason[STORE_REASON_MAX])
{
	/* Of each its event is asked for, and its cart. */
	return (walk(c, op, STORE_LOOK_MAX / COSTS_MORE, w, reason));
}

enum store_rc
list_walk_jobs(struct pg_conn *c, struct store_op *op, struct list_walk *w,
    char reason[STORE_REASON_MAX])
{
	const struct store_job_filter *f = &op->in.jobs;
	size_t look = f->look > 0 ? f->look : STORE_LOOK_MAX / COSTS_MORE;
	struct list_walk times = { .high = LIST_NO_END };
	enum store_rc rc = STORE_OK;
	bool few = false;

	*w =
	    (struct list_walk){ .high = f->before > 0 ? f->before : LIST_NO_END,
		    .limit = f->limit };
	if (f->rang || f->event_id != NULL || f->order_id != NULL)
		return (STORE_OK);
	/* A replay is newer than its event: of the jobs it says nothing. */
	if (f->since_ms != 0 || f->until_ms != 0) {
		rc = of_time(c, op, f->since_ms, f->until_ms, &times, reason);
		w->of_time = times.floor > 0;
	}
	if (rc != STORE_OK || w->of_time || f->scan == NULL)
		return (rc);
	if (f->pending || (!f->any_state && f->state != JOB_DONE))
		rc = are_few(c, op,
		    f->pending || f->state != JOB_DEAD ? LIST_FEW_OPEN
						       : LIST_FEW_DEAD,
		    w, &few, reason);
	if (rc != STORE_OK || few)
		return (rc);
	return (back(c, op, LIST_WALK_JOBS, look, w, reason));
}

enum store_rc
list_walk_end(struct pg_conn *c, struct store_op *op, enum list_sql which,
    const struct list_walk *w, int64_t last, char reason[STORE_REASON_MAX])
{
	struct store_scan *ret = &op->scan;
	bool full = op->nrows >= w->limit;
	enum store_rc rc = STORE_OK;
	int64_t below = 0;

	if (!full && w->low > w->floor)
		rc = newest(c, op, which, w->low, &below, reason);
	if (rc != STORE_OK)
		return (rc);
	ret->looked = (int64_t)(w->found > op->nrows ? w->found : op->nrows);
	if (w->back)
		ret->looked = w->high - (full ? last : w->low);
	if (ret->looked < 0)
		ret->looked = 0;
	ret->next = full                             ? last
		    : below > 0 && below >= w->floor ? below + 1
						     : 0;
	return (STORE_OK);
}

/* -- What is named -- */

/* What is looked for, and what comes behind all that begins so. */
static void
prefix_args(struct pg_args *args, const char *find)
{
	static const char last[] = "\xf4\x8f\xbf\xbf"; /* U+10FFFF */
	size_t len = find == NULL ? 0 : strlen(find);
	char *end = NULL;

	if (find != NULL) {
		if ((end = arena_alloc(args->mem, len + sizeof(last))) ==
		    NULL) {
			args->failed = true;
			return;
		}
		memcpy(end, find, len);
		memcpy(end + len, last, sizeof(last));
	}
	pg_arg_text(args, find);
	pg_arg_text(args, end);
}

/* The letters as the server's lower() has them. */
static void
lower_arg(struct pg_args *args, const char *find)
{
	char *text = NULL;

	if (find != NULL &&
	    (text = arena_dup(args->mem, find, strlen(find))) == NULL) {
		args->failed = true;
		return;
	}
	for (char *p = text; p != NULL && *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	pg_arg_text(args, text);
}

void
list_find_args(struct pg_args *args, const char *find)
{
	prefix_args(args, find);
	lower_arg(args, find);
}

/* All numbers that a statement gives: up to room, behind *n of them. */
static enum store_rc
read_numbers(struct pg_conn *c, enum list_sql which, const struct pg_args *args,
    int64_t *to, size_t *n, char reason[STORE_REASON_MAX])
{
	enum store_rc rc;
	PGresult *res;

	rc = pg_query(c, list_walk_statement(which), args, &res, reason);
	if (rc != STORE_OK)
		return (rc);
	for (int i = 0; i < PQntuples(res); i++)
		to[(*n)++] = pg_int(res, i, 0);
	PQclear(res);
	return (STORE_OK);
}

/* Up to room of those that have it in an external id, and are in w. */
static enum store_rc
find_external(struct pg_conn *c, struct store_op *op, struct list_walk *w,
    size_t room, int64_t *to, size_t *n, char reason[STORE_REASON_MAX])
{
	struct pg_args args;
	size_t first = *n;
	enum store_rc rc;

	pg_args_init(&args, &op->res_mem);
	lower_arg(&args, op->in.filter.find);
	pg_arg_int(&args, w->low);
	pg_arg_int(&args, w->high);
	pg_arg_int(&args, (int64_t)room);
	rc = read_numbers(c, LIST_FIND_EXTERNAL, &args, to, n, reason);
	if (rc == STORE_OK && *n - first == room)
		w->low = to[*n - 1]; /* the next page goes on from here */
	return (rc);
}

/* Take those out of list[n0..n) that are among its first n0. */
static size_t
without_known(int64_t *list, size_t n0, size_t n)
{
	size_t kept = n0, j;

	for (size_t i = n0; i < n; i++) {
		for (j = 0; j < n0 && list[j] != list[i]; j++)
			;
		if (j == n0)
			list[kept++] = list[i];
	}
	return (kept);
}

enum store_rc
list_find(struct pg_conn *c, struct store_op *op, struct list_walk *w,
    int64_t **ret_ids, size_t *ret_n, char reason[STORE_REASON_MAX])
{
	const struct store_filter *f = &op->in.filter;
	size_t few = 0, n, room = f->limit;
	struct pg_args args;
	enum store_rc rc;
	int64_t *list;

	*ret_n = SIZE_MAX;
	list =
	    arena_array(&op->res_mem, FEW_FOUND + 1 + f->limit, sizeof(*list));
	if (list == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX, "out of memory");
		return (STORE_FAILED);
	}
	pg_args_init(&args, &op->res_mem);
	prefix_args(&args, f->find);
	pg_arg_int(&args, FEW_FOUND + 1);
	rc = read_numbers(c, LIST_FIND_IDS, &args, list, &few, reason);
	if (rc != STORE_OK || few > FEW_FOUND || few >= f->limit) {
		/* Each row's orders are asked for as well. */
		if (w->high - w->low > STORE_LOOK_MAX / COSTS_MORE)
			w->low = w->high - STORE_LOOK_MAX / COSTS_MORE;
		return (rc);
	}
	if (f->before == 0)
		room -= few;
	n = few;
	rc = find_external(c, op, w, room, list, &n, reason);
	if (rc != STORE_OK)
		return (rc);
	n = without_known(list, few, n);
	w->limit = SIZE_MAX; /* a page of these is full by w->low */
	*ret_ids = f->before == 0 ? list : list + few;
	*ret_n = f->before == 0 ? n : n - few;
	return (STORE_OK);
}
