/*
 * board_sql.h -- private to store/postgres/lists_sql.c: the statement of the
 * board: of all that came in what says whether an order is open, the rest only
 * of those that are. $1 is behind what, $6 brand, $7 branch, $8 carts, $9 ends;
 * the others are as there.
 */
#ifndef STORE_POSTGRES_BOARD_SQL_H
#define STORE_POSTGRES_BOARD_SQL_H

#define BOARD_CARRIED "WHERE eo.order_id = c.order_id AND eo.scope = c.scope "
#define BOARD_SQL                                                              \
	"WITH low AS MATERIALIZED (SELECT CASE WHEN $2::int8 = 0 "             \
	"THEN 0 ELSE coalesce((SELECT min(x.id) FROM ((SELECT e.id "           \
	"FROM events AS e WHERE e.purged_at IS NULL AND "                      \
	"e.received_at >= $2::int8 OFFSET 0) UNION ALL (SELECT "               \
	"e.id FROM events AS e WHERE e.purged_at IS NOT NULL AND "             \
	"e.received_at >= $2::int8 OFFSET 0)) AS x), "                         \
	"9223372036854775807) END AS id), carried AS MATERIALIZED "            \
	"(SELECT eo.order_id, eo.scope, max(eo.event) AS last FROM "           \
	"event_orders AS eo WHERE eo.event >= (SELECT low.id FROM "            \
	"low) GROUP BY eo.order_id, eo.scope), board AS "                      \
	"MATERIALIZED (SELECT c.order_id, c.scope, "                           \
	"coalesce(o.brand, e.brand) AS brand, coalesce(o.branch, "             \
	"e.branch) AS branch, CASE WHEN o.event IS NULL THEN "                 \
	"l.external_id ELSE o.external_id END AS external_id, CASE "           \
	"WHEN o.event IS NULL THEN l.status ELSE o.status END AS "             \
	"status, CASE WHEN o.event IS NULL THEN l.updated_at ELSE "            \
	"o.updated_at END AS updated_at, coalesce(o.event, 0) AS "             \
	"record, coalesce(o.event, c.last) AS event, "                         \
	"coalesce(o.place, l.place) AS place FROM carried AS c "               \
	"LEFT JOIN LATERAL (SELECT o.brand, o.branch, "                        \
	"o.external_id, o.status, o.updated_at, o.event, o.place "             \
	"FROM orders AS o WHERE o.order_id = c.order_id AND "                  \
	"o.scope = c.scope OFFSET 0) AS o ON true LEFT JOIN "                  \
	"LATERAL (SELECT e.brand, e.branch FROM events AS e WHERE "            \
	"(o.brand IS NULL OR o.branch IS NULL) AND e.id = c.last "             \
	"OFFSET 0) AS e ON true LEFT JOIN LATERAL (SELECT "                    \
	"eo.place, eo.status, eo.updated_at, eo.external_id FROM "             \
	"event_orders AS eo " BOARD_CARRIED                                    \
	"AND o.event IS NULL ORDER BY eo.event DESC, eo.place DESC "           \
	"LIMIT 1) AS l ON true WHERE ($5::text IS NULL OR c.scope "            \
	"= $5::text) AND ($6::text IS NULL OR coalesce(o.brand, "              \
	"e.brand) = $6::text) AND ($7::text IS NULL OR "                       \
	"coalesce(o.branch, e.branch) = $7::text) AND (o.event IS "            \
	"NOT NULL OR (SELECT y.id FROM (SELECT eo.event FROM "                 \
	"event_orders AS eo " BOARD_CARRIED                                    \
	"OFFSET 0) AS eo CROSS JOIN LATERAL (SELECT y.id FROM "                \
	"events AS y WHERE y.id = eo.event AND y.type NOT LIKE "               \
	"$8::text OFFSET 0) AS y LIMIT 1) IS NOT NULL)) SELECT "               \
	"x.order_id, x.scope, x.brand, x.branch, x.external_id, "              \
	"x.status, x.updated_at, x.record, x.event, x.place, "                 \
	"e.event_id, x.first, (SELECT r.received_at FROM events AS "           \
	"r WHERE r.id = x.first), coalesce(k.event, 0), "                      \
	"board_document(x.event, x.place), CASE WHEN k.event IS "              \
	"NULL THEN CASE WHEN x.first <> x.event OR x.first_place "             \
	"<> x.place THEN board_document(x.first, x.first_place) "              \
	"END WHEN k.event <> x.event OR k.place <> x.place THEN "              \
	"board_document(k.event, k.place) END, j.pending, j.dead, "            \
	"j.alarms FROM (SELECT b.*, f.event AS first, f.place AS "             \
	"first_place FROM board AS b CROSS JOIN LATERAL (SELECT "              \
	"eo.event, eo.place FROM event_orders AS eo WHERE "                    \
	"eo.order_id = b.order_id AND eo.scope = b.scope ORDER BY "            \
	"eo.event, eo.place DESC LIMIT 1) AS f WHERE f.event > "               \
	"$1::int8 AND (b.status IS NULL OR b.status <> ALL "                   \
	"($9::text[])) ORDER BY f.event FETCH FIRST ($4::int8) "               \
	"ROWS WITH TIES) AS x CROSS JOIN LATERAL (SELECT "                     \
	"r.event_id FROM events AS r WHERE r.id = x.event OFFSET "             \
	"0) AS e LEFT JOIN LATERAL (SELECT c.event, c.place FROM "             \
	"carts AS c WHERE c.order_id = x.order_id AND c.scope = "              \
	"x.scope OFFSET 0) AS k ON true CROSS JOIN LATERAL "                   \
	"board_jobs(x.order_id, x.scope) AS j UNION ALL SELECT "               \
	"NULL, NULL, NULL, NULL, NULL, b.status, NULL, count(*), "             \
	"0, 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 0 FROM board "           \
	"AS b WHERE $3::int8 > 0 GROUP BY b.status ORDER BY 12, 1, "           \
	"2"

#endif /* STORE_POSTGRES_BOARD_SQL_H */
