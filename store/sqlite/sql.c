/*
 * Every statement by its number, so that a test can look at each one's plan;
 * those of one subject are in files of their own, sql_walk.c and so on.
 */
#include "store/sqlite/sql_parts.h"
#include "store/sqlite/sqlite.h"

#define EVENT_COLUMNS                                                          \
	"e.id, e.event_id, e.type, e.brand, e.branch, e.signature, "           \
	"e.secret, e.peer, e.received_at, e.body_size, e.scope, e.origin, "    \
	"ifnull(e.repeat_of, 0)"

/*
 * The jobs of e. By their index, said so: there is one of all dead jobs, and
 * to look through those for each event is what SQLite would choose.
 */
#define JOBS_OF_EVENT                                                          \
	"FROM jobs AS j INDEXED BY jobs_event WHERE j.event = e.id "

/* As enum store_progress has it. */
#define PROGRESS                                                               \
	"CASE WHEN EXISTS (SELECT 1 " JOBS_OF_EVENT "AND " IS_DEAD ") THEN 3 " \
	"WHEN EXISTS (SELECT 1 " JOBS_OF_EVENT                                 \
	"AND j.finished_at IS NULL) THEN 1 ELSE 2 END "

/*
 * The event that has the orders and the body of e; and when they went, which is
 * not before all of its repeats have ended.
 */
#define SOURCE "ifnull(e.repeat_of, e.id)"
#define PURGED_AT                                                              \
	"ifnull(e.purged_at, (SELECT o.purged_at FROM events AS o "            \
	"WHERE o.id = e.repeat_of))"

/*
 * Does its id, or that of an order in it, begin with ?13, which is before ?14?
 * Or is ?15 in an external id?
 */
#define FINDS                                                                  \
	"(?13 IS NULL OR (e.event_id >= ?13 AND e.event_id < ?14) OR EXISTS "  \
	"(SELECT 1 FROM event_orders AS fo WHERE fo.event = " SOURCE " AND "   \
	"((fo.order_id >= ?13 AND fo.order_id < ?14) "                         \
	"OR instr(lower(fo.external_id), ?15) > 0))) "
/*
 * The plus keeps a list of few events from being looked for among all of them;
 * what walks along them says so itself.
 */
#define EVENT_FILTER                                                           \
	"+e.id < ?1 AND (?2 IS NULL OR e.type = ?2) "                          \
	"AND (?3 IS NULL OR e.brand = ?3) "                                    \
	"AND (?4 IS NULL OR e.branch = ?4) "                                   \
	"AND (?5 = 0 OR e.received_at >= ?5) "                                 \
	"AND (?6 = 0 OR e.received_at < ?6) "                                  \
	"AND (?10 IS NULL OR e.scope = ?10) "                                  \
	"AND (?12 IS NULL OR EXISTS (SELECT 1 FROM jobs AS hj "                \
	"WHERE hj.event = e.id AND hj.handler = "                              \
	"(SELECT id FROM handlers WHERE name = ?12))) "                        \
	"AND (?9 = 0 OR ?9 = " PROGRESS ") "

/* An order as lists show it: its newest record, and its newest cart. */
#define ORDER_COLUMNS                                                          \
	"o.order_id, o.brand, o.branch, o.external_id, o.status, "             \
	"o.updated_at, o.event, o.place, e.event_id, c.event, e.received_at, " \
	"o.scope "

/* The same of an order of which only a cart is known. */
#define CART_COLUMNS                                                           \
	"c.order_id, e.brand, e.branch, NULL, NULL, NULL, 0, c.place, NULL, "  \
	"c.event, e.received_at, c.scope "

#define ORDER_FILTER(brand, branch, event)                                     \
	"" event " < ?1 AND (?3 IS NULL OR " brand " = ?3) "                   \
	"AND (?4 IS NULL OR " branch " = ?4) "                                 \
	"AND (?5 = 0 OR e.received_at >= ?5) "                                 \
	"AND (?6 = 0 OR e.received_at < ?6) "                                  \
	"AND (?10 IS NULL OR e.scope = ?10) "

/* Records with their newest carts, and carts of which there is no record. */
#define ORDERS(of_record, of_cart)                                             \
	"SELECT * FROM (SELECT o.event AS at, " ORDER_COLUMNS                  \
	"FROM orders AS o LEFT JOIN events AS e ON e.id = o.event "            \
	"LEFT JOIN carts AS c ON c.order_id = o.order_id "                     \
	"AND c.scope = o.scope WHERE " of_record                               \
	" AND " ORDER_FILTER("o.brand", "o.branch",                            \
	    "o.event") "AND (?7 IS NULL OR o.status = ?7) "                    \
		       "ORDER BY o.event DESC, o.order_id) UNION ALL "         \
		       "SELECT * FROM (SELECT c.event AS at, " CART_COLUMNS    \
		       "FROM carts AS c LEFT JOIN events AS e "                \
		       "ON e.id = c.event WHERE ?7 IS NULL AND ?8 = 0 "        \
		       "AND " of_cart " AND NOT EXISTS (SELECT 1 "             \
		       "FROM orders AS o WHERE o.order_id = c.order_id "       \
		       "AND o.scope = c.scope) AND " ORDER_FILTER("e.brand",   \
			   "e.branch",                                         \
			   "c.event") "ORDER BY c.event DESC, c.order_id) "    \
				      "ORDER BY 1 DESC, 2"

#define RUNNABLE_COLUMNS                                                       \
	"id, event, place, attempts, replay_of IS NOT NULL, "                  \
	"ifnull(guards, 0)"

/* That place of an event, or all if ?2 is -1; by index, however many it has. */
#define PLACE "place >= ?2 AND place <= iif(?2 = -1, 2147483647, ?2) "

/* Jobs that run, by index: those that run stand behind no other. */
#define RUNNING                                                                \
	"finished_at IS NULL AND behind = 0 "                                  \
	"AND handler IN (SELECT id FROM handlers) AND state = 'running' "

/* A row of jobs: that one, or one that repeats it, and is done. */
#define WAS_DONE(job)                                                          \
	"state = 'done' AND id IN (WITH RECURSIVE r (id) AS "                  \
	"(SELECT g.id FROM jobs AS g WHERE g.id = " job " "                    \
	"UNION SELECT k.id FROM r "                                            \
	"JOIN jobs AS k ON k.replay_of = r.id) SELECT id FROM r) "

/* The order that a job, j, is for, if that is one; by index. */
#define ORDER_OF_JOB                                                           \
	"(SELECT iif(count(*) = 1, max(order_id), NULL) FROM (SELECT "         \
	"order_id FROM event_orders WHERE event = " SOURCE " "                 \
	"AND place >= j.place "                                                \
	"AND place <= iif(j.place = -1, 2147483647, j.place) LIMIT 2))"

/*
 * due_at is shown as the wall clock has it. replayed_by: the last of those that
 * repeat it, and each other.
 */
#define JOB_INFO                                                               \
	"j.id, h.name, j.place, j.state, j.attempts, "                         \
	"iif(j.due_at = 0, 0, j.due_at + (SELECT wall_at - steady_at "         \
	"FROM clock WHERE id = 1)), "                                          \
	"j.finished_at, j.outcome || ifnull((SELECT ': ' || a.detail "         \
	"FROM attempts AS a WHERE a.job = j.id AND a.number = j.attempts "     \
	"AND a.outcome = j.outcome), ''), e.event_id, e.type, j.replay_of, "   \
	"iif(EXISTS (SELECT 1 FROM jobs AS k WHERE k.replay_of = j.id), "      \
	"(WITH RECURSIVE r (id) AS (SELECT id FROM jobs "                      \
	"WHERE replay_of = j.id UNION SELECT k.id FROM r "                     \
	"JOIN jobs AS k ON k.replay_of = r.id) SELECT max(id) FROM r), 0), "   \
	"e.scope, ifnull(j.discarded_at, 0), " ORDER_OF_JOB                    \
	", ifnull(j.guards, 0), (SELECT gh.name FROM jobs AS g "               \
	"JOIN handlers AS gh ON gh.id = g.handler WHERE g.id = j.guards), "    \
	"CASE WHEN " RANG(                                                     \
	    "j.") "THEN (SELECT a.started_at FROM attempts "                   \
		  "AS a WHERE a.job = j.id AND a.number = 1) END, "            \
		  "j.acknowledged_at, j.acknowledged_by "

/* With what came from outside, as long as that is kept. */
#define ATTEMPT_OUTCOME "outcome || ifnull(': ' || detail, '')"

#define JOB_FROM                                                               \
	"FROM jobs AS j JOIN events AS e ON e.id = j.event "                   \
	"JOIN handlers AS h ON h.id = j.handler "

/* With an order only the whole event's jobs, and those of the places with it.
 */
#define JOB_FILTER                                                             \
	"+j.id < ?1 AND (?2 IS NULL OR j.state = ?2 "                          \
	"OR (?2 = 'pending' AND j.finished_at IS NULL)) "                      \
	"AND (?2 IS NULL OR ?2 <> 'dead' OR (" IS_DEAD ")) "                   \
	"AND (?3 IS NULL OR h.name = ?3) "                                     \
	"AND (?4 IS NULL OR e.event_id = ?4) "                                 \
	"AND (?6 IS NULL OR e.type = ?6) "                                     \
	"AND (?7 = 0 OR e.received_at >= ?7) "                                 \
	"AND (?8 = 0 OR e.received_at < ?8) "                                  \
	"AND (?9 = 0 OR NOT EXISTS "                                           \
	"(SELECT 1 FROM jobs AS k WHERE k.replay_of = j.id)) "                 \
	"AND (?11 IS NULL OR e.scope = ?11) "                                  \
	"AND (?5 IS NULL OR EXISTS (SELECT 1 FROM event_orders AS eo "         \
	"WHERE eo.event = " SOURCE " AND eo.order_id = ?5 "                    \
	"AND (j.place = -1 OR eo.place = j.place))) "

static const char *const texts[] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT op",
	[SQL_RELEASE] = "RELEASE op",
	[SQL_ROLLBACK_TO] = "ROLLBACK TO op",
	[SQL_PROBE] = "UPDATE store SET probes = probes + 1 WHERE id = 1",

	[SQL_EVENT_INSERT] =
	    "INSERT INTO events (event_id, type, brand, branch, signature, "
	    "secret, peer, received_at, body_size, scope, origin, repeat_of, "
	    "came_at, date_doubted, endpoint, header_set, own_headers, "
	    "answers) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
	    "?14, ?15, ?16, ?17, ?18) "
	    "ON CONFLICT (event_id, scope) DO NOTHING",
	[SQL_EVENT_FIND] = "SELECT e.id, e.signature, e.secret, b.body "
			   "FROM events AS e "
			   "LEFT JOIN bodies AS b ON b.event = " SOURCE " "
			   "WHERE e.event_id = ?1 AND e.scope = ?2",
	/* The first ones exactly; of a flood one a minute. */
	[SQL_EVENT_AGAIN] = "UPDATE events SET duplicates = duplicates + 1, "
			    "last_duplicate_at = ?2 WHERE id = ?1 "
			    "AND (duplicates < 16 OR last_duplicate_at "
			    "NOT BETWEEN ?2 - 60000 AND ?2)",
	[SQL_EVENT_LOAD] =
	    "SELECT " EVENT_COLUMNS ", " CAME_AT ", (SELECT o.event_id "
	    "FROM events AS o WHERE o.id = e.repeat_of), e.date_doubted, "
	    "e.endpoint FROM events AS e WHERE e.id = ?1",
	/* Newest first; for most deliveries there is none. */
	[SQL_REPEAT_EVENTS] =
	    "SELECT DISTINCT event FROM event_orders WHERE order_id = ?1 "
	    "AND scope = ?2 AND event > ?3 ORDER BY event DESC",
	[SQL_REPEAT_LOOK] =
	    "SELECT e.signature, e.secret, e.type, e.body_size, " CAME_AT
	    ", e.purged_at IS NULL FROM events AS e WHERE e.id = ?1",
	/* Of the repeats those that came before, the newest. */
	[SQL_REPEAT_STANDS] =
	    "SELECT min(j.id) FROM jobs AS j WHERE j.event IN (SELECT ?1 "
	    "UNION ALL SELECT id FROM (SELECT id FROM events "
	    "WHERE repeat_of = ?1 AND id < ?2 ORDER BY id DESC LIMIT 64)) "
	    "AND j.handler = ?3 AND (j.place = ?4 OR j.place = -1 OR ?4 = -1) "
	    "AND j.guards IS NULL "
	    "AND (j.state = 'done' OR j.finished_at IS NULL)",
	[SQL_BODY_INSERT] = "INSERT INTO bodies (event, body) VALUES (?1, ?2)",
	[SQL_BODY_LOAD] = "SELECT body FROM bodies WHERE event = ?1",
	[SQL_EVENT_ORDER_INSERT] =
	    "INSERT INTO event_orders (event, place, order_id, status, "
	    "updated_at, external_id, scope) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_EVENT_ORDERS_LOAD] =
	    "SELECT place, order_id, status, updated_at, external_id "
	    "FROM event_orders WHERE event = ?1 AND " PLACE
	    "ORDER BY place LIMIT ?3",

	/* The answer left before one of the next events came. */
	[SQL_EVENT_ARRIVAL] =
	    "SELECT h.headers, e.own_headers, (SELECT a.answers "
	    "FROM events AS a WHERE a.id > e.id AND a.id <= e.id + 1024 "
	    "AND instr(' ' || a.answers, ' ' || e.id || ':') > 0 "
	    "ORDER BY a.id LIMIT 1) FROM events AS e "
	    "LEFT JOIN header_sets AS h ON h.id = e.header_set "
	    "WHERE e.id = ?1",
	[SQL_HEADERS_LOAD] =
	    "SELECT ifnull(h.headers, '') || ifnull(e.own_headers, '') "
	    "FROM events AS e "
	    "LEFT JOIN header_sets AS h ON h.id = e.header_set "
	    "WHERE e.id = ?1",
	[SQL_HEADERS_KEEP] =
	    "INSERT INTO header_sets (id, headers, used_at, came_at) "
	    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET "
	    "shared = 1, used_at = max(used_at, excluded.used_at), "
	    "came_at = max(came_at, excluded.came_at) "
	    "RETURNING used_at, came_at, shared",

	[SQL_JOB_INSERT] =
	    "INSERT INTO jobs (event, place, handler, state, due_at, behind, "
	    "ordered, guards, replay_of, finished_at, outcome) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10)",
	[SQL_JOB_BEHIND] = "UPDATE jobs SET behind = ?2 WHERE id = ?1",
	[SQL_JOB_LOAD] = "SELECT event, place, handler, state, attempts, "
			 "behind, ordered, ifnull(guards, 0), "
			 "ifnull(replay_of, 0), ifnull((SELECT repeat_of "
			 "FROM events AS e WHERE e.id = event), event), "
			 "ifnull(key_of, 0), due_at FROM jobs WHERE id = ?1",
	/* Of what has not ended: it names no column that an end sets. */
	[SQL_JOB_START] = "UPDATE jobs SET state = 'running', "
			  "attempts = attempts + 1, due_at = 0 WHERE id = ?1",
	[SQL_JOB_MOVE] =
	    "UPDATE jobs SET state = ?2, attempts = attempts + ?6, "
	    "due_at = ?3, finished_at = ?4, outcome = ifnull(?5, outcome) "
	    "WHERE id = ?1",
	[SQL_JOB_DISCARD] =
	    "UPDATE jobs SET discarded_at = ?2, outcome = ?3 || "
	    "iif(?4, ifnull('; it was: ' || outcome, ''), '') WHERE id = ?1",
	[SQL_JOB_IS_DEAD] =
	    "SELECT 1 FROM jobs AS j WHERE j.id = ?1 AND " IS_DEAD,
	[SQL_JOB_ADVANCE] = "UPDATE jobs SET behind = behind - 1 WHERE id = ?1",
	/* Two ranges of one index, each in its order. */
	[SQL_JOB_RUNNABLE] =
	    "SELECT * FROM (SELECT " RUNNABLE_COLUMNS " FROM jobs "
	    "WHERE finished_at IS NULL AND behind = 0 AND handler = ?1 "
	    "AND state = 'ready' AND due_at = 0 ORDER BY id LIMIT ?3) "
	    "UNION ALL "
	    "SELECT * FROM (SELECT " RUNNABLE_COLUMNS " FROM jobs "
	    "WHERE finished_at IS NULL AND behind = 0 AND handler = ?1 "
	    "AND state = 'waiting' AND attempts = 0 AND due_at <= ?2 "
	    "ORDER BY due_at, id LIMIT ?3) "
	    "UNION ALL "
	    "SELECT * FROM (SELECT " RUNNABLE_COLUMNS " FROM jobs "
	    "WHERE finished_at IS NULL AND behind = 0 AND handler = ?1 "
	    "AND state = 'waiting' AND attempts > 0 AND due_at <= ?2 "
	    "ORDER BY due_at, id LIMIT ?3)",
	[SQL_JOB_NEXT_DUE] =
	    "SELECT due_at FROM jobs "
	    "WHERE finished_at IS NULL AND behind = 0 AND handler = ?1 "
	    "AND state = 'waiting' AND due_at > ?2 ORDER BY due_at LIMIT 1",
	[SQL_JOB_ORDERS] = "SELECT order_id, scope FROM event_orders "
			   "WHERE event = ?1 AND " PLACE,
	[SQL_JOB_REPLAY] = "SELECT id, finished_at IS NULL FROM jobs "
			   "WHERE replay_of = ?1 ORDER BY id DESC LIMIT 1",
	/* As ingest_jobs() writes it. */
	[SQL_JOB_SUPERSEDED] =
	    "SELECT 1 FROM jobs WHERE id = ?1 AND attempts = 0 "
	    "AND state = 'done' AND outcome LIKE 'superseded by place %'",
	[SQL_JOB_REPLAYABLE] = "SELECT 1 FROM bodies WHERE event = ?1",
	/* Its own number, or that of the job that it repeats. */
	[SQL_JOB_KEY] = "UPDATE jobs SET key_of = iif(?2, id, (SELECT l.key_of "
			"FROM jobs AS l WHERE l.id = jobs.replay_of)) "
			"WHERE id = ?1",
	[SQL_ALARM_ACKNOWLEDGE] =
	    "UPDATE jobs SET acknowledged_at = ?2, acknowledged_by = ?3 "
	    "WHERE id = ?1 AND " RINGS(""),
	/* Few have one: to look costs a fifth of the statement below. */
	[SQL_ALARM_FIND] = "SELECT 1 FROM jobs WHERE guards = ?1 "
			   "AND finished_at IS NULL AND state <> 'running' "
			   "LIMIT 1",
	/* One that runs is left to end by itself: see attempts.c. */
	[SQL_ALARM_CANCEL] =
	    "UPDATE jobs SET state = 'done', due_at = 0, finished_at = ?2, "
	    "outcome = 'cancelled' WHERE guards = ?1 "
	    "AND finished_at IS NULL AND state <> 'running'",
	[SQL_ALARM_UNGUARD] =
	    "UPDATE jobs SET state = 'done', due_at = 0, finished_at = ?2, "
	    "outcome = 'cancelled: there is no deadline any more' "
	    "WHERE guards IS NOT NULL AND finished_at IS NULL "
	    "AND state <> 'running' AND ?1 = "
	    "(SELECT g.handler FROM jobs AS g WHERE g.id = jobs.guards)",
	[SQL_ALARM_NEEDLESS] = "SELECT 1 FROM jobs WHERE " WAS_DONE(
	    "?1") "UNION ALL SELECT 0 FROM jobs WHERE id = ?2 "
		  "AND acknowledged_at IS NOT NULL",
	[SQL_SERVED_INSERT] =
	    "INSERT OR IGNORE INTO served (handler, order_id, scope, job) "
	    "SELECT ?3, order_id, scope, ?4 FROM event_orders "
	    "WHERE event = ?1 AND " PLACE,
	[SQL_SERVED_BY] =
	    "SELECT s.job FROM event_orders AS eo LEFT JOIN served AS s "
	    "ON s.handler = ?3 AND s.order_id = eo.order_id "
	    "AND s.scope = eo.scope "
	    "WHERE eo.event = ?1 AND " PLACE "ORDER BY eo.place",
	[SQL_RECOVER_ATTEMPTS] =
	    "UPDATE attempts SET outcome = 'unknown' WHERE outcome IS NULL "
	    "AND (job, number) IN (SELECT id, attempts FROM jobs WHERE " RUNNING
	    ")",
	[SQL_RECOVER_ALARMS] =
	    "UPDATE jobs SET state = 'done', finished_at = ?1, "
	    "outcome = 'cancelled' WHERE " RUNNING "AND guards IS NOT NULL "
	    "AND EXISTS (SELECT 1 FROM jobs AS d WHERE " WAS_DONE(
		"jobs.guards") ")",
	[SQL_RECOVER_JOBS] = "UPDATE jobs SET state = 'waiting', due_at = 0, "
			     "outcome = 'unknown' WHERE " RUNNING,

	[SQL_LANE_INSERT] =
	    "INSERT OR IGNORE INTO lanes (handler, lane, scope, job) "
	    "VALUES (?1, ?2, ?4, ?3)",
	[SQL_LANE_DELETE] = "DELETE FROM lanes WHERE handler = ?1 "
			    "AND lane = ?2 AND scope = ?4 AND job = ?3",
	[SQL_LANE_EARLIER] =
	    "SELECT 1 FROM lanes WHERE handler = ?1 "
	    "AND lane = ?2 AND scope = ?4 AND job < ?3 LIMIT 1",
	[SQL_LANE_FIRST] = "SELECT job FROM lanes WHERE handler = ?1 "
			   "AND lane = ?2 AND scope = ?4 "
			   "ORDER BY job LIMIT 1",
	[SQL_ATTEMPT_INSERT] =
	    "INSERT INTO attempts (job, number, started_at, duration, "
	    "outcome, code, answer, detail) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_ATTEMPT_END] =
	    "UPDATE attempts SET duration = ?3, outcome = ?4, code = ?5, "
	    "answer = ?6, detail = ?7 WHERE job = ?1 AND number = ?2",
	[SQL_HANDLER_PAUSE] =
	    "UPDATE handlers SET paused_at = ?2, paused_by = ?3, "
	    "paused_why = ?4 WHERE name = ?1 RETURNING id",
	[SQL_HANDLER_SEEN] =
	    "INSERT INTO handlers (name, first_seen, last_seen) "
	    "VALUES (?1, ?2, ?2) ON CONFLICT (name) "
	    "DO UPDATE SET last_seen = excluded.last_seen RETURNING id",

	/* The row is the greatest version whole; nothing is merged. */
	[SQL_ORDER_UPSERT] =
	    "INSERT INTO orders (order_id, brand, branch, external_id, "
	    "status, updated_at, version_key, event, place, scope) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
	    "ON CONFLICT (order_id, scope) DO UPDATE SET brand = "
	    "excluded.brand, "
	    "branch = excluded.branch, external_id = excluded.external_id, "
	    "status = excluded.status, updated_at = excluded.updated_at, "
	    "version_key = excluded.version_key, event = excluded.event, "
	    "place = excluded.place "
	    "WHERE excluded.version_key > version_key",
	[SQL_CART_UPSERT] =
	    "INSERT INTO carts (order_id, version_key, event, place, scope) "
	    "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (order_id, scope) "
	    "DO UPDATE SET version_key = excluded.version_key, "
	    "event = excluded.event, place = excluded.place "
	    "WHERE excluded.version_key > version_key",

	[SQL_LIST_EVENTS] = "SELECT e.id FROM events AS e WHERE e.id < ?1 "
			    "AND e.id >= ?11 AND " EVENT_FILTER "AND " FINDS
			    "ORDER BY e.id DESC LIMIT ?7",
	/* ?8: their numbers, as a JSON array. */
	[SQL_LIST_EVENTS_AMONG] =
	    "SELECT e.id FROM events AS e WHERE e.id IN "
	    "(SELECT value FROM json_each(?8)) AND " EVENT_FILTER
	    "ORDER BY e.id DESC LIMIT ?7",
	[SQL_LIST_EVENTS_OF_ORDER] =
	    "SELECT e.id FROM events AS e WHERE e.id IN "
	    "(" EVENTS_OF_ORDER("?8") ") "
				      "AND " EVENT_FILTER
				      "ORDER BY e.id DESC LIMIT ?7",
	[SQL_LIST_EVENTS_OPEN] =
	    "SELECT e.id FROM events AS e WHERE e.id IN "
	    "(SELECT event FROM jobs INDEXED BY jobs_runnable "
	    "WHERE finished_at IS NULL AND behind = 0 UNION ALL "
	    "SELECT event FROM jobs INDEXED BY jobs_behind "
	    "WHERE finished_at IS NULL AND behind > 0) "
	    "AND " EVENT_FILTER "ORDER BY e.id DESC LIMIT ?7",
	[SQL_LIST_EVENTS_DEAD] =
	    "SELECT e.id FROM events AS e WHERE e.id IN "
	    "(SELECT j.event FROM jobs AS j WHERE " IS_DEAD ") "
	    "AND " EVENT_FILTER "ORDER BY e.id DESC LIMIT ?7",
	[SQL_GET_EVENT] = "SELECT e.id FROM events AS e WHERE e.event_id = ?1 "
			  "AND (?2 IS NULL OR e.scope = ?2) ORDER BY e.scope",
	/* Ids are printable ASCII: all of a prefix come before its DEL. */
	[SQL_LAST_EVENT] =
	    "SELECT e.id FROM events AS e WHERE e.event_id >= ?1 "
	    "AND e.event_id < ?1 || char(127) AND e.scope = '' "
	    "ORDER BY e.event_id DESC LIMIT 1",
	/* How an event stands, in one walk along its jobs. */
	[SQL_EVENT_INFO] =
	    "SELECT e.duplicates, e.last_duplicate_at, " PURGED_AT ", "
	    "(SELECT count(*) FROM event_orders AS eo "
	    "WHERE eo.event = " SOURCE "), count(j.id), "
	    "count(j.id) FILTER (WHERE j.finished_at IS NULL), "
	    "count(j.id) FILTER (WHERE " IS_DEAD "), "
	    "count(j.id) FILTER (WHERE " RINGS(
		"j.") ") "
		      "FROM events AS e LEFT JOIN jobs AS j INDEXED BY "
		      "jobs_event "
		      "ON j.event = e.id WHERE e.id = ?1",
	[SQL_EVENT_JOBS] = "SELECT " JOB_INFO JOB_FROM
			   "WHERE j.event = ?1 ORDER BY j.id LIMIT ?2",
	[SQL_LIST_JOBS] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.id < ?1 AND j.id >= ?12 "
	    "AND " JOB_FILTER "ORDER BY j.id DESC LIMIT ?10",
	[SQL_LIST_JOBS_DEAD] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.id IN (SELECT j.id "
	    "FROM jobs AS j WHERE " IS_DEAD ") AND " JOB_FILTER
	    "ORDER BY j.id DESC LIMIT ?10",
	[SQL_LIST_JOBS_OPEN] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.id IN "
	    "(SELECT id FROM jobs INDEXED BY jobs_runnable "
	    "WHERE finished_at IS NULL AND behind = 0 UNION ALL "
	    "SELECT id FROM jobs INDEXED BY jobs_behind "
	    "WHERE finished_at IS NULL AND behind > 0) AND " JOB_FILTER
	    "ORDER BY j.id DESC LIMIT ?10",
	[SQL_LIST_ALARMS] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.id IN "
	    "(SELECT id FROM jobs INDEXED BY jobs_rang WHERE " RANG(
		"") ") "
		    "AND " JOB_FILTER "ORDER BY j.id DESC LIMIT ?10",
	[SQL_LIST_ALARMS_OPEN] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.id IN "
	    "(SELECT id FROM jobs INDEXED BY jobs_rang WHERE " RINGS(
		"") ") "
		    "AND " JOB_FILTER "ORDER BY j.id DESC LIMIT ?10",
	[SQL_LIST_JOBS_OF_TIME] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.event IN "
	    "(SELECT id FROM events WHERE purged_at IS NULL "
	    "AND received_at >= ?7 AND received_at < ?13 UNION ALL "
	    "SELECT id FROM events WHERE purged_at IS NOT NULL "
	    "AND received_at >= ?7 AND received_at < ?13) "
	    "AND " JOB_FILTER "ORDER BY j.id DESC LIMIT ?10",
	[SQL_LIST_JOBS_OF_EVENT] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.event IN "
	    "(SELECT id FROM events WHERE event_id = ?4) AND " JOB_FILTER
	    "ORDER BY j.id DESC LIMIT ?10",
	[SQL_LIST_JOBS_OF_ORDER] =
	    "SELECT " JOB_INFO JOB_FROM "WHERE j.event IN "
	    "(" EVENTS_OF_ORDER("?5") ") AND " JOB_FILTER
				      "ORDER BY j.id DESC LIMIT ?10",
	[SQL_GET_JOB] = "SELECT " JOB_INFO JOB_FROM "WHERE j.id = ?1",
	[SQL_LIST_ATTEMPTS] =
	    "SELECT number, started_at, duration, " ATTEMPT_OUTCOME
	    ", code, answer, job "
	    "FROM attempts WHERE job = ?1 ORDER BY number",
	[SQL_LIST_EVENT_ATTEMPTS] =
	    "SELECT number, started_at, duration, " ATTEMPT_OUTCOME
	    ", code, answer, job "
	    "FROM attempts WHERE job IN (SELECT id FROM jobs WHERE event = ?1) "
	    "ORDER BY job, number LIMIT ?2",
	/*
	 * Those that stand behind another are never the oldest; of the rest
	 * ids grow with arrival, but for replays.
	 */
	[SQL_LIST_HANDLERS] =
	    "SELECT h.id, h.name, h.last_seen, h.paused_at, h.paused_by, "
	    "h.paused_why, "
	    "(SELECT count(*) FROM jobs WHERE finished_at IS NULL "
	    "AND behind = 0 AND handler = h.id) + "
	    "(SELECT count(*) FROM jobs WHERE finished_at IS NULL "
	    "AND behind > 0 AND handler = h.id), "
	    "ifnull(d.n, 0), ifnull(d.alerts, 0), e.received_at, " CAME_AT
	    "FROM handlers AS h LEFT JOIN (SELECT j.handler, count(*) AS n, "
	    "count(*) FILTER (WHERE (SELECT i.origin = 'internal' "
	    "AND i.type LIKE 'klikitd.alert.%' FROM events AS i "
	    "WHERE i.id = j.event)) AS alerts FROM jobs AS j WHERE " IS_DEAD
	    "GROUP BY j.handler) AS d ON d.handler = h.id "
	    "LEFT JOIN events AS e ON e.id = "
	    "(SELECT min(event) "
	    "FROM (SELECT event FROM jobs WHERE id = (SELECT min(id) "
	    "FROM jobs WHERE finished_at IS NULL AND behind = 0 "
	    "AND handler = h.id) UNION ALL SELECT min(event) FROM jobs "
	    "WHERE replay_of IS NOT NULL AND finished_at IS NULL "
	    "AND handler = h.id)) ORDER BY h.id",
	/* A walk along the primary key, which has them in this order. */
	[SQL_LANES_BLOCKED] =
	    "SELECT count(*) FROM (SELECT 1 FROM lanes "
	    "GROUP BY handler, lane, scope HAVING count(*) > 1)",
	[SQL_ALARMS_OPEN] = "SELECT count(*) FROM jobs INDEXED BY jobs_rang "
			    "WHERE " RINGS(""),

	[SQL_CLOCK_GET] =
	    "SELECT c.steady_at, c.wall_at, c.believed_at, c.in_step_at, "
	    "c.boot_at, c.boot, ifnull(" CAME_AT ", 0) "
	    "FROM clock AS c LEFT JOIN events AS e "
	    "ON e.id = (SELECT max(id) FROM events) WHERE c.id = 1",
	[SQL_CLOCK_NOTE] = "UPDATE clock SET steady_at = ?1, wall_at = ?2, "
			   "believed_at = ?3, in_step_at = ?4, boot_at = ?5, "
			   "boot = ?6 WHERE id = 1",
	/* ?11: the lowest event that is looked at. */
	[SQL_LIST_ORDERS] = ORDERS("o.event >= ?11", "c.event >= ?11"),
	[SQL_LIST_ORDERS_OF_ID] = ORDERS("o.order_id = ?2", "c.order_id = ?2"),
	[SQL_GET_ORDER] =
	    "SELECT o.event, " ORDER_COLUMNS
	    "FROM orders AS o LEFT JOIN events AS e ON e.id = o.event "
	    "LEFT JOIN carts AS c ON c.order_id = o.order_id "
	    "AND c.scope = o.scope WHERE o.order_id = ?1 "
	    "AND (?2 IS NULL OR o.scope = ?2) UNION ALL "
	    "SELECT c.event, " CART_COLUMNS
	    "FROM carts AS c LEFT JOIN events AS e ON e.id = c.event "
	    "WHERE c.order_id = ?1 AND (?2 IS NULL OR c.scope = ?2) "
	    "AND NOT EXISTS (SELECT 1 FROM orders AS o "
	    "WHERE o.order_id = ?1 AND o.scope = c.scope) "
	    "ORDER BY 13",
	[SQL_GET_DOCUMENT] =
	    "SELECT document FROM order_documents WHERE order_id = ?1 "
	    "AND scope = ?2",
};
_Static_assert(sizeof(texts) / sizeof(texts[0]) == SQL_WALK_EVENTS,
    "every statement up to those of sql_walk.c has a text");

const char *
db_sql_text(enum db_sql which)
{
	if (which >= SQL_PURGE_FIND)
		return (sql_purge_text(which));
	if (which >= SQL_COUNT_FIND)
		return (sql_counts_text(which));
	if (which >= SQL_BOARD_SINCE)
		return (sql_board_text(which));
	if (which >= SQL_REJECTION_INSERT)
		return (sql_rejections_text(which));
	return (which < SQL_WALK_EVENTS ? texts[which] : sql_walk_text(which));
}
