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
 * $3 until, $4 limit, $5 scope.
 */
#include <stdio.h>
#include <string.h>

#include "store/base/utf8.h"
#include "store/postgres/board_sql.h"
#include "store/postgres/lists_sql.h"

/*
 * Is a job, j, dead now? Neither discarded nor replayed: see IS_DEAD in
 * store/sqlite/sql_parts.h.
 */
#define NOT_REPLAYED                                                           \
	"(SELECT k.id FROM jobs AS k WHERE k.replay_of = j.id LIMIT 1) IS "    \
	"NULL "
#define IS_DEAD "j.state = 'dead' AND j.discarded_at IS NULL AND " NOT_REPLAYED

/*
 * Has the alarm j rung? See RANG in store/sqlite/sql_parts.h. The index
 * jobs_rang has the first two.
 */
#define RANG                                                                   \
	"j.guards IS NOT NULL AND j.attempts > 0 "                             \
	"AND (j.outcome IS NULL OR j.outcome NOT LIKE 'cancelled%') "
#define RINGS RANG "AND j.acknowledged_at IS NULL AND j.discarded_at IS NULL "

/* Events with that order: what carries it, and what repeats those. */
#define EVENTS_OF_ORDER(order)                                                 \
	"(SELECT eo.event AS id, eo.event AS source "                          \
	"FROM event_orders AS eo WHERE eo.order_id = " order "::text UNION "   \
	"SELECT re.id, ro.event FROM event_orders AS ro CROSS JOIN LATERAL "   \
	"(SELECT re.id FROM events AS re WHERE re.repeat_of = ro.event "       \
	"OFFSET 0) AS re WHERE ro.order_id = " order "::text OFFSET 0) AS o "

/*
 * The events of that time, if there are not more than 5000: of more a walk soon
 * finds a page. Dates are not in the order of numbers, so a walk could not end
 * where a date is too old.
 */
#define FEW                                                                    \
	"WITH few AS MATERIALIZED (SELECT x.id FROM (" OF_TIME(                \
	    "LIMIT 5001") ") AS x WHERE $2::int8 <> 0) "
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
#define REPLAYED_BY                                                            \
	"(WITH RECURSIVE r (id) AS (SELECT k.id FROM jobs AS k "               \
	"WHERE k.replay_of = j.id UNION SELECT k.id FROM r "                   \
	"CROSS JOIN LATERAL (SELECT k.id FROM jobs AS k "                      \
	"WHERE k.replay_of = r.id OFFSET 0) AS k) SELECT max(r.id) FROM r) "
#define OUTCOME                                                                \
	"j.outcome || coalesce((SELECT ': ' || a.detail FROM attempts AS a "   \
	"WHERE a.job = j.id AND a.number = j.attempts "                        \
	"AND a.outcome = j.outcome), '') "
#define FACTS "CROSS JOIN LATERAL job_facts(j.id) AS f "
#define JOB_INFO                                                               \
	"SELECT j.id, j.place, j.state, j.attempts, j.due_at, "                \
	"j.finished_at, j.discarded_at, j.replay_of, " REPLAYED_BY             \
	", j.name, j.event_id, j.scope, j.type, " OUTCOME ", f.order_id, "     \
	"f.guards, f.guarded, f.rang_at, f.acknowledged_at, "                  \
	"f.acknowledged_by FROM ("
#define JOB_PAGE_END                                                           \
	"ORDER BY j.id DESC LIMIT $4::int8) AS j " FACTS "ORDER BY j.id DESC"

/* Of the alarms u, along the index that has those which were tried. */
#define ALARM_PAGE                                                             \
	"CROSS JOIN LATERAL (SELECT " JOB_COLUMNS "FROM jobs AS j "            \
	"WHERE j.id = u.id AND " RANG "AND " JOB_FITS                          \
	"OFFSET 0) AS j " EVENT_OF_JOB HANDLER_OF_JOB "WHERE " HANDLER_FITS    \
	"AND " EVENT_FITS "ORDER BY u.id DESC LIMIT $4::int8) AS j " FACTS     \
	"ORDER BY j.id DESC"

#define ATTEMPT_COLUMNS                                                        \
	"a.job, a.number, a.started_at, a.duration, "                          \
	"a.outcome || coalesce(': ' || a.detail, ''), a.code, a.answer "

/*
 * -- Events: $6 type, $7 brand, $8 branch, $9 progress, $10 with jobs, $11
 * handler --
 */

/* How it stands by its jobs; progress as enum store_progress has it. */
#define EVENT_COUNTS                                                           \
	"CROSS JOIN LATERAL (SELECT c.total, c.unfinished, c.dead, c.alarms, " \
	"CASE WHEN c.dead > 0 THEN 3 WHEN c.unfinished > 0 THEN 1 "            \
	"ELSE 2 END AS progress FROM (SELECT count(*) AS total, "              \
	"count(*) FILTER (WHERE j.finished_at IS NULL) AS unfinished, "        \
	"count(*) FILTER (WHERE " IS_DEAD ") AS dead, "                        \
	"count(*) FILTER (WHERE " RINGS ") AS alarms "                         \
	"FROM jobs AS j WHERE j.event = e.id) AS c OFFSET 0) AS c "
#define EVENT_PAGE                                                             \
	"SELECT e.id, e.repeat_of, e.duplicates, e.last_duplicate_at, "        \
	"e.purged_at, c.total, c.unfinished, c.dead, c.progress, c.alarms "
#define EVENT_LISTED                                                           \
	"e.id < $1::int8 AND " EVENT_FITS                                      \
	"AND ($7::text IS NULL OR e.brand = $7::text) "                        \
	"AND ($8::text IS NULL OR e.branch = $8::text) "                       \
	"AND ($11::text IS NULL OR (SELECT j.id FROM jobs AS j "               \
	"WHERE j.event = e.id AND j.handler = (SELECT h.id "                   \
	"FROM handlers AS h WHERE h.name = $11::text) LIMIT 1) IS NOT NULL) "  \
	"AND ($9::int8 = 0 OR c.progress = $9::int8) "
/*
 * Does its id, or that of an order in it, begin with $13, which is before $14?
 * Or is $15 in an external id?
 */
#define EVENT_FOUND                                                            \
	"($13::text IS NULL OR (e.event_id >= $13::text "                      \
	"AND e.event_id < $14::text) OR (SELECT eo.place "                     \
	"FROM event_orders AS eo WHERE eo.event = coalesce(e.repeat_of, "      \
	"e.id) AND ((eo.order_id >= $13::text AND eo.order_id < $14::text) "   \
	"OR position($15::text IN lower(eo.external_id COLLATE \"C\")) > 0) "  \
	"LIMIT 1) IS NOT NULL) "
#define EVENT_OF_ID                                                            \
	"CROSS JOIN LATERAL (SELECT e.id, e.scope, e.type, e.brand, "          \
	"e.branch, e.received_at, e.repeat_of, e.duplicates, "                 \
	"e.last_duplicate_at, e.purged_at FROM events AS e "                   \
	"WHERE e.id = o.id OFFSET 0) AS e "
#define EVENT_PAGE_END "ORDER BY e.id DESC LIMIT $4::int8) AS e "

/*
 * What is shown of those in a page: as event_row.c has it, then its figures,
 * then an array for each member of its jobs.
 */
#define EVENT_ROW                                                              \
	"SELECT r.id, r.event_id, r.scope, r.type, r.origin, r.repeat_of, "    \
	"r.original, r.brand, r.branch, r.signature, r.secret, r.peer, "       \
	"r.received_at, r.came_at, r.body_size, r.body, r.places, "            \
	"r.order_ids, r.statuses, r.updated_ats, r.external_ids, r.endpoint "
#define EVENT_INFO                                                             \
	EVENT_ROW                                                              \
	", e.duplicates, e.last_duplicate_at, e.unfinished, e.dead, "          \
	"coalesce(e.purged_at, (SELECT o.purged_at FROM events AS o "          \
	"WHERE o.id = e.repeat_of)), e.progress, e.total, "                    \
	"(SELECT count(*) FROM event_orders AS eo "                            \
	"WHERE eo.event = coalesce(e.repeat_of, e.id)), "                      \
	"(SELECT o.date_doubted FROM events AS o WHERE o.id = e.id), "         \
	"j.ids, j.places, j.states, j.attempts, j.due_ats, j.finished_ats, "   \
	"j.discarded_ats, j.replay_ofs, j.replayed_bys, j.guards, "            \
	"j.rang_ats, j.acknowledged_ats, j.names, j.outcomes, j.order_ids, "   \
	"j.guarded, j.acknowledged_bys, e.alarms FROM ("
#define EVENT_JOBS "CROSS JOIN LATERAL event_jobs(e.id, "
#define EVENT_BRIEF                                                            \
	"CROSS JOIN LATERAL (" EVENT_ROW "FROM event_rows(e.id, -1, "          \
	"CASE WHEN $10::bool THEN 64 END, false) AS r OFFSET 0) AS "           \
	"r " EVENT_JOBS "CASE WHEN $10::bool THEN 64 ELSE 0 END) AS j "

/* -- Orders: $6 brand, $7 branch, $8 status, $9 open, $10 ends -- */

/* A record with its newest cart; and a cart of which there is no record. */
#define ORDER_COLUMNS                                                          \
	"x.at, x.order_id, x.scope, x.brand, x.branch, x.external_id, "        \
	"x.status, x.updated_at, x.event, x.place, x.event_id, x.cart, "       \
	"x.received_at "
#define RECORD                                                                 \
	"SELECT o.event AS at, o.order_id, o.scope, o.brand, o.branch, "       \
	"o.external_id, o.status, o.updated_at, o.event, o.place, "            \
	"e.event_id, c.event AS cart, e.received_at FROM "
#define RECORDS_OF_ID                                                          \
	"(SELECT o.order_id, o.scope, o.brand, o.branch, o.external_id, "      \
	"o.status, o.updated_at, o.event, o.place FROM orders AS o "           \
	"WHERE o.order_id = "
#define RECORD_JOINED                                                          \
	"LEFT JOIN LATERAL (SELECT e.event_id, e.scope, e.received_at "        \
	"FROM events AS e WHERE e.id = o.event OFFSET 0) AS e ON true "        \
	"LEFT JOIN LATERAL (SELECT c.event FROM carts AS c "                   \
	"WHERE c.order_id = o.order_id AND c.scope = o.scope OFFSET 0) "       \
	"AS c ON true "
#define CART                                                                   \
	"SELECT c.event AS at, c.order_id, c.scope, e.brand, e.branch, "       \
	"NULL::text AS external_id, NULL::text AS status, "                    \
	"NULL::text AS updated_at, 0::int8 AS event, c.place, "                \
	"NULL::text AS event_id, c.event AS cart, e.received_at FROM "
#define CARTS_OF_ID                                                            \
	"(SELECT c.order_id, c.scope, c.event, c.place FROM carts AS c "       \
	"WHERE c.order_id = "
#define CART_JOINED                                                            \
	"LEFT JOIN LATERAL (SELECT e.scope, e.brand, e.branch, "               \
	"e.received_at FROM events AS e WHERE e.id = c.event OFFSET 0) AS e "  \
	"ON true "
#define HAS_NO_RECORD                                                          \
	"(SELECT o.event FROM orders AS o WHERE o.order_id = c.order_id "      \
	"AND o.scope = c.scope LIMIT 1) IS NULL "
#define ORDER_OF_TIME                                                          \
	"($2::int8 = 0 OR e.received_at >= $2::int8) "                         \
	"AND ($3::int8 = 9223372036854775807 OR e.received_at < $3::int8) "    \
	"AND ($5::text IS NULL OR e.scope = $5::text) "
#define RECORD_FITS                                                            \
	"o.event < $1::int8 AND ($6::text IS NULL OR o.brand = $6::text) "     \
	"AND ($7::text IS NULL OR o.branch = $7::text) "                       \
	"AND ($8::text IS NULL OR o.status = $8::text) "                       \
	"AND (NOT $9::bool OR o.status IS NULL "                               \
	"OR o.status <> ALL ($10::text[])) AND " ORDER_OF_TIME
#define CART_FITS                                                              \
	"$8::text IS NULL AND NOT $9::bool AND c.event < $1::int8 "            \
	"AND ($6::text IS NULL OR e.brand = $6::text) "                        \
	"AND ($7::text IS NULL OR e.branch = $7::text) AND " ORDER_OF_TIME
/* Those of one event are not torn. */
#define NOT_TORN "DESC FETCH FIRST ($4::int8) ROWS WITH TIES"
#define ORDER_INFO                                                             \
	"SELECT x.order_id, x.scope, x.brand, x.branch, x.external_id, "       \
	"x.status, x.updated_at, x.event, x.place, x.event_id, x.cart, "       \
	"x.received_at, "
#define ORDER_PAGE ORDER_INFO "NULL::text FROM (SELECT " ORDER_COLUMNS "FROM ("
#define ORDER_PAGE_END                                                         \
	") AS x ORDER BY x.at " NOT_TORN                                       \
	") AS x ORDER BY x.at DESC, x.order_id, x.scope"

#define REJECTION_COLUMNS                                                      \
	"r.id, r.at, r.peer, r.cause, r.code, r.diagnosis, r.size, "           \
	"r.repeats, r.last_at, r.not_kept, "

static const struct pg_statement statements[] = {
	/* $12: the lowest number that is looked at. */
	[LIST_EVENTS] = { "list_events", EVENT_INFO EVENT_PAGE
	    "FROM events AS e " EVENT_COUNTS "WHERE e.id >= $12::int8 "
	    "AND " EVENT_LISTED "AND " EVENT_FOUND EVENT_PAGE_END EVENT_BRIEF
	    "ORDER BY e.id DESC" },
	[LIST_EVENTS_AMONG] = { "list_events_among", EVENT_INFO EVENT_PAGE
	    "FROM unnest($12::int8[]) AS o (id) " EVENT_OF_ID EVENT_COUNTS
	    "WHERE " EVENT_LISTED EVENT_PAGE_END EVENT_BRIEF
	    "ORDER BY e.id DESC" },
	[LIST_EVENTS_OF_ORDER] = { "list_events_of_order", EVENT_INFO EVENT_PAGE
	    "FROM " EVENTS_OF_ORDER("$12") EVENT_OF_ID EVENT_COUNTS
	    "WHERE " EVENT_LISTED EVENT_PAGE_END EVENT_BRIEF
	    "ORDER BY e.id DESC" },
	/* Along two indexes that have what has not ended, and no other. */
	[LIST_EVENTS_OPEN] = { "list_events_open", EVENT_INFO EVENT_PAGE
	    "FROM (SELECT DISTINCT u.event AS id FROM " HANDLERS
	    "CROSS JOIN LATERAL (SELECT j.event FROM jobs AS j "
	    "WHERE j.finished_at IS NULL AND j.behind = 0 "
	    "AND j.handler = h.id UNION ALL "
	    "SELECT j.event FROM jobs AS j "
	    "WHERE j.finished_at IS NULL AND j.behind > 0 "
	    "AND j.handler = h.id OFFSET 0) AS u WHERE u.event < $1::int8 "
	    "ORDER BY u.event DESC OFFSET 0) AS o " EVENT_OF_ID EVENT_COUNTS
	    "WHERE " EVENT_LISTED
	    "ORDER BY o.id DESC LIMIT $4::int8) AS e " EVENT_BRIEF
	    "ORDER BY e.id DESC" },
	[LIST_EVENTS_DEAD] = { "list_events_dead", EVENT_INFO EVENT_PAGE
	    "FROM (SELECT DISTINCT j.event AS id FROM " HANDLERS
	    "CROSS JOIN LATERAL (SELECT j.event FROM jobs AS j "
	    "WHERE j.handler = h.id AND " IS_DEAD "OFFSET 0) AS j "
	    "WHERE j.event < $1::int8 ORDER BY j.event DESC OFFSET 0) AS "
	    "o " EVENT_OF_ID EVENT_COUNTS "WHERE " EVENT_LISTED
	    "ORDER BY o.id DESC LIMIT $4::int8) AS e " EVENT_BRIEF
	    "ORDER BY e.id DESC" },
	/* $10 as above */
	[LIST_EVENTS_NUMBERED] = { "list_events_numbered", EVENT_INFO EVENT_PAGE
	    ", o.at "
	    "FROM unnest($1::int8[]) WITH ORDINALITY AS o (id, at) " EVENT_OF_ID
		EVENT_COUNTS ") AS e CROSS JOIN LATERAL (" EVENT_ROW
	    "FROM event_rows(e.id, -1, CASE WHEN $2::bool THEN 64 END, false) "
	    "AS r OFFSET 0) AS r " EVENT_JOBS
	    "CASE WHEN $2::bool THEN 64 ELSE 0 END) AS j "
	    "ORDER BY e.at" },
	[LIST_EVENT_NAMED] = { "list_event_named", EVENT_INFO EVENT_PAGE
	    ", e.scope FROM events AS e " EVENT_COUNTS
	    "WHERE e.event_id = $1::text "
	    "AND ($2::text IS NULL OR e.scope = $2::text)) AS e "
	    "CROSS JOIN LATERAL (" EVENT_ROW
	    "FROM event_rows(e.id, -1, NULL, true) AS r OFFSET 0) AS "
	    "r " EVENT_JOBS "NULL) AS j ORDER BY e.scope" },
	/* Ids are printable ASCII: all of a prefix come before its DEL. */
	[LIST_EVENT_LAST] = { "list_event_last", EVENT_INFO EVENT_PAGE
	    ", e.scope FROM (SELECT e.* FROM events AS e "
	    "WHERE e.event_id >= $1::text AND e.event_id < $1::text || "
	    "chr(127) "
	    "AND e.scope = '' ORDER BY e.event_id DESC LIMIT 1) AS "
	    "e " EVENT_COUNTS ") AS e CROSS JOIN LATERAL (" EVENT_ROW
	    "FROM event_rows(e.id, -1, NULL, true) AS r OFFSET 0) AS "
	    "r " EVENT_JOBS "NULL) AS j" },
	/*
	 * Carts are looked at as far back as the page of records goes. $11: the
	 * lowest event that is looked at.
	 */
	[LIST_ORDERS] = { "list_orders", FEW
	    ", low AS MATERIALIZED (SELECT greatest($11::int8, "
	    "CASE WHEN " ARE_NOT_FEW
	    "THEN 0 ELSE coalesce((SELECT min(few.id) FROM few), "
	    "9223372036854775807) END) AS id), records AS MATERIALIZED (" RECORD
	    "orders AS o " RECORD_JOINED
	    "WHERE o.event >= (SELECT low.id FROM low) AND " RECORD_FITS
	    "ORDER BY o.event " NOT_TORN "), back AS MATERIALIZED (SELECT CASE "
	    "WHEN (SELECT count(*) FROM records) < $4::int8 THEN 0 "
	    "ELSE (SELECT min(x.at) FROM records AS x) END AS at) " ORDER_PAGE
	    "SELECT " ORDER_COLUMNS "FROM records AS x UNION ALL (" CART
	    "carts AS c " CART_JOINED
	    "WHERE c.event >= (SELECT low.id FROM low) "
	    "AND c.event >= (SELECT b.at FROM back AS b) "
	    "AND " HAS_NO_RECORD "AND " CART_FITS "ORDER BY c.event " NOT_TORN
	    ")" ORDER_PAGE_END },
	[LIST_BOARD] = { "list_board", BOARD_SQL },
	[LIST_ORDERS_OF_ID] = { "list_orders_of_id",
	    ORDER_PAGE RECORD RECORDS_OF_ID
	    "$11::text OFFSET 0) AS o " RECORD_JOINED "WHERE " RECORD_FITS
	    "UNION ALL " CART CARTS_OF_ID
	    "$11::text OFFSET 0) AS c " CART_JOINED "WHERE " HAS_NO_RECORD
	    "AND " CART_FITS ORDER_PAGE_END },
	[LIST_ORDER_NAMED] = { "list_order_named", ORDER_INFO
	    "(SELECT order_document(b.body, x.place) "
	    "FROM bodies AS b WHERE b.event = x.event) FROM (" RECORD
		RECORDS_OF_ID "$1::text OFFSET 0) AS o " RECORD_JOINED
	    "WHERE ($2::text IS NULL OR o.scope = $2::text) UNION ALL " CART
		CARTS_OF_ID "$1::text OFFSET 0) AS c " CART_JOINED
	    "WHERE ($2::text IS NULL OR c.scope = $2::text) "
	    "AND " HAS_NO_RECORD ") AS x ORDER BY x.scope" },
	/* $11: the lowest number that is looked at. */
	[LIST_JOBS] = { "list_jobs", JOB_INFO JOB_PAGE
	    "FROM jobs AS j " EVENT_OF_JOB HANDLER_OF_JOB
	    "WHERE j.id >= $11::int8 AND ($9::text IS NULL OR j.handler = "
	    "(SELECT h.id FROM handlers AS h WHERE h.name = $9::text)) "
	    "AND " JOB_FITS "AND " EVENT_FITS JOB_PAGE_END },
	[LIST_JOBS_OF_TIME] = { "list_jobs_of_time", JOB_INFO JOB_PAGE
	    "FROM (" OF_TIME("") "OFFSET 0) AS o CROSS JOIN LATERAL "
				 "(SELECT " JOB_COLUMNS
				 "FROM jobs AS j WHERE j.event = o.id "
				 "AND " JOB_FITS
				 "OFFSET 0) AS j " EVENT_OF_JOB HANDLER_OF_JOB
				 "WHERE " HANDLER_FITS
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
	    "ORDER BY u.id DESC LIMIT $4::int8) AS j " FACTS
	    "ORDER BY j.id DESC" },
	[LIST_JOBS_OF_EVENT] = { "list_jobs_of_event", JOB_INFO JOB_PAGE
	    "FROM (SELECT e.id, e.event_id, e.scope, e.type, "
	    "coalesce(e.repeat_of, e.id) AS source "
	    "FROM events AS e WHERE e.event_id = $11::text AND " EVENT_FITS
	    "OFFSET 0) AS e CROSS JOIN LATERAL (SELECT " JOB_COLUMNS
	    "FROM jobs AS j WHERE j.event = e.id AND " JOB_FITS
	    "AND ($12::text IS NULL OR (SELECT eo.place "
	    "FROM event_orders AS eo WHERE eo.event = e.source "
	    "AND eo.order_id = $12::text AND (j.place = -1 "
	    "OR eo.place = j.place) LIMIT 1) IS NOT NULL) "
	    "OFFSET 0) AS j " HANDLER_OF_JOB
	    "WHERE " HANDLER_FITS JOB_PAGE_END },
	/* The whole event's jobs, and those of the places with that order. */
	[LIST_JOBS_OF_ORDER] = { "list_jobs_of_order",
	    JOB_INFO JOB_PAGE "FROM " EVENTS_OF_ORDER(
		"$11") "CROSS JOIN LATERAL (SELECT " JOB_COLUMNS
		       "FROM jobs AS j "
		       "WHERE j.event = o.id AND (j.place = -1 OR $11::text = "
		       "(SELECT eo.order_id FROM event_orders AS eo "
		       "WHERE eo.event = o.source AND eo.place = j.place)) "
		       "AND " JOB_FITS
		       "OFFSET 0) AS j " EVENT_OF_JOB HANDLER_OF_JOB
		       "WHERE " HANDLER_FITS "AND " EVENT_FITS JOB_PAGE_END },
	[LIST_JOBS_NUMBERED] = { "list_jobs_numbered", JOB_INFO JOB_PAGE
	    ", j.at FROM (SELECT " JOB_COLUMNS ", n.at "
	    "FROM unnest($1::int8[]) WITH ORDINALITY AS n (id, at) "
	    "CROSS JOIN LATERAL (SELECT " JOB_COLUMNS "FROM jobs AS j "
	    "WHERE j.id = n.id OFFSET 0) AS j) AS j " EVENT_OF_JOB
		HANDLER_OF_JOB ") AS j " FACTS "ORDER BY j.at" },
	[LIST_ALARMS] = { "list_alarms", JOB_INFO JOB_PAGE
	    "FROM (SELECT j.id FROM jobs AS j WHERE j.guards IS NOT NULL "
	    "AND j.attempts > 0 AND j.id < $1::int8 "
	    "ORDER BY j.id DESC OFFSET 0) AS u " ALARM_PAGE },
	[LIST_ALARMS_OPEN] = { "list_alarms_open", JOB_INFO JOB_PAGE
	    "FROM (SELECT j.id FROM jobs AS j WHERE j.guards IS NOT NULL "
	    "AND j.attempts > 0 AND j.acknowledged_at IS NULL "
	    "AND j.discarded_at IS NULL AND j.id < $1::int8 "
	    "ORDER BY j.id DESC OFFSET 0) AS u " ALARM_PAGE },
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
	    "d.n, d.alerts, e.received_at, e.came_at "
	    "FROM handlers AS h CROSS JOIN LATERAL (SELECT count(*) AS n, "
	    "min(j.id) AS oldest FROM jobs AS j WHERE j.finished_at IS NULL "
	    "AND j.behind = 0 AND j.handler = h.id) AS r "
	    "CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER "
	    "(WHERE (SELECT i.origin = 'internal' "
	    "AND i.type LIKE 'klikitd.alert.%' FROM events AS i "
	    "WHERE i.id = j.event OFFSET 0)) AS alerts FROM jobs AS j "
	    "WHERE j.handler = h.id AND " IS_DEAD ") AS d "
	    "LEFT JOIN LATERAL (SELECT e.received_at, "
	    "coalesce(e.came_at, e.received_at) AS came_at FROM events AS e "
	    "WHERE e.id = least((SELECT j.event FROM jobs AS j "
	    "WHERE j.id = r.oldest), (SELECT min(x.event) FROM "
	    "(SELECT j.event FROM jobs AS j WHERE j.replay_of IS NOT NULL "
	    "AND j.finished_at IS NULL AND j.handler = h.id OFFSET 0) AS x)) "
	    "OFFSET 0) AS e ON true WHERE h.id > 0 ORDER BY h.id" },
	/* Lanes in which a job stands behind another; and all bytes. */
	[LIST_FIGURES] = { "list_figures",
	    "SELECT (SELECT coalesce(sum(x.n), 0)::int8 FROM " HANDLERS
	    "CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT 1 "
	    "FROM lanes AS l WHERE l.handler = h.id GROUP BY l.lane, l.scope "
	    "HAVING count(*) > 1) AS y) AS x), "
	    "(SELECT sum(pg_total_relation_size(t.oid))::int8 "
	    "FROM pg_class AS t WHERE t.relkind = 'r' AND t.relnamespace = "
	    "(SELECT n.oid FROM pg_namespace AS n "
	    "WHERE n.nspname = current_schema())), "
	    "(SELECT count(*) FROM receivers AS r WHERE r.id > 0 "
	    "AND NOT r.dead AND r.alive_until > clock_timestamp()), "
	    "(SELECT count(*) FROM jobs AS j WHERE " RINGS ")" },
	/* Those that live, and of all others the newest. */
	[LIST_RECEIVERS] = { "list_receivers",
	    "SELECT x.id, x.name, x.version, x.started_at, x.alive, "
	    "(SELECT p.report FROM reports AS p WHERE p.receiver = x.id) "
	    "FROM (SELECT r.id, r.name, r.version, r.started_at, NOT r.dead "
	    "AND r.alive_until > clock_timestamp() AS alive "
	    "FROM receivers AS r WHERE r.id > 0 "
	    "ORDER BY r.dead, r.id DESC LIMIT $1::int8) AS x ORDER BY x.id" },
	[LIST_REJECTIONS] = { "list_rejections",
	    "SELECT " REJECTION_COLUMNS "NULL::text, NULL::bytea, r.endpoint "
	    "FROM rejections AS r WHERE r.id < $1::int8 "
	    "AND r.at >= $2::int8 AND r.at < $3::int8 "
	    "AND ($5::text IS NULL OR r.cause = $5::text) "
	    "AND ($6::text IS NULL OR coalesce(r.code, 'none') = $6::text) "
	    "ORDER BY r.id DESC LIMIT $4::int8" },
	[LIST_REJECTION] = { "list_rejection",
	    "SELECT " REJECTION_COLUMNS "r.headers, r.body, r.endpoint "
	    "FROM rejections AS r WHERE r.id = $1::int8" },
	[LIST_REJECTION_GROUPS] = { "list_rejection_groups",
	    "SELECT g.cause, g.code, g.n, g.deliveries, g.first_at, g.last_at, "
	    "g.newest, (SELECT r.diagnosis FROM rejections AS r "
	    "WHERE r.id = g.newest) FROM (SELECT r.cause, r.code, "
	    "count(*) AS n, sum(1 + r.repeats + r.not_kept)::int8 AS "
	    "deliveries, min(r.at) AS first_at, "
	    "max(greatest(r.at, coalesce(r.last_at, 0))) AS last_at, "
	    "max(r.id) AS newest FROM rejections AS r WHERE r.id > 0 "
	    "AND r.at >= $1::int8 AND r.at < $2::int8 "
	    "AND ($3::text IS NULL OR r.cause = $3::text) "
	    "AND ($4::text IS NULL OR coalesce(r.code, 'none') = $4::text) "
	    "GROUP BY r.cause, r.code) AS g ORDER BY g.deliveries DESC, "
	    "g.newest DESC LIMIT 500" },
	[LIST_COUNTS] = { "list_counts",
	    "SELECT c.at, c.kind, c.name, c.numbers, c.peak "
	    "FROM counts AS c WHERE c.step = $1::int8 AND c.at >= $2::int8 "
	    "AND c.at < $3::int8 ORDER BY c.at, c.kind, c.name" },
	/* The answer left before one of the next events came. */
	[LIST_ARRIVAL] = { "list_arrival",
	    "SELECT (SELECT h.headers FROM header_sets AS h "
	    "WHERE h.id = e.header_set), e.own_headers, "
	    "(SELECT a.answers FROM events AS a WHERE a.id > e.id "
	    "AND a.id <= e.id + 1024 "
	    "AND position(' ' || e.id || ':' IN ' ' || a.answers) > 0 "
	    "ORDER BY a.id LIMIT 1) FROM events AS e WHERE e.id = $1::int8" },
};

const struct pg_statement *
list_statement(enum list_sql which)
{
	return (which < LIST_WALK_EVENTS ? &statements[which]
					 : list_walk_statement(which));
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
