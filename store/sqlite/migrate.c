/*
 * Migrations: a copy of the file is kept aside, then all steps are taken in
 * one transaction. Both may take minutes, so they say how far they are.
 *
 * The copy gets its name when it is whole and on disk, before anything in the
 * file changes: if the power fails later it is there, and if it fails before,
 * the next start makes it anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

#define UNFINISHED ".new"
#define SAY_MS 5000     /* between two lines on how far it is */
#define COPY_PAGES 1024 /* at once */
#define LOOK_STEPS                                                             \
	(1 << 20) /* of SQLite's machine, until time is looked at              \
		   */
#define SPARE (64 * 1024)
#define MB (1024 * 1024)

/*
 * Bytes of what 004_scope.sql writes anew, from how long the first rows are:
 * each with what SQLite adds to it, in its table and in its indexes.
 */
static const char weigh[] =
    "SELECT CAST("
    "(SELECT count(*) FROM events) * ifnull((SELECT avg(180 + "
    "2 * length(event_id) + length(type) + length(secret) + length(peer) + "
    "ifnull(length(brand), 0) + ifnull(length(branch), 0)) "
    "FROM (SELECT * FROM events LIMIT 1000)), 0) + "
    "(SELECT count(*) FROM event_orders) * ifnull((SELECT "
    "avg(20 + length(order_id)) "
    "FROM (SELECT * FROM event_orders LIMIT 1000)), 0) + "
    "(SELECT count(*) FROM orders) * ifnull((SELECT avg(120 + "
    "length(order_id) + ifnull(length(external_id), 0) + "
    "ifnull(length(updated_at), 0)) "
    "FROM (SELECT * FROM orders LIMIT 1000)), 0) + "
    "(SELECT count(*) FROM carts) * 120 + "
    "(SELECT count(*) FROM lanes) * 40 AS INTEGER)";
#define WEIGH_BEFORE 4 /* the version that it leads to */
#define WEIGH_SERVED 2 /* the version from which there is a table more */
#define WEIGH_TIMES 2  /* log and file; measured: 1.5 */

struct migration {
	struct sqlite_store *s;
	int64_t from, to;
	int64_t begun_ms; /* monotonic */
	int64_t said_ms;  /* the same: of the last line */
	int64_t rows;     /* written by the steps */
	char copy[PATH_MAX];
	char unfinished[PATH_MAX]; /* the copy, until it is whole */
};

static int64_t
migrate_clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* Is a line due? Then it counts as said. */
static bool
migrate_may_say(struct migration *m)
{
	int64_t now_ms = migrate_clock_ms();

	if (now_ms - m->said_ms < SAY_MS)
		return (false);
	m->said_ms = now_ms;
	return (true);
}

/* A line; at once in store_open(), which a reopening by the writer is not. */
static void __attribute__((format(printf, 2, 3)))
migrate_say(struct migration *m, const char *fmt, ...)
{
	char text[STORE_REASON_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	store_note(m->s->st, STORE_NOTE_INFO, "%s", text);
	store_deliver_notes_of_open(m->s->st);
}

/* -- Room -- */

static int64_t
migrate_free(const struct sqlite_store *s)
{
	struct statvfs sv;

	if (s->setup.free_bytes != 0)
		return (s->setup.free_bytes);
	if (statvfs(s->path, &sv) == -1)
		return (INT64_MAX); /* SQLite will see */
	return ((int64_t)sv.f_bavail * (int64_t)sv.f_frsize);
}

/* See whether copy and steps find room. */
static enum store_rc
migrate_look_for_room(struct migration *m, char *reason)
{
	struct db *db = &m->s->writer;
	int64_t pages = 0, size = 0, written = 0, served = 0, need, has;
	int rc;

	rc = db_int(db, "PRAGMA page_count", &pages);
	if (rc == SQLITE_OK)
		rc = db_int(db, "PRAGMA page_size", &size);
	if (rc == SQLITE_OK && m->from < WEIGH_BEFORE)
		rc = db_int(db, weigh, &written);
	if (rc == SQLITE_OK && m->from < WEIGH_BEFORE &&
	    m->from >= WEIGH_SERVED)
		rc = db_int(db, "SELECT count(*) * 60 FROM served", &served);
	if (rc != SQLITE_OK)
		return (db_reason(db, m->s, rc, reason));
	need = pages * size + WEIGH_TIMES * (written + served) + SPARE;
	has = migrate_free(m->s);
	if (has >= need)
		return (STORE_OK);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: is of an older version; to bring it up to date takes %lld MB "
	    "on its disk for a copy and for tables that are made anew, and "
	    "%lld MB are free; free some, nothing was changed",
	    m->s->path, (long long)(need / MB + 1), (long long)(has / MB));
	return (STORE_FULL);
}

/* -- The copy -- */

/* Copy page by page into the open database. */
static int
migrate_copy_pages(struct migration *m, sqlite3 *copy)
{
	sqlite3_backup *b;
	int rc, total;

	b = sqlite3_backup_init(copy, "main", m->s->writer.conn, "main");
	if (b == NULL)
		return (sqlite3_errcode(copy));
	while ((rc = sqlite3_backup_step(b, COPY_PAGES)) == SQLITE_OK) {
		total = sqlite3_backup_pagecount(b);
		if (total > 0 && migrate_may_say(m))
			migrate_say(m, "%s: %d %% is copied", m->s->path,
			    (int)(100 -
				  100 * (int64_t)sqlite3_backup_remaining(b) /
				      total));
	}
	(void)sqlite3_backup_finish(b);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Give the whole copy its name, both durable. */
static int
migrate_name_copy(const struct migration *m)
{
	int fd, rc = SQLITE_IOERR_FSYNC;

	if ((fd = open(m->unfinished, O_RDONLY | O_CLOEXEC)) == -1)
		return (rc);
	if (fsync(fd) == 0 && rename(m->unfinished, m->copy) == 0 &&
	    place_sync_folder(m->copy) == 0)
		rc = SQLITE_OK;
	(void)close(fd);
	return (rc);
}

/* Copy the file as it is. */
static int
migrate_copy(struct migration *m)
{
	const struct sqlite_store *s = m->s;
	sqlite3 *copy = NULL;
	int fd, rc;

	siblings_unlink(m->unfinished); /* an earlier try's */
	fd = open(m->unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return (errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL
							   : SQLITE_CANTOPEN);
	place_own(s->path, fd);
	(void)close(fd);
	rc = sqlite3_open_v2(m->unfinished, &copy, SQLITE_OPEN_READWRITE,
	    s->setup.vfs);
	if (rc == SQLITE_OK)
		rc = migrate_copy_pages(m, copy);
	(void)sqlite3_close(copy);
	if (rc == SQLITE_OK)
		rc = migrate_name_copy(m);
	if (rc != SQLITE_OK)
		siblings_unlink(m->unfinished);
	return (rc);
}

/* -- The steps -- */

/* sqlite3_progress_handler(): the steps are at work. */
static int
migrate_progress_cb(void *arg)
{
	struct migration *m = arg;

	if (migrate_may_say(m))
		migrate_say(m, "%s: %lld rows are made anew, %lld s so far",
		    m->s->path, (long long)m->rows,
		    (long long)((m->said_ms - m->begun_ms) / 1000));
	return (0);
}

/* sqlite3_update_hook(): a row more. */
static void
migrate_row_cb(void *arg, int what, const char *schema, const char *table,
    sqlite3_int64 id)
{
	struct migration *m = arg;

	(void)what;
	(void)schema;
	(void)table;
	(void)id;
	m->rows++;
}

static int
migrate_steps(struct migration *m)
{
	struct db *db = &m->s->writer;
	int rc;

	sqlite3_progress_handler(db->conn, LOOK_STEPS, migrate_progress_cb, m);
	(void)sqlite3_update_hook(db->conn, migrate_row_cb, m);
	rc = sqlite3_exec(db->conn, "PRAGMA journal_mode = WAL", NULL, NULL,
	    NULL);
	if (rc == SQLITE_OK)
		rc = schema_steps(m->s, db, m->from);
	sqlite3_progress_handler(db->conn, 0, NULL, NULL);
	(void)sqlite3_update_hook(db->conn, NULL, NULL);
	if (rc != SQLITE_OK)
		return (rc);
	/* The log is as large as what was made anew: no commit needs that. */
	rc = sqlite3_wal_checkpoint_v2(db->conn, NULL,
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return (rc == SQLITE_BUSY ? SQLITE_OK : rc); /* a shell reads */
}

enum store_rc
migrate_run(struct sqlite_store *s, int64_t from, int64_t to, char *reason)
{
	struct migration m = { .s = s, .from = from, .to = to };
	enum store_rc what;
	int n, rc;

	n = snprintf(m.copy, sizeof(m.copy), "%s" SCHEMA_COPY "%lld", s->path,
	    (long long)to);
	if (n < 0 || (size_t)n >= sizeof(m.copy) - strlen(UNFINISHED)) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: its path is too long for a copy beside it", s->path);
		return (STORE_FAILED);
	}
	(void)stpcpy(stpcpy(m.unfinished, m.copy), UNFINISHED);
	if ((what = migrate_look_for_room(&m, reason)) != STORE_OK)
		return (what);
	m.begun_ms = m.said_ms = migrate_clock_ms();
	migrate_say(&m,
	    "%s: is of schema %lld: it is copied to %s, then brought to "
	    "schema %lld",
	    s->path, (long long)from, m.copy, (long long)to);
	if ((rc = migrate_copy(&m)) != SQLITE_OK ||
	    (rc = migrate_steps(&m)) != SQLITE_OK)
		return (db_reason(&s->writer, s, rc, reason));
	migrate_say(&m,
	    "%s: brought to schema %lld in %lld s; the copy %s, which holds "
	    "customers' data, is kept as long as bodies are",
	    s->path, (long long)to,
	    (long long)((migrate_clock_ms() - m.begun_ms + 500) / 1000),
	    m.copy);
	return (STORE_OK);
}
