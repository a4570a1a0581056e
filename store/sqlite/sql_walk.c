/* The statements of walk.c: how far lists are looked through. */
#include "store/sqlite/sql.h"

static const char *const texts[] = {
	[SQL_WALK_EVENTS - SQL_WALK_EVENTS] =
	    "SELECT max(id) FROM events WHERE id < ?1",
	[SQL_WALK_JOBS - SQL_WALK_EVENTS] =
	    "SELECT max(id) FROM jobs WHERE id < ?1",
	[SQL_FEW_OF_TIME - SQL_WALK_EVENTS] =
	    "SELECT count(*), min(id), max(id) FROM (SELECT * FROM "
	    "(SELECT id FROM events WHERE purged_at IS NULL "
	    "AND received_at >= ?1 AND received_at < ?2 LIMIT ?3) "
	    "UNION ALL SELECT * FROM (SELECT id FROM events "
	    "WHERE purged_at IS NOT NULL "
	    "AND received_at >= ?1 AND received_at < ?2 LIMIT ?3))",
	[SQL_FEW_OPEN - SQL_WALK_EVENTS] =
	    "SELECT count(*) FROM (SELECT * FROM (SELECT 1 FROM jobs "
	    "INDEXED BY jobs_runnable WHERE finished_at IS NULL "
	    "AND behind = 0 LIMIT ?1) UNION ALL SELECT * FROM (SELECT 1 "
	    "FROM jobs INDEXED BY jobs_behind WHERE finished_at IS NULL "
	    "AND behind > 0 LIMIT ?1))",
	[SQL_FEW_DEAD - SQL_WALK_EVENTS] =
	    "SELECT count(*) FROM (SELECT 1 FROM jobs "
	    "WHERE state = 'dead' AND discarded_at IS NULL "
	    "LIMIT ?1)",
	[SQL_FIND_IDS - SQL_WALK_EVENTS] =
	    "WITH o AS MATERIALIZED (SELECT event FROM event_orders "
	    "WHERE order_id >= ?1 AND order_id < ?2 LIMIT ?3) "
	    "SELECT * FROM (SELECT id FROM events WHERE event_id >= ?1 "
	    "AND event_id < ?2 LIMIT ?3) UNION SELECT event FROM o "
	    "UNION SELECT re.id FROM o JOIN events AS re "
	    "ON re.repeat_of = o.event LIMIT ?3",
	/* Of what repeats an event only the event. */
	[SQL_FIND_EXTERNAL - SQL_WALK_EVENTS] =
	    "SELECT DISTINCT event FROM event_orders WHERE event >= ?2 "
	    "AND event < ?3 AND instr(lower(external_id), ?1) > 0 "
	    "ORDER BY event DESC LIMIT ?4",
};
_Static_assert(sizeof(texts) / sizeof(texts[0]) ==
		   SQL_REJECTION_INSERT - SQL_WALK_EVENTS,
    "every statement has a text");

const char *
sql_walk_text(enum db_sql which)
{
	return (texts[which - SQL_WALK_EVENTS]);
}
