/*
 * db.h -- private to store/sqlite/: a connection with its prepared statements.
 *
 * Functions of type int return a result code of SQLite's, SQLITE_OK when all
 * is well, unless they say otherwise; db_rc() turns one into a store_rc.
 */
#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "store/base/arena.h"
#include "store/flood.h"
#include "store/sqlite/sql.h"
#include "store/store.h"

struct sqlite_store; /* sqlite.h */

/* Sets of header fields that need not be written now: headers.c. */
#define DB_HEADERS_MAX 16
struct db_header_set {
	int64_t id; /* 0: none */
	int64_t used_ms;
	int64_t came_ms;
};
struct db_headers {
	struct db_header_set sets[DB_HEADERS_MAX];
	size_t next;
};

/* A connection; belongs to one thread. */
struct db {
	sqlite3 *conn;
	sqlite3_stmt *stmt[SQL_COUNT];
	int64_t page_size;
	int64_t cache_bytes;       /* what it may keep of the file in memory */
	int wal_pages;             /* in the log after the last commit */
	struct flood again;        /* of duplicates */
	struct db_headers headers; /* the writer's */
};

/* What a checkpoint found in the log, in pages, and has not copied. */
struct db_log {
	int pages;
	int left;
};

enum db_role { DB_WRITER, DB_READER, DB_COPIER };

/*
 * Open a connection and set it up, but change nothing in the file. DB_COPIER
 * needs a file that has its log.
 */
int db_open(struct db *db, const struct sqlite_store *s, enum db_role role);

/* See what page size the file has, and let the cache have its bytes in them. */
int db_fit_cache(struct db *db);

/* How long a connection waits for a lock. */
int db_busy_ms(const struct sqlite_store *s);

/* Accepts a connection that was never opened. */
void db_close(struct db *db);

/*
 * The statement, reset and without values, or NULL; then db->conn has the
 * error.
 */
sqlite3_stmt *db_stmt(struct db *db, enum db_sql which);

/* Run a statement that returns no rows. NULL st: the error of its making. */
int db_run(struct db *db, sqlite3_stmt *st);

/* db_run() of a statement without values. */
int db_exec(struct db *db, enum db_sql which);

/* The first column of the first row, or otherwise if there is none. */
int db_int(struct db *db, const char *sql, int64_t *ret_value);

/* Bind text; NULL becomes NULL. Borrows text until the statement is reset. */
void db_bind_text(sqlite3_stmt *st, int at, const char *text);

/* Copy a column to the arena; NULL stays NULL. Returns 0, or -1. */
int db_column_text(sqlite3_stmt *st, int at, struct arena *a,
    const char **ret_text);

/*
 * Did the last read of the database's file fail? SQLite calls it damaged then,
 * though the bytes on disk may be right.
 */
bool db_read_failed(const struct db *db);
#define DB_UNREAD                                                              \
	"could not be read; that may pass: look at the disk (dmesg) and try "  \
	"again before anything else"

/* What is said of a file, %s, that is no database. */
#define DB_NOT_ONE                                                             \
	"%s: is no database, or its beginning is damaged; if it never was "    \
	"klikitd's store, give another path; if it was, klikitd restore "      \
	"BACKUP puts a backup in its place and keeps it aside"

/* What a result code means to the store's callers. */
enum store_rc db_rc(const struct db *db, int rc);

/* Write why rc happened, naming the file, and return db_rc(). */
enum store_rc db_reason(const struct db *db, const struct sqlite_store *s,
    int rc, char *reason);

/*
 * Copy to the database file what a PASSIVE checkpoint can. With pages left
 * the log cannot start over. SQLITE_BUSY: another checkpoint is under way.
 */
int db_checkpoint(struct db *db, struct db_log *ret_log);

/*
 * Sync the database file after a copy into it. SQLite does so only when
 * all of the log was copied.
 */
int db_sync(struct db *db);

/*
 * db_close() that copies nothing and leaves the log where it is, though it be
 * the last connection: see recover.c. Accepts one that was never opened.
 */
void db_leave(struct db *db);

#endif /* STORE_SQLITE_DB_H */
