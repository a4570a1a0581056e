/* A connection: how it is set up, its statements, what its errors mean. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite/sqlite.h"

#define BUSY_MS 4000

/*
 * What a connection may keep of the file. The index of event ids is hit at
 * random, so the writer gets more; what it misses the system has.
 */
#define WRITER_CACHE ((int64_t)8 << 20)
#define READER_CACHE ((int64_t)2 << 20)

static const char writer_setup[] = "PRAGMA foreign_keys = ON;"
				   "PRAGMA secure_delete = ON;"
				   "PRAGMA wal_autocheckpoint = 0;"
				   "PRAGMA temp_store = MEMORY;";
static const char reader_setup[] = "PRAGMA query_only = ON;"
				   "PRAGMA temp_store = MEMORY;";
static const char copier_setup[] = "PRAGMA query_only = ON;"
				   "PRAGMA wal_autocheckpoint = 0;";

/* sqlite3_wal_hook: a commit has left this many pages in the log. */
static int
db_wal_cb(void *arg, sqlite3 *conn, const char *name, int pages)
{
	struct db *db = arg;

	(void)conn;
	(void)name;
	db->wal_pages = pages;
	return (SQLITE_OK);
}

int
db_busy_ms(const struct sqlite_store *s)
{
	return (s->setup.busy_ms != 0 ? s->setup.busy_ms : BUSY_MS);
}

int
db_fit_cache(struct db *db)
{
	int64_t version;
	char sql[64];
	int rc;

	/* Until it has read, a connection knows of no page size and no log. */
	rc = db_int(db, "PRAGMA schema_version", &version);
	if (rc == SQLITE_OK)
		rc = db_int(db, "PRAGMA page_size", &db->page_size);
	if (rc != SQLITE_OK)
		return (rc);
	/* In pages: kibibytes would be reckoned by SQLite's default size. */
	(void)snprintf(sql, sizeof(sql), "PRAGMA cache_size = %lld",
	    (long long)(db->cache_bytes / db->page_size));
	return (sqlite3_exec(db->conn, sql, NULL, NULL, NULL));
}

/* What a commit and a checkpoint sync. */
static int
db_set_sync(struct db *db, const struct sqlite_store *s)
{
	return (sqlite3_exec(db->conn,
	    s->setup.sync_normal ? "PRAGMA synchronous = NORMAL"
				 : "PRAGMA synchronous = FULL",
	    NULL, NULL, NULL));
}

int
db_open(struct db *db, const struct sqlite_store *s, enum db_role role)
{
	static const char *const setups[] = {
		[DB_WRITER] = writer_setup,
		[DB_READER] = reader_setup,
		[DB_COPIER] = copier_setup,
	};
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc;

	flags |=
	    role == DB_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	memset(db, 0, sizeof(*db));
	db->cache_bytes = role == DB_WRITER ? WRITER_CACHE : READER_CACHE;
	rc = sqlite3_open_v2(s->path, &db->conn, flags,
	    s->disk.lower != NULL ? s->disk.name : s->setup.vfs);
	if (rc != SQLITE_OK)
		return (rc);
	(void)sqlite3_busy_timeout(db->conn, db_busy_ms(s));
	rc = sqlite3_exec(db->conn, setups[role], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = db_fit_cache(db);
	if (rc == SQLITE_OK && role != DB_READER)
		rc = db_set_sync(db, s);
	if (role == DB_WRITER)
		(void)sqlite3_wal_hook(db->conn, db_wal_cb, db);
	return (rc);
}

void
db_close(struct db *db)
{
	for (int i = 0; i < SQL_COUNT; i++)
		(void)sqlite3_finalize(db->stmt[i]);
	(void)sqlite3_close(db->conn);
	memset(db, 0, sizeof(*db));
}

void
db_leave(struct db *db)
{
	if (db->conn != NULL)
		(void)sqlite3_db_config(db->conn,
		    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db_close(db);
}

sqlite3_stmt *
db_stmt(struct db *db, enum db_sql which)
{
	sqlite3_stmt *st = db->stmt[which];

	if (st != NULL) {
		(void)sqlite3_reset(st);
		(void)sqlite3_clear_bindings(st);
		return (st);
	}
	(void)sqlite3_prepare_v3(db->conn, db_sql_text(which), -1,
	    SQLITE_PREPARE_PERSISTENT, &db->stmt[which], NULL);
	return (db->stmt[which]);
}

int
db_run(struct db *db, sqlite3_stmt *st)
{
	int rc;

	if (st == NULL)
		return (sqlite3_extended_errcode(db->conn));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		;
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
db_exec(struct db *db, enum db_sql which)
{
	return (db_run(db, db_stmt(db, which)));
}

int
db_int(struct db *db, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(db->conn, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return (rc);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return (rc == SQLITE_ROW ? SQLITE_OK : rc);
}

void
db_bind_text(sqlite3_stmt *st, int at, const char *text)
{
	(void)sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

int
db_column_text(sqlite3_stmt *st, int at, struct arena *a, const char **ret_text)
{
	const unsigned char *text = sqlite3_column_text(st, at);
	int len = sqlite3_column_bytes(st, at);

	*ret_text = NULL;
	if (text == NULL)
		return (0);
	*ret_text = arena_dup(a, text, (size_t)len);
	return (*ret_text == NULL ? -1 : 0);
}

/* A full disk comes in more than one disguise. */
static bool
db_is_nospace(const struct db *db)
{
	int err = db->conn == NULL ? 0 : sqlite3_system_errno(db->conn);

	return (err == ENOSPC || err == EDQUOT);
}

bool
db_read_failed(const struct db *db)
{
	int err = 0;

	if (db->conn == NULL)
		return (false);
	(void)sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_LAST_ERRNO,
	    &err);
	switch (err) {
	case EIO:
	case ENXIO:
	case ENODEV:
	case ESTALE:
	case ETIMEDOUT:
	case EREMOTEIO:
		return (true);
	}
	return (false);
}

enum store_rc
db_rc(const struct db *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return (STORE_OK);
	case SQLITE_FULL:
		return (STORE_FULL);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return (STORE_BUSY);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return (db_read_failed(db) ? STORE_FAILED : STORE_NOTADB);
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		return (STORE_REFUSED);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return (db_is_nospace(db) ? STORE_FULL : STORE_FAILED);
	default:
		return (STORE_FAILED);
	}
}

/* Did a read from the disk itself fail? */
static bool
db_is_unread(const struct db *db, int rc)
{
	switch (rc) {
	case SQLITE_IOERR_READ:
	case SQLITE_IOERR_CORRUPTFS:
	case SQLITE_IOERR_SHMMAP:
		return (true);
	}
	return ((rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT
		    ? db_read_failed(db)
		    : false);
}

enum store_rc
db_reason(const struct db *db, const struct sqlite_store *s, int rc,
    char *reason)
{
	enum store_rc what = db_rc(db, rc);
	const char *text = sqlite3_errstr(rc);

	if (db->conn != NULL && sqlite3_extended_errcode(db->conn) == rc)
		text = sqlite3_errmsg(db->conn);
	if (what == STORE_FULL)
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: no space left on its disk; free some", s->path);
	else if (what == STORE_BUSY)
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: locked by another process; end it or its transaction",
		    s->path);
	else if (what == STORE_NOTADB && (rc & 0xff) == SQLITE_NOTADB)
		(void)snprintf(reason, STORE_REASON_MAX, DB_NOT_ONE, s->path);
	else if (what == STORE_NOTADB)
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: damaged (%s); klikitd restore "
		    "BACKUP puts a backup in its place and keeps it aside",
		    s->path, text);
	else if (db_is_unread(db, rc))
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: " DB_UNREAD " (%s)", s->path, text);
	else
		(void)snprintf(reason, STORE_REASON_MAX, "%s: %s (%d)", s->path,
		    text, rc);
	return (what);
}

int
db_checkpoint(struct db *db, struct db_log *ret_log)
{
	int pages = 0, done = 0;
	int rc;

	rc = sqlite3_wal_checkpoint_v2(db->conn, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
	if (rc == SQLITE_OK) {
		ret_log->pages = pages;
		ret_log->left = pages - done;
	}
	return (rc);
}

int
db_sync(struct db *db)
{
	sqlite3_file *file;
	int rc;

	rc = sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_FILE_POINTER,
	    &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xSync(file,
		    SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
	return (rc);
}
