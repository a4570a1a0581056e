/*
 * Damage: what it is in, and what can be done about it. An index can be made
 * again from its table; a row that a table has lost stays lost.
 *
 * What SQLite's checks print does not name the tree in which a page is bad, so
 * the tables are read. If all rows of all of them can be read, and no index has
 * more entries than its table has rows (then the table lost some), the damage
 * may be in indexes only, and those are made again.
 *
 * REINDEX frees the old tree page by page. It fails at a bad page, and a bad
 * pointer could lead it to a page of a table. So, unless all trees are sound
 * and only what stands in them does not agree, each new index is made under
 * another name, and its tree is given to the old name. Pages of the old trees
 * stay unused.
 *
 * All is one transaction. Before its commit the whole file is checked and the
 * rows are counted again; else it is undone, and the store is damaged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/sqlite.h"

struct repair {
	struct sqlite_store *s;
	struct db *db;
	char *reason;
	char found[CHECK_FOUND_MAX]; /* what is wrong */
	bool trees;                  /* and be it in the trees themselves */
	struct repair_index *indexes;
	size_t n;
};

/* One number by SQL made by sqlite3_mprintf(), which is freed. */
static int
repair_int_made(struct repair *r, char *sql, int64_t *ret_value)
{
	int rc = sql == NULL ? SQLITE_NOMEM : db_int(r->db, sql, ret_value);

	sqlite3_free(sql);
	return (rc);
}

/* -- The damaged indexes -- */

static void
repair_free(struct repair *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->indexes[i].name);
		free(r->indexes[i].table);
		free(r->indexes[i].sql);
	}
	free(r->indexes);
}

/* Add the index of a row. */
static int
repair_add(struct repair *r, sqlite3_stmt *st)
{
	const char *name = (const char *)sqlite3_column_text(st, 0);
	const char *table = (const char *)sqlite3_column_text(st, 1);
	const char *sql = (const char *)sqlite3_column_text(st, 2);
	struct repair_index *grown, *x;

	if (name == NULL || table == NULL)
		return (SQLITE_CORRUPT);
	grown = realloc(r->indexes, (r->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return (SQLITE_NOMEM);
	r->indexes = grown;
	x = &r->indexes[r->n++];
	x->name = strdup(name);
	x->table = strdup(table);
	x->sql = sql == NULL ? NULL : strdup(sql);
	return (x->name == NULL || x->table == NULL ||
			(sql != NULL && x->sql == NULL)
		    ? SQLITE_NOMEM
		    : SQLITE_OK);
}

static int
repair_list(struct repair *r)
{
	static const char sql[] =
	    "SELECT name, tbl_name, sql FROM sqlite_master "
	    "WHERE type = 'index' AND rootpage > 0";
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(r->db->conn, sql, -1, &st, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		rc = repair_add(r, st);
	(void)sqlite3_finalize(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Read every value of a table without its indexes, and count its rows. */
static int
repair_read_table(struct repair *r, const char *table, int64_t *rows)
{
	char *sql = sqlite3_mprintf("SELECT * FROM \"%w\" NOT INDEXED", table);
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_NOMEM;

	if (sql != NULL)
		rc = sqlite3_prepare_v2(r->db->conn, sql, -1, &st, NULL);
	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return (rc);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		++*rows;
	(void)sqlite3_finalize(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* All of them; *ret_rows is how many rows they have together. */
static int
repair_read_tables(struct repair *r, int64_t *ret_rows)
{
	static const char sql[] =
	    "SELECT name FROM sqlite_master WHERE type = 'table'";
	sqlite3_stmt *st = NULL;
	const char *table;
	int rc;

	*ret_rows = 0;
	rc = sqlite3_prepare_v2(r->db->conn, sql, -1, &st, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		table = (const char *)sqlite3_column_text(st, 0);
		rc = table == NULL ? SQLITE_CORRUPT
				   : repair_read_table(r, table, ret_rows);
	}
	(void)sqlite3_finalize(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/*
 * Has a table fewer rows than an index of it has entries? Then it lost some,
 * and SQLITE_CORRUPT is returned. An index that cannot be read says nothing.
 */
static int
repair_compare(struct repair *r, const struct repair_index *x)
{
	const char *where = x->sql == NULL ? NULL : strstr(x->sql, "WHERE ");
	int64_t rows = 0, entries = 0;
	int rc;

	if (where == NULL)
		where = "";
	rc = repair_int_made(r,
	    sqlite3_mprintf("SELECT count(*) FROM \"%w\" NOT INDEXED %s",
		x->table, where),
	    &rows);
	if (rc != SQLITE_OK)
		return (rc);
	if (repair_int_made(r,
		sqlite3_mprintf("SELECT count(*) FROM \"%w\" INDEXED BY "
				"\"%w\" %s",
		    x->table, x->name, where),
		&entries) == SQLITE_OK &&
	    entries > rows)
		return (SQLITE_CORRUPT);
	return (SQLITE_OK);
}

/* -- The indexes anew -- */

/* Other connections see by its number that the schema is another. */
static int
repair_swap_all(struct repair *r)
{
	int64_t version = 0;
	int rc = SQLITE_OK;

	for (size_t i = 0; i < r->n && rc == SQLITE_OK; i++)
		rc = repair_swap(r->db, &r->indexes[i]);
	if (rc == SQLITE_OK)
		rc = db_int(r->db, "PRAGMA schema_version", &version);
	if (rc == SQLITE_OK)
		rc = repair_exec_made(r->db,
		    sqlite3_mprintf("PRAGMA schema_version = %lld",
			(long long)version + 1));
	return (rc);
}

/* In a transaction: all of it, and a look at what came of it. */
static int
repair_make(struct repair *r, int64_t rows)
{
	char after[CHECK_FOUND_MAX];
	int64_t now = 0;
	int rc;

	rc = r->trees ? repair_swap_all(r) : repair_exec(r->db, "REINDEX");
	if (rc == SQLITE_OK)
		rc = check_run(r->db->conn, "integrity_check", after);
	if (rc == SQLITE_OK && after[0] == '\0')
		rc = repair_read_tables(r, &now);
	if (rc != SQLITE_OK || (after[0] == '\0' && now == rows))
		return (rc);
	if (after[0] != '\0')
		memcpy(r->found, after, sizeof(r->found));
	return (SQLITE_CORRUPT);
}

static int
repair_all(struct repair *r)
{
	int64_t rows = 0;
	int rc;

	if ((rc = repair_list(r)) == SQLITE_OK)
		rc = repair_read_tables(r, &rows);
	for (size_t i = 0; i < r->n && rc == SQLITE_OK; i++)
		rc = repair_compare(r, &r->indexes[i]);
	if (rc != SQLITE_OK)
		return (rc);
	if ((rc = repair_exec(r->db, "BEGIN IMMEDIATE")) == SQLITE_OK)
		rc = repair_make(r, rows);
	if (rc == SQLITE_OK)
		rc = repair_exec(r->db, "COMMIT");
	return (rc);
}

/* -- The verdict -- */

static enum store_rc
repair_damaged(struct repair *r)
{
	/* What is damaged is not written to any more, by its close neither. */
	atomic_store(&r->s->disk.failed, true);
	check_note_due(r->s, true);
	(void)snprintf(r->reason, STORE_REASON_MAX,
	    "%.200s: damaged (%.100s), and not only in its indexes; stop "
	    "klikitd, run klikitd restore BACKUP, which keeps this one aside, "
	    "and ask klikit to replay what came after the backup",
	    r->s->path, r->found);
	return (STORE_NOTADB);
}

/* What came of repair_all(). */
static enum store_rc
repair_judge(struct repair *r, int rc)
{
	enum store_rc what = STORE_OK;

	if (rc != SQLITE_OK)
		what = db_reason(r->db, r->s, rc, r->reason);
	if (rc != SQLITE_OK && sqlite3_get_autocommit(r->db->conn) == 0)
		(void)repair_exec(r->db, "ROLLBACK");
	(void)repair_exec(r->db, "PRAGMA writable_schema = RESET");
	if (what == STORE_NOTADB || what == STORE_REFUSED)
		return (repair_damaged(r));
	if (what == STORE_OK)
		store_note(r->s->st, STORE_NOTE_WARN,
		    "%.200s: indexes were damaged (%.100s) and are made anew; "
		    "all rows are there; look at the disk",
		    r->s->path, r->found);
	return (what);
}

enum store_rc
repair_run(struct sqlite_store *s, bool *ret_made, char *reason)
{
	struct repair r = { .s = s, .db = &s->writer, .reason = reason };
	enum store_rc what = STORE_OK;
	int rc;

	(void)snprintf(r.found, sizeof(r.found), "it cannot be opened");
	if (r.db->conn == NULL)
		return (repair_damaged(&r));
	rc = check_run(r.db->conn, "quick_check", r.found);
	r.trees = rc != SQLITE_OK || r.found[0] != '\0';
	if (!r.trees)
		rc = check_run(r.db->conn, "integrity_check", r.found);
	if (rc != SQLITE_OK && db_rc(r.db, rc) != STORE_NOTADB)
		return (db_reason(r.db, s, rc, reason));
	if (rc != SQLITE_OK && r.found[0] == '\0')
		(void)snprintf(r.found, sizeof(r.found), "%s",
		    sqlite3_errmsg(r.db->conn));
	if (r.found[0] != '\0') {
		what = repair_judge(&r, repair_all(&r));
		*ret_made = what == STORE_OK;
	}
	repair_free(&r);
	return (what);
}
