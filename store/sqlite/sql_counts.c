/* The statements about counts. */
#include "store/sqlite/sql.h"

static const char *const texts[] = {
	[SQL_COUNT_FIND - SQL_COUNT_FIND] =
	    "SELECT numbers, peak FROM counts WHERE step = ?1 "
	    "AND at = ?2 AND kind = ?3 AND name = ?4",
	[SQL_COUNT_NAMES - SQL_COUNT_FIND] =
	    "SELECT count(*) FROM counts WHERE step = ?1 "
	    "AND at = ?2 AND kind = ?3",
	[SQL_COUNT_PUT - SQL_COUNT_FIND] =
	    "INSERT OR REPLACE INTO counts (step, at, kind, "
	    "name, numbers, peak) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_COUNT_DELETE_OLD - SQL_COUNT_FIND] =
	    "DELETE FROM counts WHERE step = ?1 AND (at, kind, name) IN "
	    "(SELECT at, kind, name FROM counts WHERE step = ?1 AND at < ?2 "
	    "ORDER BY at LIMIT ?3)",
	[SQL_COUNT_DELETE_AHEAD - SQL_COUNT_FIND] =
	    "DELETE FROM counts WHERE step = ?1 AND (at, kind, name) IN "
	    "(SELECT at, kind, name FROM counts WHERE step = ?1 AND at > ?2 "
	    "ORDER BY at DESC LIMIT ?3)",
	[SQL_COUNT_LIST - SQL_COUNT_FIND] =
	    "SELECT at, kind, name, numbers, peak FROM counts WHERE step = ?1 "
	    "AND at >= ?2 AND at < ?3 ORDER BY at, kind, name",
};
_Static_assert(sizeof(texts) / sizeof(texts[0]) ==
		   SQL_PURGE_FIND - SQL_COUNT_FIND,
    "every statement of the counts has a text");

const char *
sql_counts_text(enum db_sql which)
{
	return (texts[which - SQL_COUNT_FIND]);
}
