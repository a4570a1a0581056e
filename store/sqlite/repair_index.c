/*
 * An index made anew under another name, its tree given to the old one: see
 * repair.c. To be done in a transaction, which is undone if that fails.
 */
#include <string.h>

#include "store/sqlite/sqlite.h"

#define REPAIR_NAME "klikitd_repair"

int
repair_exec(struct db *db, const char *sql)
{
	return (sqlite3_exec(db->conn, sql, NULL, NULL, NULL));
}

int
repair_exec_made(struct db *db, char *sql)
{
	int rc = sql == NULL ? SQLITE_NOMEM : repair_exec(db, sql);

	sqlite3_free(sql);
	return (rc);
}

/* The SQL that makes the same index under our name; or NULL. */
static char *
repair_sql(struct db *db, const struct repair_index *x)
{
	char *columns = NULL, *sql = NULL;
	sqlite3_stmt *st = NULL;
	const char *at;

	if (x->sql != NULL) {
		if ((at = strstr(x->sql, x->name)) == NULL)
			return (NULL);
		return (sqlite3_mprintf("%.*s" REPAIR_NAME "%s",
		    (int)(at - x->sql), x->sql, at + strlen(x->name)));
	}
	if (sqlite3_prepare_v2(db->conn,
		"SELECT group_concat('\"' || name || '\"') FROM "
		"(SELECT name FROM pragma_index_info(?1) ORDER BY seqno)",
		-1, &st, NULL) == SQLITE_OK) {
		db_bind_text(st, 1, x->name);
		if (sqlite3_step(st) == SQLITE_ROW)
			columns = sqlite3_mprintf("%s",
			    (const char *)sqlite3_column_text(st, 0));
	}
	(void)sqlite3_finalize(st);
	if (columns != NULL)
		sql = sqlite3_mprintf("CREATE UNIQUE INDEX " REPAIR_NAME
				      " ON \"%w\" (%s)",
		    x->table, columns);
	sqlite3_free(columns);
	return (sql);
}

/* Run SQL that must change one row. */
static int
repair_change(struct db *db, char *sql)
{
	int rc = repair_exec_made(db, sql);

	if (rc == SQLITE_OK && sqlite3_changes(db->conn) != 1)
		rc = SQLITE_CORRUPT;
	return (rc);
}

int
repair_swap(struct db *db, const struct repair_index *x)
{
	int rc = repair_exec_made(db, repair_sql(db, x));

	if (rc == SQLITE_OK)
		rc = repair_exec(db, "PRAGMA writable_schema = ON");
	if (rc == SQLITE_OK)
		rc = repair_change(db,
		    sqlite3_mprintf("UPDATE sqlite_master SET rootpage = "
				    "(SELECT rootpage FROM sqlite_master "
				    "WHERE name = '" REPAIR_NAME "') "
				    "WHERE type = 'index' AND name = %Q",
			x->name));
	if (rc == SQLITE_OK)
		rc = repair_change(db,
		    sqlite3_mprintf("DELETE FROM sqlite_master "
				    "WHERE name = '" REPAIR_NAME "'"));
	if (rc == SQLITE_OK)
		rc = repair_exec(db, "PRAGMA writable_schema = RESET");
	return (rc);
}
