/*
 * What a file is, and how it becomes this version: numbered steps, forward
 * only, all in one transaction with the new user_version. What goes with that
 * for a file that holds something is migrate.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

/*
 * Says in the file's header that it is ours: "klik". "klim", moved: its content
 * is another store's now. "klit", target: not all of it is there yet. What is
 * no "klik" no klikitd serves, however old.
 */
#define SCHEMA_APPLICATION 0x6b6c696b
#define SCHEMA_MOVED 0x6b6c696d
#define SCHEMA_TARGET 0x6b6c6974
#define SCHEMA_PAGE 4096 /* see DESIGN.md, Pages */
#define STR(x) STR_(x)
#define STR_(x) #x

extern const char schema_001_init[];
extern const char schema_002_attempts[];
extern const char schema_003_diagnosis[];
extern const char schema_004_scope[];
extern const char schema_005_versions[];
extern const char schema_006_untried[];
extern const char schema_007_clock[];
extern const char schema_008_details[];
extern const char schema_009_checks[];
extern const char schema_010_discarded[];
extern const char schema_011_repeats[];
extern const char schema_012_rejections[];
extern const char schema_013_doubted[];
extern const char schema_014_endpoints[];
extern const char schema_015_alarms[];
extern const char schema_016_counts[];
extern const char schema_017_arrivals[];
extern const char schema_018_groups[];

static const char *const steps[] = {
	schema_001_init,
	schema_002_attempts,
	schema_003_diagnosis,
	schema_004_scope,
	schema_005_versions,
	schema_006_untried,
	schema_007_clock,
	schema_008_details,
	schema_009_checks,
	schema_010_discarded,
	schema_011_repeats,
	schema_012_rejections,
	schema_013_doubted,
	schema_014_endpoints,
	schema_015_alarms,
	schema_016_counts,
	schema_017_arrivals,
	schema_018_groups,
};
#define NSTEPS ((int64_t)(sizeof(steps) / sizeof(steps[0])))

static const char set_page[] = "PRAGMA page_size = " STR(SCHEMA_PAGE);

/* For a file that is synced as a whole when it is done. */
static const char set_unsafe[] = "PRAGMA journal_mode = OFF;"
				 "PRAGMA synchronous = OFF";

/* The version that a file has when all steps were taken. */
static int64_t
schema_version(const struct sqlite_store *s)
{
	return (NSTEPS + (s->setup.more_schema != NULL ? 1 : 0));
}

/* The SQL that leads from that version to the next. */
static const char *
schema_sql(const struct sqlite_store *s, int64_t from)
{
	return (from < NSTEPS ? steps[from] : s->setup.more_schema);
}

/* What the header of the file says. */
struct schema_header {
	int64_t application;
	int64_t version;
	int64_t tables;
};

static int
schema_look(struct db *db, struct schema_header *ret_h)
{
	int rc;

	rc = db_int(db, "SELECT count(*) FROM sqlite_master", &ret_h->tables);
	if (rc == SQLITE_OK)
		rc = db_int(db, "PRAGMA application_id", &ret_h->application);
	if (rc == SQLITE_OK)
		rc = db_int(db, "PRAGMA user_version", &ret_h->version);
	return (rc);
}

/* A move stands in the way of what is wanted, or its lack does. */
static enum store_rc
schema_judge_move(const struct sqlite_store *s, int64_t application,
    char *reason)
{
	bool moved = application == SCHEMA_MOVED;
	bool target = application == SCHEMA_TARGET;

	if (target && s->moving != STORE_MOVING_TO)
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: klikitd migrate-store was cut short here, and not all "
		    "is there; run it again, or remove the file",
		    s->path);
	else if (moved && (s->moving == STORE_MOVING_NOT ||
			      s->moving == STORE_MOVING_TO))
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: klikitd migrate-store has moved all of it to another "
		    "store; use that one, or take this one back as it was then "
		    "by klikitd migrate-store --reopen sqlite:%s",
		    s->path, s->path);
	else if (!moved && !target && s->moving == STORE_MOVING_BACK)
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: was not moved away; there is nothing to take back",
		    s->path);
	else if (!target && s->moving == STORE_MOVING_TO)
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: is there already; name a place where no file is",
		    s->path);
	else
		return (STORE_OK);
	return (STORE_REFUSED);
}

/*
 * A newer klikitd brought the store further than we know: say so, and name the
 * copy that it made before, if that is still there.
 */
static enum store_rc
schema_refuse_newer(const struct sqlite_store *s, int64_t version, char *reason)
{
	char copy[PATH_MAX] = "";
	int64_t to = schema_version(s);
	int n;

	do {
		n = snprintf(copy, sizeof(copy), "%s" SCHEMA_COPY "%lld",
		    s->path, (long long)++to);
		if (n < 0 || (size_t)n >= sizeof(copy) || to > version)
			copy[0] = '\0';
	} while (copy[0] != '\0' && access(copy, F_OK) == -1);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: written by a newer klikitd (schema %lld, this one "
	    "knows %lld); install that version%s%s",
	    s->path, (long long)version, (long long)schema_version(s),
	    copy[0] == '\0' ? ""
			    : ", or go back to before its upgrade, without "
			      "what came since: klikitd restore ",
	    copy);
	return (STORE_NEWER);
}

/* Is the file ours to write? */
static enum store_rc
schema_judge(const struct sqlite_store *s, const struct schema_header *h,
    char *reason)
{
	bool fresh = h->tables == 0 && h->version == 0 && h->application == 0;
	enum store_rc what;

	if (fresh && s->mode == STORE_SERVE)
		return (STORE_OK);
	what = schema_judge_move(s, h->application, reason);
	if (what != STORE_OK)
		return (what);
	if (h->application != SCHEMA_APPLICATION &&
	    h->application != SCHEMA_MOVED && h->application != SCHEMA_TARGET) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: a database of another program; give another path",
		    s->path);
		return (STORE_NOTADB);
	}
	if (h->version > schema_version(s))
		return (schema_refuse_newer(s, h->version, reason));
	if (h->version < schema_version(s) && s->mode == STORE_READ) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: written by an older klikitd (schema %lld); "
		    "start the server once to bring it up to date",
		    s->path, (long long)h->version);
		return (STORE_FAILED);
	}
	return (STORE_OK);
}

enum store_rc
schema_of_backup(const struct sqlite_store *s, struct db *db, const char *of,
    char *reason)
{
	struct schema_header h = { 0 };
	int rc;

	if ((rc = schema_look(db, &h)) != SQLITE_OK) {
		(void)snprintf(reason, STORE_REASON_MAX, "%s: %s (%d)", of,
		    sqlite3_errstr(rc), rc);
		return (db_rc(db, rc));
	}
	if (h.application != SCHEMA_APPLICATION || h.version == 0) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: no backup of a store; name another file", of);
		return (STORE_NOTADB);
	}
	if (h.version <= schema_version(s))
		return (STORE_OK);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: written by a newer klikitd (schema %lld, this one knows "
	    "%lld); install that version",
	    of, (long long)h.version, (long long)schema_version(s));
	return (STORE_NEWER);
}

/* SQL function: see 005_versions.sql. */
static void
schema_renew_cb(sqlite3_context *ctx, int n, sqlite3_value **values)
{
	unsigned char key[ORDER_KEY_LEN];
	struct order_version v;
	const void *old;

	(void)n;
	old = sqlite3_value_blob(values[0]);
	v = (struct order_version){
		.updated_at = (const char *)sqlite3_value_text(values[1]),
		.rank = order_rank((const char *)sqlite3_value_text(values[2]),
		    NULL, 0),
		.event = sqlite3_value_int64(values[3]),
		.place = (uint32_t)sqlite3_value_int64(values[4]),
	};
	order_key_renew(old, (size_t)sqlite3_value_bytes(values[0]), &v, key);
	sqlite3_result_blob(ctx, key, sizeof(key), SQLITE_TRANSIENT);
}

int
schema_mark(struct db *db, enum store_moving what)
{
	const char *sql = "PRAGMA application_id = " STR(SCHEMA_APPLICATION);

	if (what == STORE_MOVING_FROM)
		sql = "PRAGMA application_id = " STR(SCHEMA_MOVED);
	if (what == STORE_MOVING_TO)
		sql = "PRAGMA application_id = " STR(SCHEMA_TARGET);
	return (sqlite3_exec(db->conn, sql, NULL, NULL, NULL));
}

int
schema_is_moved(struct db *db, bool *ret_moved)
{
	int64_t application = 0;
	int rc = db_int(db, "PRAGMA application_id", &application);

	*ret_moved = application == SCHEMA_MOVED;
	return (rc);
}

/* Take all steps from that version on, within a transaction. */
static int
schema_run(const struct sqlite_store *s, struct db *db, int64_t from)
{
	char version[64];
	int rc = SQLITE_OK;

	(void)snprintf(version, sizeof(version), "PRAGMA user_version = %lld",
	    (long long)schema_version(s));
	for (; from < schema_version(s) && rc == SQLITE_OK; from++)
		rc = sqlite3_exec(db->conn, schema_sql(s, from), NULL, NULL,
		    NULL);
	if (rc == SQLITE_OK)
		rc = schema_mark(db, s->moving == STORE_MOVING_TO
					 ? s->moving
					 : STORE_MOVING_NOT);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, version, NULL, NULL, NULL);
	return (rc);
}

int
schema_steps(const struct sqlite_store *s, struct db *db, int64_t from)
{
	int rc;

	rc = sqlite3_create_function(db->conn, "order_key_renew", 5,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, schema_renew_cb, NULL,
	    NULL);
	if (rc == SQLITE_OK)
		rc =
		    sqlite3_exec(db->conn, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = schema_run(s, db, from);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK && sqlite3_get_autocommit(db->conn) == 0)
		(void)sqlite3_exec(db->conn, "ROLLBACK", NULL, NULL, NULL);
	return (rc);
}

/* The file is ours: it becomes one of this version. */
static enum store_rc
schema_bring(struct sqlite_store *s, int64_t version, char *reason)
{
	struct db *db = &s->writer;
	int rc = SQLITE_OK;

	if (version > 0 && version < schema_version(s))
		return (migrate_run(s, version, schema_version(s), reason));
	if (version == 0)
		rc = sqlite3_exec(db->conn, set_page, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, "PRAGMA journal_mode = WAL", NULL,
		    NULL, NULL);
	if (rc == SQLITE_OK && version == 0)
		rc = db_fit_cache(db);
	if (rc == SQLITE_OK && version == 0)
		rc = schema_steps(s, db, 0);
	return (rc == SQLITE_OK ? STORE_OK : db_reason(db, s, rc, reason));
}

int
schema_write(const struct sqlite_store *s, const char *path)
{
	struct db db = { 0 };
	int rc;

	rc = sqlite3_open_v2(path, &db.conn, SQLITE_OPEN_READWRITE,
	    s->setup.vfs);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db.conn, set_page, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db.conn, set_unsafe, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = schema_steps(s, &db, 0);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db.conn, "PRAGMA journal_mode = WAL", NULL,
		    NULL, NULL);
	db_close(&db);
	return (rc);
}

enum store_rc
schema_allows(struct sqlite_store *s, struct db *db, char *reason)
{
	struct schema_header h;
	int rc;

	if ((rc = schema_look(db, &h)) != SQLITE_OK)
		return (db_reason(db, s, rc, reason));
	return (schema_judge(s, &h, reason));
}

/* Four bytes of the file's header. */
static int64_t
schema_four(const unsigned char *p)
{
	return ((int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

#define HEAD_LEN 100

/* The beginning of the file. Is it that of a database? */
static bool
schema_head(const struct sqlite_store *s, unsigned char ret_head[HEAD_LEN])
{
	FILE *in = fopen(s->path, "re");
	size_t n;

	if (in == NULL)
		return (false);
	n = fread(ret_head, 1, HEAD_LEN, in);
	(void)fclose(in);
	return (n == HEAD_LEN && memcmp(ret_head, "SQLite format 3", 16) == 0);
}

bool
schema_is_present(const struct sqlite_store *s)
{
	unsigned char head[HEAD_LEN];

	return (schema_head(s, head) &&
		schema_four(head + 68) == SCHEMA_APPLICATION &&
		schema_four(head + 60) == schema_version(s));
}

enum store_rc
schema_of_file(const struct sqlite_store *s, enum store_found *ret_found,
    char *reason)
{
	unsigned char head[HEAD_LEN];
	struct schema_header h;

	if (!schema_head(s, head)) {
		(void)snprintf(reason, STORE_REASON_MAX, DB_NOT_ONE, s->path);
		return (STORE_NOTADB);
	}
	h = (struct schema_header){
		.application = schema_four(head + 68),
		.version = schema_four(head + 60),
		.tables = schema_four(head + 40), /* it changes with them */
	};
	*ret_found = h.version == 0                  ? STORE_FOUND_NONE
		     : h.version < schema_version(s) ? STORE_FOUND_OLDER
						     : STORE_FOUND;
	return (schema_judge(s, &h, reason));
}

enum store_rc
schema_prepare(struct sqlite_store *s, char *reason)
{
	struct db *db = s->mode != STORE_READ ? &s->writer : &s->reader;
	struct schema_header h;
	enum store_rc what;
	int rc;

	/* Until we know that the file is ours, even closing changes nothing. */
	(void)sqlite3_db_config(db->conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	    NULL);
	if ((rc = schema_look(db, &h)) != SQLITE_OK)
		return (db_reason(db, s, rc, reason));
	if ((what = schema_judge(s, &h, reason)) != STORE_OK)
		return (what);
	(void)sqlite3_db_config(db->conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
	    NULL);
	return (s->mode == STORE_READ ? STORE_OK
				      : schema_bring(s, h.version, reason));
}

enum store_rc
schema_check(struct sqlite_store *s, char *reason)
{
	struct schema_header h;
	int rc;

	if ((rc = schema_look(&s->writer, &h)) != SQLITE_OK)
		return (db_reason(&s->writer, s, rc, reason));
	if (h.application == SCHEMA_APPLICATION &&
	    h.version == schema_version(s))
		return (STORE_OK);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: no longer the file that was opened", s->path);
	return (STORE_FAILED);
}
