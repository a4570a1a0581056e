/* The statements that remove what is old. */
#include "store/sqlite/sql_parts.h"
#include "store/sqlite/sqlite.h"

/* Dated in [?3, ?1), and come in before ?4 by the steady clock. */
#define OLD_EVENT                                                              \
	"e.received_at >= ?3 AND e.received_at < ?1 AND " CAME_AT "< ?4 "

#define PURGEABLE                                                              \
	"NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.event = e.id "            \
	"AND j.finished_at IS NULL) "                                          \
	"AND NOT EXISTS (SELECT 1 FROM events AS re "                          \
	"JOIN jobs AS k ON k.event = re.id "                                   \
	"WHERE re.repeat_of = e.id AND k.finished_at IS NULL) "

static const char *const texts[] = {
	[SQL_PURGE_FIND - SQL_PURGE_FIND] =
	    "SELECT e.id FROM events AS e WHERE e.purged_at IS NULL "
	    "AND " OLD_EVENT "AND " PURGEABLE "ORDER BY e.received_at LIMIT ?2",
	[SQL_PURGE_FIND_ORDER - SQL_PURGE_FIND] =
	    "SELECT e.id FROM events AS e "
	    "WHERE e.id IN (" EVENTS_OF_ORDER(
		"?1") ") "
		      "AND (?3 IS NULL OR e.scope = ?3) "
		      "AND e.purged_at IS NULL AND " PURGEABLE "LIMIT ?2",
	/* Row ids are not given out again: the newest of each stay. */
	[SQL_PURGE_FIND_IDS - SQL_PURGE_FIND] =
	    "SELECT e.id FROM events AS e WHERE e.purged_at IS NOT NULL "
	    "AND " OLD_EVENT "AND e.id < (SELECT max(id) FROM events) "
	    "AND e.id <> ifnull((SELECT event FROM jobs "
	    "WHERE id = (SELECT max(id) FROM jobs)), 0) "
	    "AND " PURGEABLE "ORDER BY e.received_at LIMIT ?2",
	[SQL_PURGE_BODY - SQL_PURGE_FIND] =
	    "DELETE FROM bodies WHERE event = ?1",
	[SQL_PURGE_ANSWERS - SQL_PURGE_FIND] =
	    "UPDATE attempts SET answer = NULL, detail = NULL "
	    "WHERE (answer IS NOT NULL OR detail IS NOT NULL) "
	    "AND job IN (SELECT id FROM jobs WHERE event = ?1)",
	[SQL_PURGE_REASONS - SQL_PURGE_FIND] =
	    "UPDATE jobs SET outcome = 'discarded' "
	    "WHERE event = ?1 AND outcome LIKE "
	    "'discarded: %'",
	[SQL_PURGE_OWN_HEADERS - SQL_PURGE_FIND] =
	    "DELETE FROM header_sets WHERE shared = 0 AND id = "
	    "(SELECT e.header_set FROM events AS e WHERE e.id = ?1)",
	/* The last event that has it came at most an hour after used_at. */
	[SQL_PURGE_HEADERS - SQL_PURGE_FIND] =
	    "DELETE FROM header_sets WHERE used_at >= ?3 "
	    "AND used_at < ?1 - 3600000 AND came_at < ?4 - 3600000",
	[SQL_PURGE_NOTE - SQL_PURGE_FIND] =
	    "UPDATE events SET purged_at = ?2, "
	    "header_set = NULL, own_headers = NULL "
	    "WHERE id = ?1",
	[SQL_PURGE_SERVED - SQL_PURGE_FIND] =
	    "DELETE FROM served WHERE job IN "
	    "(SELECT id FROM jobs WHERE event = ?1)",
	[SQL_PURGE_ATTEMPTS - SQL_PURGE_FIND] =
	    "DELETE FROM attempts WHERE job IN "
	    "(SELECT id FROM jobs WHERE event = ?1)",
	[SQL_PURGE_JOBS - SQL_PURGE_FIND] = "DELETE FROM jobs WHERE event = ?1",
	[SQL_PURGE_ORDERS - SQL_PURGE_FIND] =
	    "DELETE FROM event_orders WHERE event = ?1",
	[SQL_PURGE_EVENT - SQL_PURGE_FIND] = "DELETE FROM events WHERE id = ?1",
	[SQL_PURGE_LEFT - SQL_PURGE_FIND] =
	    "SELECT 1 FROM events AS e WHERE e.purged_at IS NULL "
	    "AND e.received_at < ?1 AND " PURGEABLE "LIMIT 1",
};
_Static_assert(sizeof(texts) / sizeof(texts[0]) == SQL_COUNT - SQL_PURGE_FIND,
    "every statement from here on has a text");

const char *
sql_purge_text(enum db_sql which)
{
	return (texts[which - SQL_PURGE_FIND]);
}
