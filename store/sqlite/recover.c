/*
 * After a failed write or sync, and after a stop that closed nothing: nobody
 * knows what of the files is on disk. What the system shows of them may be
 * gone with the power, and a later sync that passes does not bring it there:
 * the system believes that it has written those pages.
 *
 * So what is needed is written anew, all of it, with no connection open:
 *
 *  1. From the log is cut what no sync has covered: its commits were answered
 *     with a failure.
 *  2. The log is written over with itself, and synced. Now it is on disk as we
 *     read it. Else, should power fail in what follows, a part of it would be
 *     played over a database that has pages of all of it.
 *  3. All of the log is copied to the database, that is synced, and then the
 *     log is truncated. The connection is an exclusive one: it finds out from
 *     the log itself what is in it, and does not believe the shared memory,
 *     which counts pages as copied that may be lost. It cannot be opened
 *     beside another one, which would go on believing that.
 *
 * The log starts over only when the database was synced with all of it, so a
 * page of the database that may be lost is always in the log still.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store/sqlite/sqlite.h"

#define CHUNK ((size_t)64 * 1024) /* SQLite's unix layer takes < 128 KB */
#define BUSY_MS 100               /* the caller tries again */

static const char setup[] = "PRAGMA locking_mode = EXCLUSIVE;"
			    "PRAGMA wal_autocheckpoint = 0;"
			    "PRAGMA synchronous = FULL";

/* The log's file, past SQLite's connections. */
struct recover_log {
	char *path;
	sqlite3_file *file; /* NULL: there is no log */
};

static void
recover_close_log(struct recover_log *log)
{
	if (log->file != NULL && log->file->pMethods != NULL)
		(void)log->file->pMethods->xClose(log->file);
	free(log->file);
	free(log->path);
}

static int
recover_open_log(const struct sqlite_store *s, struct recover_log *log)
{
	sqlite3_vfs *vfs = s->disk.lower;
	struct stat sb;
	int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE;

	/* SQLite wants more than one zero at the end of a name. */
	if ((log->path = calloc(1, strlen(s->path) + 8)) == NULL)
		return (SQLITE_NOMEM);
	(void)strcat(strcpy(log->path, s->path), "-wal");
	if (stat(log->path, &sb) == -1)
		return (errno == ENOENT ? SQLITE_OK : SQLITE_CANTOPEN);
	if ((log->file = calloc(1, (size_t)vfs->szOsFile)) == NULL)
		return (SQLITE_NOMEM);
	return (vfs->xOpen(vfs, log->path, log->file, flags, NULL));
}

/* Write the first len bytes over with themselves. */
static int
recover_write_over(sqlite3_file *file, int64_t len)
{
	const sqlite3_io_methods *io = file->pMethods;
	unsigned char *buf;
	int rc = SQLITE_OK;
	int n;

	if ((buf = malloc(CHUNK)) == NULL)
		return (SQLITE_NOMEM);
	for (int64_t at = 0; at < len && rc == SQLITE_OK; at += n) {
		n = len - at < (int64_t)CHUNK ? (int)(len - at) : (int)CHUNK;
		if ((rc = io->xRead(file, buf, n, at)) == SQLITE_OK)
			rc = io->xWrite(file, buf, n, at);
	}
	free(buf);
	return (rc);
}

/* Steps 1 and 2. */
static int
recover_log(const struct sqlite_store *s)
{
	struct recover_log log = { 0 };
	sqlite3_int64 len = 0;
	int rc;

	rc = recover_open_log(s, &log);
	if (rc == SQLITE_OK && log.file != NULL) {
		rc = log.file->pMethods->xFileSize(log.file, &len);
		if (rc == SQLITE_OK && len > s->disk.unsynced) {
			len = s->disk.unsynced;
			rc = log.file->pMethods->xTruncate(log.file, len);
		}
		if (rc == SQLITE_OK)
			rc = recover_write_over(log.file, len);
		if (rc == SQLITE_OK)
			rc = log.file->pMethods->xSync(log.file,
			    SQLITE_SYNC_NORMAL);
	}
	recover_close_log(&log);
	return (rc);
}

/* Step 3. */
static int
recover_copy(const struct sqlite_store *s, struct db *db)
{
	int64_t tables;
	int rc;

	rc = sqlite3_open_v2(s->path, &db->conn,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    s->setup.vfs);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db->conn, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->conn, setup, NULL, NULL, NULL);
	/* The first access takes the lock and reads the log. */
	if (rc == SQLITE_OK)
		rc = db_int(db, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc == SQLITE_OK)
		rc = sqlite3_wal_checkpoint_v2(db->conn, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return (rc);
}

/*
 * Who has the database open, by the system's list of locks: our own would go
 * if we opened the file to ask for them. Returns 0 if that cannot be known.
 */
static long
recover_holder(const struct sqlite_store *s)
{
	char line[256], want[64];
	struct stat sb;
	long found = 0, pid;
	FILE *in;

	if (stat(s->path, &sb) == -1 ||
	    (in = fopen("/proc/locks", "re")) == NULL)
		return (0);
	(void)snprintf(want, sizeof(want), " %02x:%02x:%llu ", major(sb.st_dev),
	    minor(sb.st_dev), (unsigned long long)sb.st_ino);
	while (found == 0 && fgets(line, sizeof(line), in) != NULL) {
		if (strstr(line, want) != NULL &&
		    sscanf(line, "%*s POSIX %*s %*s %ld", &pid) == 1)
			found = pid;
	}
	(void)fclose(in);
	return (found);
}

/* Another process is in the way: name it. */
static enum store_rc
recover_busy(const struct sqlite_store *s, char *reason)
{
	char path[64], name[32] = "";
	long pid = recover_holder(s);
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	if (pid > 0 && (in = fopen(path, "re")) != NULL) {
		if (fgets(name, sizeof(name), in) != NULL)
			name[strcspn(name, "\n")] = '\0';
		(void)fclose(in);
	}
	if (name[0] != '\0')
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: its log cannot be copied while process %ld (%s) has "
		    "it open; end that",
		    s->path, pid, name);
	else
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: its log cannot be copied while another process has "
		    "it open; end that",
		    s->path);
	return (STORE_BUSY);
}

enum store_rc
recover_run(struct sqlite_store *s, char *reason)
{
	enum store_rc what = STORE_OK;
	struct db db = { 0 };
	int rc;

	if (s->setup.no_recovery) {
		atomic_store(&s->disk.failed, false);
		return (STORE_OK);
	}
	atomic_store(&s->disk.failed, true); /* until it is done */
	if ((rc = recover_log(s)) == SQLITE_OK)
		rc = recover_copy(s, &db);
	if (rc != SQLITE_OK)
		what = db_reason(&db, s, rc, reason);
	db_leave(&db);
	if (what == STORE_BUSY)
		return (recover_busy(s, reason));
	if (what != STORE_OK)
		return (what);
	if (place_sync_folder(s->path) == -1)
		return (place_errno(s->path, errno, reason));
	s->disk.unsynced = DISK_SYNCED;
	atomic_store(&s->disk.failed, false);
	/* What scrubbing wrote may be lost too, though it looks clean. */
	scrub_forget(s);
	s->scrub_all = true;
	return (STORE_OK);
}
