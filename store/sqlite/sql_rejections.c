/* The statements about rejections. */
#include "store/sqlite/sql.h"

#define REJECTION_COLUMNS                                                      \
	"id, at, peer, cause, code, diagnosis, size, repeats, last_at, "       \
	"not_kept"

static const char *const texts[] = {
	[SQL_REJECTION_INSERT - SQL_REJECTION_INSERT] =
	    "INSERT INTO rejections (at, peer, cause, diagnosis, headers, "
	    "size, body, code, came_at, class, digest, repeats, not_kept, "
	    "last_at, endpoint) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
	    "CASE WHEN ?12 > 0 THEN ?1 END, ?14)",
	[SQL_REJECTION_AGAIN - SQL_REJECTION_INSERT] =
	    "UPDATE rejections SET repeats = repeats + 1 + ?3, last_at = ?4, "
	    "not_kept = not_kept + ?5 "
	    "WHERE id = (SELECT id FROM rejections "
	    "WHERE digest = ?1 AND cause = ?2 LIMIT 1)",
	[SQL_REJECTION_COUNT - SQL_REJECTION_INSERT] =
	    "SELECT count(*) FROM rejections WHERE class = ?1",
	[SQL_REJECTION_OLDEST - SQL_REJECTION_INSERT] =
	    "SELECT r.id, ifnull(length(r.body), 0), s.rejected_bytes "
	    "FROM store AS s, rejections AS r WHERE s.id = 1 AND r.class = ?1 "
	    "ORDER BY r.id LIMIT 1",
	[SQL_REJECTION_DELETE - SQL_REJECTION_INSERT] =
	    "DELETE FROM rejections WHERE id = ?1",
	[SQL_REJECTED_BYTES - SQL_REJECTION_INSERT] =
	    "UPDATE store SET rejected_bytes = rejected_bytes + ?1 "
	    "WHERE id = 1",
	[SQL_PURGE_REJECTIONS - SQL_REJECTION_INSERT] =
	    "SELECT id, ifnull(length(body), 0) "
	    "FROM rejections WHERE at >= ?3 AND at < ?1 "
	    "AND ifnull(came_at, at) < ?4 LIMIT 1",
	[SQL_PURGE_SCAN - SQL_REJECTION_INSERT] =
	    "SELECT id, size, body, headers, diagnosis "
	    "FROM rejections WHERE id > ?1 ORDER BY id "
	    "LIMIT ?2",
	[SQL_LIST_REJECTIONS - SQL_REJECTION_INSERT] =
	    "SELECT " REJECTION_COLUMNS
	    ", NULL, NULL, endpoint FROM rejections "
	    "WHERE (?1 = 0 OR id < ?1) AND (?2 IS NULL OR cause = ?2) "
	    "AND (?3 = 0 OR at >= ?3) AND (?4 = 0 OR at < ?4) "
	    "ORDER BY id DESC LIMIT ?5",
	/* By the index that has all that is asked; then a page of rows. */
	[SQL_LIST_REJECTIONS_FOUND - SQL_REJECTION_INSERT] =
	    "SELECT " REJECTION_COLUMNS ", NULL, NULL, endpoint "
	    "FROM rejections WHERE id IN (SELECT x.id FROM rejections AS x "
	    "INDEXED BY rejections_groups WHERE (?1 = 0 OR x.id < ?1) "
	    "AND (?2 IS NULL OR x.cause = ?2) AND (?3 = 0 OR x.at >= ?3) "
	    "AND (?4 = 0 OR x.at < ?4) AND ifnull(x.code, 'none') = ?6 "
	    "ORDER BY x.id DESC LIMIT ?5) ORDER BY id DESC",
	[SQL_GROUP_REJECTIONS - SQL_REJECTION_INSERT] =
	    "SELECT g.cause, g.code, g.n, g.deliveries, g.first_at, g.last_at, "
	    "g.newest, (SELECT r.diagnosis FROM rejections AS r "
	    "WHERE r.id = g.newest) FROM (SELECT cause, code, count(*) AS n, "
	    "sum(1 + repeats + not_kept) AS deliveries, min(at) AS first_at, "
	    "max(max(at, ifnull(last_at, 0))) AS last_at, max(id) AS newest "
	    "FROM rejections INDEXED BY rejections_groups "
	    "WHERE (?1 IS NULL OR cause = ?1) "
	    "AND (?2 IS NULL OR ifnull(code, 'none') = ?2) "
	    "AND (?3 = 0 OR at >= ?3) AND (?4 = 0 OR at < ?4) "
	    "GROUP BY cause, code) AS g ORDER BY g.deliveries DESC, "
	    "g.newest DESC LIMIT 500",
	[SQL_GET_REJECTION - SQL_REJECTION_INSERT] =
	    "SELECT " REJECTION_COLUMNS ", headers, body, "
	    "endpoint FROM rejections WHERE id = ?1",
};
_Static_assert(sizeof(texts) / sizeof(texts[0]) ==
		   SQL_BOARD_SINCE - SQL_REJECTION_INSERT,
    "every statement has a text");

const char *
sql_rejections_text(enum db_sql which)
{
	return (texts[which - SQL_REJECTION_INSERT]);
}
