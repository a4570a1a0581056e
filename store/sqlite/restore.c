/*
 * Putting a backup in the place of the store.
 *
 *   BACKUP --copied, checked, synced--> PATH.restoring
 *   PATH, PATH-wal, ... ------renamed-> PATH.damaged-TIME, ...
 *   PATH.restoring -----------renamed-> PATH
 *
 * There is never an empty store at PATH. As long as PATH.restoring is there
 * the steps after it are to be done, or done again: should power fail the next
 * start ends what was begun. TIME is its time of change, so that what is put
 * aside has one name however often that is tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

#define URI_MAX (3 * PATH_MAX + 32)

struct restore {
	struct sqlite_store s; /* path, locks; nothing is open */
	const char *backup;
	char tmp[PATH_MAX];   /* where the copy grows */
	char whole[PATH_MAX]; /* where it waits for its place */
	sqlite3 *source;
	sqlite3 *copy;
	struct store_restored *ret;
	char *reason;
};

/* -- The end of it, also of one that was cut short -- */

static int
restore_pending_name(const char *path, char ret_name[PATH_MAX])
{
	int n = snprintf(ret_name, PATH_MAX, "%s.restoring", path);

	return (n < 0 || n >= PATH_MAX ? -1 : 0);
}

bool
restore_is_pending(const char *path)
{
	char name[PATH_MAX];
	struct stat sb;

	return (restore_pending_name(path, name) == 0 && lstat(name, &sb) == 0);
}

/* Where a restore that waits at that name puts the damaged files. */
static int
restore_aside_name(const char *path, const char *whole, char ret_to[PATH_MAX])
{
	char stamp[PLACE_STAMP_MAX];
	struct stat sb;
	int n;

	if (lstat(whole, &sb) == -1)
		return (-1);
	place_stamp((int64_t)sb.st_mtime * 1000, stamp);
	n = snprintf(ret_to, PATH_MAX, "%s.damaged-%s", path, stamp);
	if (n >= 0 && n < PATH_MAX - 16)
		return (0);
	errno = ENAMETOOLONG;
	return (-1);
}

/*
 * Put what waits in its place; ret_kept is where what was there is now. To be
 * called again after a failure. Returns 0, or -1 with errno.
 */
static int
restore_finish(const char *path, char ret_kept[PATH_MAX])
{
	char whole[PATH_MAX];

	if (restore_pending_name(path, whole) == -1 ||
	    restore_aside_name(path, whole, ret_kept) == -1)
		return (-1);
	if (place_rename(path, ret_kept) == -1 && errno != ENOENT)
		return (-1);
	if (siblings_aside(path, ret_kept) == -1 ||
	    place_rename(whole, path) == -1)
		return (-1);
	return (place_sync_folder(path));
}

enum store_rc
restore_resume(struct sqlite_store *s, char *reason)
{
	char kept[PATH_MAX];

	if (!restore_is_pending(s->path))
		return (STORE_OK);
	if (restore_finish(s->path, kept) == -1)
		return (place_errno(s->path, errno, reason));
	if (s->st == NULL)
		return (STORE_OK);
	store_note(s->st, STORE_NOTE_WARN,
	    "%s: a restore that was cut short is complete now: this is the "
	    "backup; the earlier file is kept as %s, its log beside it",
	    s->path, kept);
	return (STORE_OK);
}

/* -- Checking and copying -- */

static enum store_rc
restore_fail(struct restore *r, enum store_rc rc, const char *why)
{
	(void)snprintf(r->reason, STORE_REASON_MAX, "%s: %s", r->backup, why);
	return (rc);
}

/* What a result code of the source's, or of the copy's, says. */
static enum store_rc
restore_fail_sqlite(struct restore *r, sqlite3 *conn, int rc)
{
	struct db db = { .conn = conn };
	enum store_rc what = db_rc(&db, rc);

	if (what == STORE_FULL)
		return (place_errno(r->s.path, ENOSPC, r->reason));
	if (what == STORE_NOTADB)
		return (restore_fail(r, what,
		    "damaged or no database; use another backup"));
	return (restore_fail(r, what == STORE_BUSY ? what : STORE_FAILED,
	    db_read_failed(&db) ? DB_UNREAD : sqlite3_errstr(rc)));
}

/*
 * The path as a URI. Without a log nothing is made beside the file, so that a
 * backup may lie on a disk that cannot be written.
 */
static void
restore_uri(const char *path, char ret_uri[URI_MAX])
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = ret_uri + snprintf(ret_uri, URI_MAX, "file:");

	for (const char *p = path; *p != '\0'; p++) {
		if (strchr("%?#", *p) == NULL) {
			*out++ = *p;
			continue;
		}
		*out++ = '%';
		*out++ = hex[(unsigned char)*p >> 4];
		*out++ = hex[(unsigned char)*p & 15];
	}
	(void)strcpy(out,
	    siblings_hold_data(path) ? "?mode=ro" : "?immutable=1");
}

static enum store_rc
restore_check(struct restore *r, sqlite3 *conn, const char *check)
{
	char found[CHECK_FOUND_MAX], why[STORE_REASON_MAX / 2];
	int rc = check_run(conn, check, found);

	if (rc != SQLITE_OK)
		return (restore_fail_sqlite(r, conn, rc));
	if (found[0] == '\0')
		return (STORE_OK);
	(void)snprintf(why, sizeof(why), "damaged (%s); use another backup",
	    found);
	return (restore_fail(r, STORE_NOTADB, why));
}

/* Open the backup, and see that it is one. */
static enum store_rc
restore_open(struct restore *r)
{
	struct db db = { 0 };
	enum store_rc what;
	char uri[URI_MAX];
	int rc;

	if (access(r->backup, R_OK) == -1)
		return (restore_fail(r,
		    errno == ENOENT ? STORE_NOTFOUND : STORE_FAILED,
		    strerror(errno)));
	restore_uri(r->backup, uri);
	rc = sqlite3_open_v2(uri, &r->source,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE,
	    r->s.setup.vfs);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->source, "PRAGMA query_only = ON; BEGIN",
		    NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return (restore_fail_sqlite(r, r->source, rc));
	db.conn = r->source;
	what = schema_of_backup(&r->s, &db, r->backup, r->reason);
	if (what == STORE_OK)
		what = restore_check(r, r->source, "integrity_check");
	return (what);
}

/* What the operator is to know of it. */
static enum store_rc
restore_measure(struct restore *r)
{
	struct db db = { .conn = r->source };
	int rc;

	rc = db_int(&db, "SELECT count(*) FROM events", &r->ret->events);
	if (rc == SQLITE_OK)
		rc = db_int(&db,
		    "SELECT ifnull(max(received_at), 0) FROM events",
		    &r->ret->newest_ms);
	return (
	    rc == SQLITE_OK ? STORE_OK : restore_fail_sqlite(r, r->source, rc));
}

/* Is it a backup, and whole? Changes nothing. */
static enum store_rc
restore_look(struct restore *r)
{
	enum store_rc what = restore_open(r);

	return (what == STORE_OK ? restore_measure(r) : what);
}

/* Copy the open backup to the file at tmp, which is empty. */
static enum store_rc
restore_copy(struct restore *r)
{
	sqlite3_backup *steps;
	int rc;

	rc = sqlite3_open_v2(r->tmp, &r->copy,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    r->s.setup.vfs);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->copy,
		    "PRAGMA locking_mode = EXCLUSIVE;"
		    "PRAGMA journal_mode = OFF;"
		    "PRAGMA synchronous = OFF",
		    NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		steps = sqlite3_backup_init(r->copy, "main", r->source, "main");
		if (steps != NULL) {
			(void)sqlite3_backup_step(steps, -1);
			(void)sqlite3_backup_finish(steps);
		}
		rc = sqlite3_extended_errcode(r->copy);
	}
	if (rc != SQLITE_OK)
		return (restore_fail_sqlite(r, r->copy, rc));
	return (restore_check(r, r->copy, "quick_check"));
}

/* A time that gives free names to the damaged files. */
static int
restore_date(struct restore *r, int fd)
{
	struct timespec times[2] = { { .tv_sec = r->s.now_ms / 1000 },
		{ .tv_sec = r->s.now_ms / 1000 } };
	char to[PATH_MAX];
	struct stat sb;

	for (int i = 0; i < 100; i++) {
		if (futimens(fd, times) == -1 ||
		    restore_aside_name(r->s.path, r->tmp, to) == -1)
			return (-1);
		if (lstat(to, &sb) == -1 && errno == ENOENT)
			return (0);
		times[0].tv_sec = ++times[1].tv_sec;
	}
	errno = EEXIST;
	return (-1);
}

/* Make the copy, and when it is whole give it the name that makes it count. */
static enum store_rc
restore_make(struct restore *r)
{
	enum store_rc what;
	int fd;

	siblings_unlink(r->tmp); /* of a try that was cut short */
	fd = open(r->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return (place_errno(r->tmp, errno, r->reason));
	place_own(r->s.path, fd);
	what = restore_copy(r);
	(void)sqlite3_close(r->copy);
	r->copy = NULL;
	if (what == STORE_OK && (restore_date(r, fd) == -1 || fsync(fd) == -1 ||
				    place_rename(r->tmp, r->whole) == -1 ||
				    place_sync_folder(r->whole) == -1))
		what = place_errno(r->tmp, errno, r->reason);
	(void)close(fd);
	siblings_unlink(r->tmp);
	return (what);
}

/* With the lock: all of it. */
static enum store_rc
restore_run(struct restore *r)
{
	enum store_rc what;
	struct stat sb;

	if ((what = restore_resume(&r->s, r->reason)) != STORE_OK ||
	    (what = restore_look(r)) != STORE_OK ||
	    (what = restore_make(r)) != STORE_OK)
		return (what);
	r->ret->replaced = lstat(r->s.path, &sb) == 0;
	if (restore_finish(r->s.path, r->ret->kept) == -1)
		return (place_errno(r->s.path, errno, r->reason));
	return (STORE_OK);
}

/* Is the backup the store itself, or of its files? */
static bool
restore_is_same(const struct restore *r)
{
	struct stat a, b;

	return (stat(r->backup, &a) == 0 && stat(r->s.path, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

static enum store_rc
restore_prepare(struct restore *r, const char *path)
{
	int n = -1;

	r->s.mode = STORE_SERVE;
	if ((r->s.path = place_real(path)) == NULL ||
	    asprintf(&r->s.lock_path, "%s.lock", r->s.path) == -1) {
		r->s.lock_path = NULL;
		return (restore_fail(r, STORE_FAILED, "out of memory"));
	}
	if (restore_pending_name(r->s.path, r->whole) == 0)
		n = snprintf(r->tmp, sizeof(r->tmp), "%s.tmp", r->whole);
	if (n < 0 || (size_t)n >= sizeof(r->tmp))
		return (place_errno(r->s.path, ENAMETOOLONG, r->reason));
	if (restore_is_same(r))
		return (
		    restore_fail(r, STORE_EXISTS, "is the store's own file"));
	return (lock_take(&r->s, r->reason));
}

enum store_rc
restore_store(const struct store_restore *what, struct store_restored *ret,
    char *reason)
{
	struct restore *r;
	enum store_rc rc;

	memset(ret, 0, sizeof(*ret));
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX, "out of memory");
		return (STORE_FAILED);
	}
	r->backup = what->backup;
	r->ret = ret;
	r->reason = reason;
	r->s.now_ms = what->now_ms;
	r->s.lock_fd = r->s.file_fd = -1;
	if (what->only_check)
		rc = restore_look(r);
	else if ((rc = restore_prepare(r, what->url)) == STORE_OK)
		rc = restore_run(r);
	(void)sqlite3_close(r->source);
	(void)snprintf(ret->path, sizeof(ret->path), "%s",
	    r->s.path == NULL ? "" : r->s.path);
	lock_release(&r->s);
	free(r->s.lock_path);
	free(r->s.path);
	free(r);
	return (rc);
}
