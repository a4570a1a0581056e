/*
 * A backup: one read snapshot, copied in steps over a connection of its own to
 * PATH.tmp, which gets its name when it is whole, checked and durable. Only
 * then does anything stand at PATH.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

#define STEP_PAGES 256
#define LOG_LARGE ((int64_t)64 << 20)

struct backup {
	struct sqlite_store *s;
	struct store_op *op;
	const char *path;
	char *tmp;     /* where it grows */
	bool tried;    /* tmp is ours to remove */
	struct db own; /* with the snapshot, unless it is the reader's */
	struct db *source;
	sqlite3 *copy;
};

/* The backup ends with rc, for a reason about its own file. */
static void
backup_fail(struct backup *b, enum store_rc rc, const char *why)
{
	char reason[STORE_REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "%s: %s", b->path, why);
	store_op_fail(b->op, rc, reason);
}

static void
backup_fail_errno(struct backup *b, int err)
{
	if (err == EEXIST)
		backup_fail(b, STORE_EXISTS,
		    "there is a file of that name; give another one");
	else if (err == ENOSPC || err == EDQUOT)
		backup_fail(b, STORE_FULL,
		    "no space left on its disk; free some");
	else
		backup_fail(b, STORE_FAILED, strerror(err));
}

/* What rc, of the copy's connection, says. */
static void
backup_fail_sqlite(struct backup *b, int rc)
{
	struct db copy = { .conn = b->copy };

	if (db_rc(&copy, rc) == STORE_FULL)
		backup_fail_errno(b, ENOSPC);
	else if (atomic_load(&b->s->interrupted))
		backup_fail(b, STORE_FAILED,
		    "cut short: the store closes, or is being "
		    "repaired; try again");
	else
		backup_fail(b, STORE_FAILED, sqlite3_errstr(rc));
}

/* sqlite3_progress_handler: end what takes long when the store closes. */
static int
backup_progress_cb(void *arg)
{
	struct backup *b = arg;

	return (atomic_load(&b->s->interrupted) ? 1 : 0);
}

/* Make the file, so that it has its mode before there is anything in it. */
static int
backup_create(struct backup *b)
{
	struct stat sb;
	int fd;

	if (lstat(b->path, &sb) == 0) {
		backup_fail_errno(b, EEXIST);
		return (-1);
	}
	if (siblings_hold_data(b->path)) {
		backup_fail(b, STORE_EXISTS,
		    "there is another database's log (-wal or -journal) of "
		    "that name; move it away or give another name");
		return (-1);
	}
	siblings_unlink(b->tmp); /* of an earlier try that was cut short */
	fd = open(b->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1) {
		backup_fail_errno(b, errno);
		return (-1);
	}
	place_own(b->s->path, fd);
	(void)close(fd);
	b->tried = true;
	return (0);
}

/*
 * Take the snapshot and open the copy. That needs no journal: should it be cut
 * short it is thrown away.
 */
static int
backup_open(struct backup *b)
{
	char reason[STORE_REASON_MAX];
	enum store_rc what;
	int64_t tables;
	int rc = SQLITE_OK;

	/* The name leads to another file: the open one has the data. */
	b->source = atomic_load(&b->s->moved) ? &b->s->reader : &b->own;
	if (b->source == &b->own)
		rc = db_open(&b->own, b->s, DB_READER);
	if (rc != SQLITE_OK ||
	    (rc = db_exec(b->source, SQL_BEGIN_READ)) != SQLITE_OK ||
	    (rc = db_int(b->source, "SELECT count(*) FROM sqlite_master",
		 &tables)) != SQLITE_OK) {
		what = db_reason(b->source, b->s, rc, reason);
		store_op_fail(b->op, what, reason);
		return (-1);
	}
	rc = sqlite3_open_v2(b->tmp, &b->copy,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    b->s->setup.vfs);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(b->copy,
		    "PRAGMA locking_mode = EXCLUSIVE;"
		    "PRAGMA journal_mode = OFF;"
		    "PRAGMA synchronous = OFF;"
		    "PRAGMA cache_size = -2048",
		    NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		backup_fail_sqlite(b, rc);
		return (-1);
	}
	sqlite3_progress_handler(b->copy, 1000, backup_progress_cb, b);
	return (0);
}

/*
 * The log cannot start over while we read. When it has become larger than what
 * is left on its disk this ends, before deliveries are refused.
 */
static bool
backup_is_too_dear(const struct backup *b)
{
	char name[PATH_MAX];
	struct statvfs fs;
	struct stat sb;

	(void)snprintf(name, sizeof(name), "%s-wal", b->s->path);
	return (stat(name, &sb) == 0 && sb.st_size > LOG_LARGE &&
		statvfs(b->s->path, &fs) == 0 &&
		(int64_t)fs.f_bavail * (int64_t)fs.f_frsize < sb.st_size);
}

static int
backup_copy(struct backup *b)
{
	sqlite3_backup *steps;
	bool dear = false;
	int rc, end;

	steps = sqlite3_backup_init(b->copy, "main", b->source->conn, "main");
	if (steps == NULL) {
		backup_fail_sqlite(b, sqlite3_extended_errcode(b->copy));
		return (-1);
	}
	do {
		rc = sqlite3_backup_step(steps, STEP_PAGES);
		if (rc == SQLITE_OK || rc == SQLITE_DONE)
			store_report_progress(b->op,
			    sqlite3_backup_pagecount(steps) -
				sqlite3_backup_remaining(steps),
			    sqlite3_backup_pagecount(steps));
		if (rc == SQLITE_OK && backup_progress_cb(b) != 0)
			rc = SQLITE_INTERRUPT;
		dear = rc == SQLITE_OK && backup_is_too_dear(b);
		if (dear)
			rc = SQLITE_INTERRUPT;
	} while (rc == SQLITE_OK);
	end = sqlite3_backup_finish(steps);
	if (rc == SQLITE_DONE)
		rc = end;
	if (rc == SQLITE_OK)
		return (0);
	if (dear)
		backup_fail(b, STORE_FULL,
		    "given up: the store's log grows while this lasts, and its "
		    "disk is nearly full");
	else
		backup_fail_sqlite(b, rc);
	return (-1);
}

static int
backup_check(struct backup *b)
{
	char found[CHECK_FOUND_MAX];
	int rc = check_run(b->copy, "quick_check", found);

	if (rc != SQLITE_OK)
		backup_fail_sqlite(b, rc);
	else if (found[0] != '\0')
		backup_fail(b, STORE_FAILED, found);
	return (rc == SQLITE_OK && found[0] == '\0' ? 0 : -1);
}

/* Make the content durable, then the name, which must still be free. */
static int
backup_name(struct backup *b)
{
	int fd, rc;

	(void)sqlite3_close(b->copy);
	b->copy = NULL;
	if ((fd = open(b->tmp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		goto fail;
	rc = fsync(fd);
	(void)close(fd);
	if (rc == -1 || place_rename(b->tmp, b->path) == -1)
		goto fail;
	if (place_sync_folder(b->path) == -1)
		goto fail;
	return (0);
fail:
	backup_fail_errno(b, errno);
	return (-1);
}

void
backup_run(struct sqlite_store *s, struct store_op *op)
{
	struct backup b = { .s = s, .op = op, .path = op->in.backup.path };

	if (asprintf(&b.tmp, "%s.tmp", b.path) == -1) {
		b.tmp = NULL;
		backup_fail_errno(&b, ENOMEM);
		return;
	}
	if (backup_create(&b) == 0 && backup_open(&b) == 0 &&
	    backup_copy(&b) == 0 && backup_check(&b) == 0)
		(void)backup_name(&b);
	(void)sqlite3_close(b.copy);
	if (b.source == &s->reader &&
	    sqlite3_get_autocommit(s->reader.conn) == 0)
		(void)db_exec(&s->reader, SQL_ROLLBACK);
	db_close(&b.own);
	/* SQLite leaves a log beside a file in WAL mode that was only read. */
	if (b.tried)
		siblings_unlink(b.tmp);
	free(b.tmp);
}
