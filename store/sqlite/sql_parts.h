/*
 * sql_parts.h -- private to store/sqlite/sql*.c: what several statements say
 * alike.
 */
#ifndef STORE_SQLITE_SQL_PARTS_H
#define STORE_SQLITE_SQL_PARTS_H

/*
 * Is a job, j, dead now? This is the one place that says so: neither discarded
 * nor replayed. A replay that dies as well is dead in its place.
 */
#define IS_DEAD                                                                \
	"j.state = 'dead' AND j.discarded_at IS NULL "                         \
	"AND NOT EXISTS (SELECT 1 FROM jobs AS k WHERE k.replay_of = j.id) "

/*
 * Has the alarm j rung? One that was tried in vain, and then not needed, has
 * not. This is what the index jobs_rang has, and what of it counts.
 */
#define RANG(j)                                                                \
	j "guards IS NOT NULL AND " j "attempts > 0 AND (" j                   \
	  "outcome IS NULL OR substr(" j "outcome, 1, 9) <> 'cancelled') "
#define RINGS(j)                                                               \
	RANG(j)                                                                \
	"AND " j "acknowledged_at IS NULL "                                    \
	"AND " j "discarded_at IS NULL "

/* When e came in by the steady clock; of older rows only the date is known. */
#define CAME_AT "ifnull(e.came_at, e.received_at) "

/* The events that carry an order, themselves or as a repeat. */
#define EVENTS_OF_ORDER(order)                                                 \
	"SELECT event FROM event_orders WHERE order_id = " order " "           \
	"UNION ALL SELECT re.id FROM event_orders AS ro "                      \
	"JOIN events AS re ON re.repeat_of = ro.event "                        \
	"WHERE ro.order_id = " order

#endif /* STORE_SQLITE_SQL_PARTS_H */
