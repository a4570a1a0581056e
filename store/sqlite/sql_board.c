/* The statements of the board. */
#include "store/sqlite/sql_parts.h"
#include "store/sqlite/sqlite.h"

/* The order o, or if it has no record the newest event c.last, is asked for. */
#define FITS(o, last)                                                          \
	"(?4 IS NULL OR " o ".scope = ?4) "                                    \
	"AND (?2 IS NULL OR ifnull(o.brand, (SELECT e.brand "                  \
	"FROM events AS e WHERE e.id = " last ")) = ?2) "                      \
	"AND (?3 IS NULL OR ifnull(o.branch, (SELECT e.branch "                \
	"FROM events AS e WHERE e.id = " last ")) = ?3) "
#define LAST(o)                                                                \
	"(SELECT max(event) FROM event_orders WHERE order_id = " o             \
	".order_id AND scope = " o ".scope) "

static const char *const texts[] = {
	/*
	 * The first event since ?1, by two indexes of dates: dates are not in
	 * the order of numbers.
	 */
	[SQL_BOARD_SINCE - SQL_BOARD_SINCE] =
	    "SELECT iif(?1 = 0, 0, min("
	    "ifnull((SELECT min(id) FROM events INDEXED BY events_whole "
	    "WHERE purged_at IS NULL AND received_at >= ?1), "
	    "9223372036854775807), "
	    "ifnull((SELECT min(id) FROM events INDEXED BY events_purged "
	    "WHERE purged_at IS NOT NULL AND received_at >= ?1), "
	    "9223372036854775807)))",
	/* From event ?1 on: whose newest record is of these, and is it asked
	   for? */
	[SQL_BOARD_RECORDS - SQL_BOARD_SINCE] =
	    "SELECT o.order_id, o.scope, o.status, " FITS("o",
		LAST("o")) ""
			   "FROM orders AS o WHERE o.event >= ?1",
	[SQL_BOARD_EVENTS - SQL_BOARD_SINCE] =
	    "SELECT order_id, scope FROM event_orders WHERE event >= ?1",
	/* An order, ?6 and ?7, of which that is not so: its status. */
	[SQL_BOARD_OTHER - SQL_BOARD_SINCE] =
	    "SELECT iif(o.event IS NULL, (SELECT l.status "
	    "FROM event_orders AS l WHERE l.order_id = c.order_id "
	    "AND l.scope = c.scope AND l.event = c.last "
	    "ORDER BY l.place DESC LIMIT 1), o.status) "
	    "FROM (SELECT order_id, scope, max(event) AS last "
	    "FROM event_orders WHERE order_id = ?6 AND scope = ?7) AS c "
	    "LEFT JOIN orders AS o ON o.order_id = ?6 AND o.scope = ?7 "
	    "WHERE " FITS("c",
		"c.last") ""
			  "AND (o.event IS NOT NULL OR EXISTS (SELECT 1 "
			  "FROM event_orders AS m JOIN events AS y ON y.id = "
			  "m.event "
			  "WHERE m.order_id = ?6 AND m.scope = ?7 "
			  "AND y.type NOT LIKE ?5))",
	[SQL_BOARD_FIRST - SQL_BOARD_SINCE] =
	    "SELECT min(event) FROM event_orders WHERE order_id = ?1 "
	    "AND scope = ?2",
	/* ?3: its first event. */
	[SQL_BOARD_ORDER - SQL_BOARD_SINCE] =
	    "SELECT ifnull(o.brand, e.brand), ifnull(o.branch, e.branch), "
	    "iif(o.event IS NULL, l.external_id, o.external_id), "
	    "iif(o.event IS NULL, l.status, o.status), "
	    "iif(o.event IS NULL, l.updated_at, o.updated_at), "
	    "ifnull(o.event, 0), ifnull(o.event, l.event), "
	    "ifnull(o.place, l.place), (SELECT r.event_id FROM events AS r "
	    "WHERE r.id = ifnull(o.event, l.event)), "
	    "(SELECT r.received_at FROM events AS r WHERE r.id = ?3), "
	    "(SELECT max(m.place) FROM event_orders AS m "
	    "WHERE m.order_id = ?1 AND m.scope = ?2 AND m.event = ?3), "
	    "ifnull(k.event, 0), ifnull(k.place, 0) FROM (SELECT * "
	    "FROM event_orders WHERE order_id = ?1 AND scope = ?2 "
	    "ORDER BY event DESC, place DESC LIMIT 1) AS l "
	    "CROSS JOIN events AS e ON e.id = l.event "
	    "LEFT JOIN orders AS o ON o.order_id = ?1 AND o.scope = ?2 "
	    "LEFT JOIN carts AS k ON k.order_id = ?1 AND k.scope = ?2",
	/* Of the order's jobs: whose have not ended; are dead; what rings. */
	[SQL_BOARD_JOBS - SQL_BOARD_SINCE] =
	    "WITH mine AS MATERIALIZED (SELECT j.* FROM event_orders AS eo "
	    "CROSS JOIN jobs AS j ON j.event = eo.event "
	    "AND (j.place = -1 OR j.place = eo.place) "
	    "WHERE eo.order_id = ?1 AND eo.scope = ?2) "
	    "SELECT (SELECT group_concat(name) FROM (SELECT DISTINCT h.name "
	    "FROM mine AS j JOIN handlers AS h ON h.id = j.handler "
	    "WHERE j.finished_at IS NULL AND j.guards IS NULL "
	    "ORDER BY h.name)), "
	    "(SELECT group_concat(name) FROM (SELECT DISTINCT h.name "
	    "FROM mine AS j JOIN handlers AS h ON h.id = j.handler "
	    "WHERE " IS_DEAD "AND j.guards IS NULL ORDER BY h.name)), "
	    "(SELECT count(*) FROM mine AS j WHERE " RINGS("j.") ")",
	[SQL_BOARD_DOCUMENT - SQL_BOARD_SINCE] =
	    "SELECT CASE WHEN length(body) <= 262144 "
	    "AND json_valid(CAST(body AS TEXT)) THEN CAST(body AS TEXT) "
	    "-> ('$.orders[' || ?2 || ']') END FROM bodies WHERE event = ?1",
};
_Static_assert(sizeof(texts) / sizeof(texts[0]) ==
		   SQL_COUNT_FIND - SQL_BOARD_SINCE,
    "every statement of the board has a text");

const char *
sql_board_text(enum db_sql which)
{
	return (texts[which - SQL_BOARD_SINCE]);
}
