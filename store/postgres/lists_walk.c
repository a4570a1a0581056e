/* What store/walk.h asks of a database; and what a text names. */
#include <stdio.h>
#include <string.h>

#include "store/postgres/lists_sql.h"
#include "store/postgres/row.h"

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
first_row(const struct list_asker *who, enum list_sql which,
    const struct pg_args *args, int64_t *ret, int n)
{
	enum store_rc rc;
	PGresult *res;

	memset(ret, 0, (size_t)n * sizeof(*ret));
	rc = pg_query(who->c, list_walk_statement(which), args, &res,
	    who->reason);
	if (rc != STORE_OK)
		return (rc);
	for (int i = 0; i < n && PQntuples(res) > 0; i++)
		ret[i] = pg_int(res, 0, i);
	PQclear(res);
	return (STORE_OK);
}

static int
newest(void *arg, enum walk_rows rows, int64_t before, int64_t *ret)
{
	const struct list_asker *who = arg;
	struct pg_args args;

	pg_args_init(&args, &who->op->res_mem);
	pg_arg_int(&args, before);
	return ((int)first_row(who,
	    rows == WALK_EVENTS ? LIST_WALK_EVENTS : LIST_WALK_JOBS, &args, ret,
	    1));
}

static int
count(void *arg, enum walk_jobs_in which, int64_t *ret)
{
	const struct list_asker *who = arg;
	struct pg_args args;

	pg_args_init(&args, &who->op->res_mem);
	pg_arg_int(&args, WALK_FEW + 1);
	return ((int)first_row(who,
	    which == WALK_OPEN ? LIST_FEW_OPEN : LIST_FEW_DEAD, &args, ret, 1));
}

static int
of_time(void *arg, struct walk_time *t)
{
	const struct list_asker *who = arg;
	struct pg_args args;
	enum store_rc rc;
	int64_t row[3];

	pg_args_init(&args, &who->op->res_mem);
	pg_arg_int(&args, WALK_FEW + 1);
	pg_arg_int(&args, t->since_ms);
	pg_arg_int(&args, t->until_ms);
	rc = first_row(who, LIST_FEW_OF_TIME, &args, row, 3);
	t->n = row[0];
	t->first = row[1];
	t->last = row[2];
	return ((int)rc);
}

struct walk_asks
list_asks(struct list_asker *who)
{
	return ((struct walk_asks){ who, newest, count, of_time });
}

/* -- What is named -- */

/* The next value; NULL: out of memory. */
static void
made_arg(struct pg_args *args, const char *text)
{
	args->failed |= text == NULL;
	pg_arg_text(args, text);
}

/* What is looked for, and what comes behind all that begins so. */
static void
prefix_args(struct pg_args *args, const char *find)
{
	pg_arg_text(args, find);
	made_arg(args, walk_behind(args->mem, find));
}

void
list_find_args(struct pg_args *args, const char *find)
{
	if (find == NULL) {
		for (int i = 0; i < 3; i++)
			pg_arg_text(args, NULL);
		return;
	}
	prefix_args(args, find);
	made_arg(args, walk_lower(args->mem, find)); /* as its lower() */
}

/* All numbers that a statement gives, behind *n of them: there is room. */
static enum store_rc
read_numbers(const struct list_asker *who, enum list_sql which,
    const struct pg_args *args, int64_t *to, size_t *n)
{
	enum store_rc rc;
	PGresult *res;

	rc = pg_query(who->c, list_walk_statement(which), args, &res,
	    who->reason);
	if (rc != STORE_OK)
		return (rc);
	for (int i = 0; i < PQntuples(res); i++)
		to[(*n)++] = pg_int(res, i, 0);
	PQclear(res);
	return (STORE_OK);
}

/* Up to room of those that have it in an external id, and are in w. */
static enum store_rc
find_external(const struct list_asker *who, struct walk *w, size_t room,
    int64_t *to, size_t *n)
{
	struct store_op *op = who->op;
	struct pg_args args;
	size_t first = *n;
	enum store_rc rc;

	pg_args_init(&args, &op->res_mem);
	made_arg(&args, walk_lower(&op->res_mem, op->in.filter.find));
	pg_arg_int(&args, w->low);
	pg_arg_int(&args, w->high);
	pg_arg_int(&args, (int64_t)room);
	rc = read_numbers(who, LIST_FIND_EXTERNAL, &args, to, n);
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
list_find(const struct list_asker *who, struct walk *w, int64_t **ret_ids,
    size_t *ret_n)
{
	struct store_op *op = who->op;
	const struct store_filter *f = &op->in.filter;
	size_t few = 0, n, room = f->limit;
	struct pg_args args;
	enum store_rc rc;
	int64_t *list;

	*ret_n = SIZE_MAX;
	list = arena_array(&op->res_mem, WALK_FOUND_MAX + 1 + f->limit,
	    sizeof(*list));
	if (list == NULL) {
		(void)snprintf(who->reason, STORE_REASON_MAX, "out of memory");
		return (STORE_FAILED);
	}
	pg_args_init(&args, &op->res_mem);
	prefix_args(&args, f->find);
	pg_arg_int(&args, WALK_FOUND_MAX + 1);
	rc = read_numbers(who, LIST_FIND_IDS, &args, list, &few);
	if (rc != STORE_OK || few > WALK_FOUND_MAX || few >= f->limit) {
		walk_less(w);
		return (rc);
	}
	if (f->before == 0)
		room -= few;
	n = few;
	rc = find_external(who, w, room, list, &n);
	if (rc != STORE_OK)
		return (rc);
	n = without_known(list, few, n);
	w->limit = SIZE_MAX; /* a page of these is full by w->low */
	*ret_ids = f->before == 0 ? list : list + few;
	*ret_n = f->before == 0 ? n : n - few;
	return (STORE_OK);
}
