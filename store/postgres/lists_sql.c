/*
 * The statements that list. What keeps their plans the same with a thousand
 * times the rows, whatever the planner believes of the tables:
 *
 * - what is looked up by a key is a LATERAL subquery, closed by OFFSET 0: it
 *   can only be done once for each row, along the index;
 * - whether there is a row is asked by (SELECT ... LIMIT 1) IS NULL: an EXISTS
 *   may be answered out of a hash of the whole table;
 * - a page walks along the rows in its own order, and ends when it is full.
 *
 * The first values of those with a filter are always $1 before, $2 since,
 * $3 until, $4 limit, $5 scope; the last, if there is one, is $11: whose.
 */
#include <stdio.h>
#include <string.h>

#include "store/base/utf8.h"
#include "store/postgres/lists_sql.h"

/*
 * Is a job, j, dead now? Neither discarded nor replayed: see IS_DEAD in
 * store/sqlite/sql.c.
 */
#define NOT_REPLAYED                                                           \
	"(SELECT k.id FROM jobs AS k WHERE k.replay_of = j.id LIMIT 1) IS "    \
	"NULL "
#define IS_DEAD "j.state = 'dead' AND j.discarded_at IS NULL AND " NOT_REPLAYED

/* All of them, but along an index: without any the planner is at a loss. */
#define HANDLERS "(SELECT h.id, h.name FROM handlers AS h WHERE h.id > 0) AS h "

/* Events with that order: what carries it, and what repeats those. */
#define EVENTS_OF_ORDER                                                        \
	"(SELECT eo.event AS id, eo.event AS source "                          \
	"FROM event_orders AS eo WHERE eo.order_id = $11::text UNION "         \
	"SELECT re.id, ro.event FROM event_orders AS ro CROSS JOIN LATERAL "   \
	"(SELECT re.id FROM events AS re WHERE re.repeat_of = ro.event "       \
	"OFFSET 0) AS re WHERE ro.order_id = $11::text OFFSET 0) AS o "

/*
 * The events that came in from $2 on. If there are more than 5000, it is no use
 * to know them, since a walk soon finds a page of them. Dates are not in the
 * order of numbers, so a walk could not end where a date is too old.
 */
#define FEW                                                                    \
	"WITH few AS MATERIALIZED ((SELECT e.id FROM events AS e "             \
	"WHERE $2::int8 <> 0 AND e.purged_at IS NULL "                         \
	"AND e.received_at >= $2::int8 AND e.received_at < $3::int8 "          \
	"LIMIT 5001) UNION ALL (SELECT e.id FROM events AS e "                 \
	"WHERE $2::int8 <> 0 AND e.purged_at IS NOT NULL "                     \
	"AND e.received_at >= $2::int8 AND e.received_at < $3::int8 "          \
	"LIMIT 5001)) "
#define ARE_NOT_FEW "$2::int8 = 0 OR (SELECT count(*) FROM few) > 5000 "

/* -- Jobs: $6 type, $7 state, $8 pending, $9 handler, $10 newest -- */

#define JOB_COLUMNS                                                            \
	"j.id, j.event, j.place, j.handler, j.state, j.attempts, j.due_at, "   \
	"j.finished_at, j.discarded_at, j.outcome, j.replay_of "

#define JOB_FITS                                                               \
	"j.id < $1::int8 AND ($7::text IS NULL OR j.state = $7::text) "        \
	"AND (NOT $8::bool OR j.finished_at IS NULL) "                         \
	"AND ($7::text IS NULL OR $7::text <> 'dead' "                         \
	"OR (j.discarded_at IS NULL AND " NOT_REPLAYED ")) "                   \
	"AND (NOT $10::bool OR " NOT_REPLAYED ") "
#define HANDLER_FITS "($9::text IS NULL OR h.name = $9::text) "
#define EVENT_FITS                                                             \
	"($5::text IS NULL OR e.scope = $5::text) "                            \
	"AND ($6::text IS NULL OR e.type = $6::text) "                         \
	"AND e.received_at >= $2::int8 AND e.received_at < $3::int8 "

#define EVENT_OF_JOB                                                           \
	"CROSS JOIN LATERAL (SELECT e.event_id, e.scope, e.type, "             \
	"e.received_at FROM events AS e WHERE e.id = j.event OFFSET 0) AS e "
#define HANDLER_OF_JOB                                                         \
	"CROSS JOIN LATERAL (SELECT h.name FROM handlers AS h "                \
	"WHERE h.id = j.handler OFFSET 0) AS h "

/* What a page has of its jobs; and what is read for those in it only. */
#define JOB_PAGE                                                               \
	"SELECT j.id, j.place, j.state, j.attempts, j.due_at, "                \
	"j.finished_at, j.discarded_at, j.outcome, j.replay_of, h.name, "      \
	"e.event_id, e.scope, e.type "
#define JOB_INFO                                                               \
	"SELECT j.id, j.place, j.state, j.attempts, j.due_at, "                \
	"j.finished_at, j.discarded_at, j.replay_of, (WITH RECURSIVE r (id) "  \
	"AS (SELECT k.id FROM jobs AS k WHERE k.replay_of = j.id UNION "       \
	"SELECT k.id FROM r CROSS JOIN LATERAL (SELECT k.id FROM jobs AS k "   \
	"WHERE k.replay_of = r.id OFFSET 0) AS k) SELECT max(r.id) FROM r), "  \
	"j.name, j.event_id, j.scope, j.type, "                                \
	"j.outcome || coalesce((SELECT ': ' || a.detail FROM attempts AS a "   \
	"WHERE a.job = j.id AND a.number = j.attempts "                        \
	"AND a.outcome = j.outcome), '') FROM ("
#define JOB_PAGE_END                                                           \
	"ORDER BY j.id DESC LIMIT $4::int8) AS j ORDER BY j.id DESC"

#define ATTEMPT_COLUMNS                                                        \
	"a.job, a.number, a.started_at, a.duration, "                          \
	"a.outcome || coalesce(': ' || a.detail, ''), a.code, a.answer "

static const struct pg_statement statements[] = {
	/* From the first job on that an event of that time can have. */
	[LIST_JOBS] = { "list_jobs", FEW
	    ", low AS MATERIALIZED (SELECT CASE WHEN " ARE_NOT_FEW
	    "THEN 0 ELSE coalesce((SELECT min(x.id) FROM few "
	    "CROSS JOIN LATERAL (SELECT min(j.id) AS id FROM jobs AS j "
	    "WHERE j.event = few.id) AS x), 9223372036854775807) END AS id), "
	    "named AS MATERIALIZED (SELECT (SELECT h.id FROM handlers AS h "
	    "WHERE h.name = $9::text) AS id) " JOB_INFO JOB_PAGE
	    "FROM jobs AS j " EVENT_OF_JOB HANDLER_OF_JOB "WHERE " JOB_FITS
	    "AND j.id >= (SELECT low.id FROM low) "
	    "AND ($9::text IS NULL OR j.handler = (SELECT n.id FROM named AS "
	    "n)) "
	    "AND ($9::text IS NULL OR (SELECT n.id FROM named AS n) IS NOT "
	    "NULL) "
	    "AND " EVENT_FITS JOB_PAGE_END },
	/* Of each handler the newest ones, and the newest of those. */
	[LIST_JOBS_DEAD] = { "list_jobs_dead", JOB_INFO JOB_PAGE
	    "FROM " HANDLERS "CROSS JOIN LATERAL (SELECT " JOB_COLUMNS
	    ", e.event_id, e.scope, e.type FROM jobs AS j " EVENT_OF_JOB
	    "WHERE j.handler = h.id AND " IS_DEAD "AND " JOB_FITS
	    "AND " EVENT_FITS "ORDER BY j.id DESC LIMIT $4::int8) AS j "
	    "CROSS JOIN LATERAL (SELECT j.event_id, j.scope, j.type) AS e "
	    "WHERE " HANDLER_FITS JOB_PAGE_END },
	/* Along two indexes that have what has not ended, and no other. */
	[LIST_JOBS_OPEN] = { "list_jobs_open", JOB_INFO JOB_PAGE
	    "FROM (SELECT u.id FROM " HANDLERS
	    "CROSS JOIN LATERAL (SELECT j.id FROM jobs AS j "
	    "WHERE j.finished_at IS NULL AND j.behind = 0 "
	    "AND j.handler = h.id AND j.id < $1::int8 "
	    "AND ($7::text IS NULL OR j.state = $7::text) UNION ALL "
	    "SELECT j.id FROM jobs AS j "
	    "WHERE j.finished_at IS NULL AND j.behind > 0 "
	    "AND j.handler = h.id AND j.id < $1::int8 "
	    "AND ($7::text IS NULL OR j.state = $7::text) OFFSET 0) AS u "
	    "WHERE " HANDLER_FITS "ORDER BY u.id DESC OFFSET 0) AS u "
	    "CROSS JOIN LATERAL (SELECT " JOB_COLUMNS "FROM jobs AS j "
	    "WHERE j.id = u.id AND " JOB_FITS
	    "OFFSET 0) AS j " EVENT_OF_JOB HANDLER_OF_JOB "WHERE " EVENT_FITS
	    "ORDER BY u.id DESC LIMIT $4::int8) AS j ORDER BY j.id DESC" },
	[LIST_JOBS_OF_EVENT] = { "list_jobs_of_event", JOB_INFO JOB_PAGE
	    "FROM (SELECT e.id, e.event_id, e.scope, e.type "
	    "FROM events AS e WHERE e.event_id = $11::text AND " EVENT_FITS
	    "OFFSET 0) AS e CROSS JOIN LATERAL (SELECT " JOB_COLUMNS
	    "FROM jobs AS j WHERE j.event = e.id AND " JOB_FITS
	    "OFFSET 0) AS j " HANDLER_OF_JOB
	    "WHERE " HANDLER_FITS JOB_PAGE_END },
	/* The whole event's jobs, and those of the places with that order. */
	[LIST_JOBS_OF_ORDER] = { "list_jobs_of_order", JOB_INFO JOB_PAGE
	    "FROM " EVENTS_OF_ORDER "CROSS JOIN LATERAL (SELECT " JOB_COLUMNS
	    "FROM jobs AS j "
	    "WHERE j.event = o.id AND (j.place = -1 OR $11::text = "
	    "(SELECT eo.order_id FROM event_orders AS eo "
	    "WHERE eo.event = o.source AND eo.place = j.place)) "
	    "AND " JOB_FITS "OFFSET 0) AS j " EVENT_OF_JOB HANDLER_OF_JOB
	    "WHERE " HANDLER_FITS "AND " EVENT_FITS JOB_PAGE_END },
	[LIST_JOBS_NUMBERED] = { "list_jobs_numbered", JOB_INFO JOB_PAGE
	    ", j.at FROM (SELECT " JOB_COLUMNS ", n.at "
	    "FROM unnest($1::int8[]) WITH ORDINALITY AS n (id, at) "
	    "CROSS JOIN LATERAL (SELECT " JOB_COLUMNS "FROM jobs AS j "
	    "WHERE j.id = n.id OFFSET 0) AS j) AS j " EVENT_OF_JOB
		HANDLER_OF_JOB ") AS j ORDER BY j.at" },
	[LIST_ATTEMPTS] = { "list_attempts",
	    "SELECT " ATTEMPT_COLUMNS "FROM attempts AS a "
	    "WHERE a.job = $1::int8 ORDER BY a.number" },
	[LIST_EVENT_ATTEMPTS] = { "list_event_attempts",
	    "SELECT " ATTEMPT_COLUMNS "FROM (SELECT j.id FROM jobs AS j "
	    "WHERE j.event = $1::int8 OFFSET 0) AS j CROSS JOIN LATERAL "
	    "(SELECT a.job, a.number, a.started_at, a.duration, a.outcome, "
	    "a.detail, a.code, a.answer FROM attempts AS a "
	    "WHERE a.job = j.id OFFSET 0) AS a "
	    "ORDER BY a.job, a.number LIMIT $2::int8" },
	/*
	 * Those that stand behind another are never the oldest; of the rest
	 * ids grow with arrival, but for replays.
	 */
	[LIST_HANDLERS] = { "list_handlers",
	    "SELECT h.id, h.name, h.last_seen, h.paused_at, h.paused_by, "
	    "h.paused_why, r.n + (SELECT count(*) FROM jobs AS j "
	    "WHERE j.finished_at IS NULL AND j.behind > 0 "
	    "AND j.handler = h.id), "
	    "(SELECT count(*) FROM jobs AS j WHERE j.handler = h.id "
	    "AND " IS_DEAD "), e.received_at, e.came_at "
	    "FROM handlers AS h CROSS JOIN LATERAL (SELECT count(*) AS n, "
	    "min(j.id) AS oldest FROM jobs AS j WHERE j.finished_at IS NULL "
	    "AND j.behind = 0 AND j.handler = h.id) AS r "
	    "LEFT JOIN LATERAL (SELECT e.received_at, "
	    "coalesce(e.came_at, e.received_at) AS came_at FROM events AS e "
	    "WHERE e.id = least((SELECT j.event FROM jobs AS j "
	    "WHERE j.id = r.oldest), (SELECT min(x.event) FROM "
	    "(SELECT j.event FROM jobs AS j WHERE j.replay_of IS NOT NULL "
	    "AND j.finished_at IS NULL AND j.handler = h.id OFFSET 0) AS x)) "
	    "OFFSET 0) AS e ON true WHERE h.id > 0 ORDER BY h.id" },
};

const struct pg_statement *
list_statement(enum list_sql which)
{
	return (&statements[which]);
}

bool
list_could_match(const char *const *texts, size_t n)
{
	uint32_t code;

	for (size_t i = 0; i < n; i++) {
		size_t left = texts[i] != NULL ? strlen(texts[i]) : 0, len;

		for (const char *p = texts[i]; left > 0;
		     p += len, left -= len) {
			if ((len = utf8_next(p, left, &code)) == 0)
				return (false);
		}
	}
	return (true);
}

void
list_numbers(struct pg_args *args, const int64_t *numbers, size_t n)
{
	pg_arg_array(args, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(args, numbers[i]);
}

static enum store_rc
no_memory(char reason[STORE_REASON_MAX])
{
	(void)snprintf(reason, STORE_REASON_MAX, "out of memory");
	return (STORE_FAILED);
}

enum store_rc
list_rows(struct pg_conn *c, struct store_op *op, const struct list_ask *ask,
    const struct pg_args *args, void **ret_rows, char reason[STORE_REASON_MAX])
{
	unsigned char *rows = NULL;
	enum store_rc rc;
	PGresult *res;
	size_t n;

	if (pg_args_failed(args))
		return (no_memory(reason));
	rc = pg_query(c, list_statement(ask->which), args, &res, reason);
	if (rc != STORE_OK)
		return (rc);
	if ((n = (size_t)PQntuples(res)) > 0) {
		rows = arena_array(&op->res_mem, n, ask->size);
		if (rows == NULL)
			rc = no_memory(reason);
	}
	for (size_t i = 0; i < n && rc == STORE_OK; i++) {
		if (ask->take(op, res, (int)i, rows + i * ask->size) == -1)
			rc = no_memory(reason);
	}
	PQclear(res);
	if (rc == STORE_OK) {
		*ret_rows = rows;
		op->nrows = n;
	}
	return (rc);
}
