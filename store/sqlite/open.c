/*
 * Opening: the lock first, then the file, then its schema, then the reader.
 * A failure is reported with the name of the file and what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

/* Make a whole store at path, and give it its name. */
static enum store_rc
open_make_as(const struct sqlite_store *s, const char *path, char *reason)
{
	const struct db none = { 0 };
	enum store_rc what = STORE_OK;
	int fd, rc;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return (place_errno(s->path, errno, reason));
	place_own(s->path, fd);
	if ((rc = schema_write(s, path)) != SQLITE_OK)
		what = db_reason(&none, s, rc, reason);
	else if (fsync(fd) == -1 || rename(path, s->path) == -1 ||
		 place_sync_folder(s->path) == -1)
		what = place_errno(s->path, errno, reason);
	(void)close(fd);
	return (what);
}

/*
 * The first start. The file is made under another name, and renamed when it is
 * whole: power may fail, and one sync does for all of it. It has its mode from
 * the start; SQLite gives the same to the files beside it.
 */
static enum store_rc
open_make(const struct sqlite_store *s, char *reason)
{
	enum store_rc what;
	char *path;

	if (asprintf(&path, "%s.new", s->path) == -1) {
		(void)snprintf(reason, STORE_REASON_MAX, "%s: out of memory",
		    s->path);
		return (STORE_FAILED);
	}
	siblings_unlink(path); /* an earlier try's */
	what = open_make_as(s, path, reason);
	if (what != STORE_OK)
		siblings_unlink(path);
	free(path);
	return (what);
}

static enum store_rc
open_create(struct sqlite_store *s, bool *ret_created, char *reason)
{
	enum store_rc what;
	struct stat sb;

	*ret_created = lstat(s->path, &sb) == -1 && errno == ENOENT;
	if (*ret_created) {
		what =
		    siblings_orphans(s, "the database was not there", reason);
		if (what == STORE_OK)
			what = open_make(s, reason);
		return (what == STORE_OK ? lock_made(s, reason) : what);
	}
	if (!*ret_created && sb.st_size == 0 &&
	    (what = siblings_orphans(s, "the database was empty", reason)) !=
		STORE_OK)
		return (what);
	if (faccessat(AT_FDCWD, s->path, R_OK | W_OK, AT_EACCESS) == -1)
		return (place_errno(s->path, errno, reason));
	return (STORE_OK);
}

/* A log with something in it: nobody closed the store. */
static bool
open_is_unclean(const struct sqlite_store *s)
{
	char *wal = NULL;
	struct stat sb;
	bool unclean;

	if (asprintf(&wal, "%s-wal", s->path) == -1)
		return (true);
	unclean = stat(wal, &sb) == 0 && sb.st_size > 0;
	free(wal);
	return (unclean);
}

/*
 * Is there a store, for a mode that makes none? Beside an empty file SQLite
 * would delete the log, also when it only reads.
 */
static enum store_rc
open_find(const struct sqlite_store *s, char *reason)
{
	struct stat sb;

	if (stat(s->path, &sb) == 0) {
		if (sb.st_size > 0 || !siblings_hold_data(s->path))
			return (STORE_OK);
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: is empty, but its log %s-wal is not; put the database "
		    "back, or run klikitd restore BACKUP",
		    s->path, s->path);
		return (STORE_NOTADB);
	}
	if (errno != ENOENT)
		return (STORE_OK);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: there is no such store; name another one, or start the "
	    "server to create it",
	    s->path);
	return (STORE_NOTFOUND);
}

/* End a restore that was cut short; the file is another one then. */
static enum store_rc
open_resume(struct sqlite_store *s, char *reason)
{
	enum store_rc what;

	if (!restore_is_pending(s->path))
		return (STORE_OK);
	if ((what = restore_resume(s, reason)) != STORE_OK)
		return (what);
	lock_leave_file(s);
	return (lock_made(s, reason));
}

/*
 * Nobody closed the store. Its log is copied before anything else, but not
 * before we know that it is ours.
 */
static enum store_rc
open_unclean(struct sqlite_store *s, char *reason)
{
	enum store_rc what;
	int rc;

	if ((rc = db_open(&s->writer, s, DB_WRITER)) != SQLITE_OK)
		what = db_reason(&s->writer, s, rc, reason);
	else
		what = schema_allows(s, &s->writer, reason);
	db_leave(&s->writer);
	return (what == STORE_OK ? recover_run(s, reason) : what);
}

static enum store_rc
open_files(struct sqlite_store *s, char *reason)
{
	enum store_rc what = STORE_OK;
	int rc;

	/* Commits that do not sync the log must not hold back any of it. */
	rc = disk_init(&s->disk, s->setup.vfs, !s->setup.sync_normal);
	if (rc != SQLITE_OK)
		return (db_reason(&s->writer, s, rc, reason));
	/* To copy the log takes its time: a server listens meanwhile. */
	if (s->unclean && s->mode == STORE_SERVE && schema_is_present(s)) {
		atomic_store(&s->disk.failed, true);
		return (STORE_OK);
	}
	if (s->unclean)
		what = open_unclean(s, reason);
	return (what == STORE_OK ? connect_all(s, reason) : what);
}

static enum store_rc
open_write(struct sqlite_store *s, char *reason)
{
	enum store_rc what;
	bool created;

	if (s->mode == STORE_CHANGE && s->moving != STORE_MOVING_TO &&
	    !restore_is_pending(s->path) &&
	    (what = open_find(s, reason)) != STORE_OK)
		return (what);
	if ((what = lock_take(s, reason)) != STORE_OK ||
	    (what = open_resume(s, reason)) != STORE_OK)
		return (what);
	if (s->file_fd != -1 && open_is_unclean(s) &&
	    (what = siblings_foreign(s, reason)) != STORE_OK)
		return (what);
	s->unclean = open_is_unclean(s) || check_is_due(s);
	if ((what = open_create(s, &created, reason)) == STORE_OK &&
	    (what = open_files(s, reason)) == STORE_OK)
		return (STORE_OK);
	if (created) {
		connect_leave(s);
		siblings_unlink(s->path);
	} else if (s->mode == STORE_SERVE && s->disk.lower != NULL &&
		   (what == STORE_FULL ||
		       (what == STORE_NOTADB && schema_is_present(s)))) {
		/*
		 * A server answers 503, and goes on when there is space, or
		 * when it is repaired.
		 */
		connect_leave(s);
		atomic_store(&s->disk.failed, true);
		store_note(s->st, STORE_NOTE_WARN, "%s", reason);
		return (STORE_OK);
	}
	return (what);
}

static enum store_rc
open_read(struct sqlite_store *s, char *reason)
{
	enum store_rc what;
	int rc;

	if (restore_is_pending(s->path)) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: a restore was cut short; start klikitd, or run "
		    "klikitd restore BACKUP again, to complete it",
		    s->path);
		return (STORE_FAILED);
	}
	if ((what = open_find(s, reason)) != STORE_OK)
		return (what);
	if (faccessat(AT_FDCWD, s->path, R_OK, AT_EACCESS) == -1) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: cannot be read (%s); run as a user who may read it",
		    s->path, strerror(errno));
		return (STORE_FAILED);
	}
	s->unclean = open_is_unclean(s);
	if ((rc = db_open(&s->reader, s, DB_READER)) != SQLITE_OK)
		return (db_reason(&s->reader, s, rc, reason));
	return (schema_prepare(s, reason));
}

static enum store_rc
open_once(const struct store_place *place, struct sqlite_store **ret_s,
    char *reason)
{
	const struct store_sqlite_setup *setup = place->arg;
	struct sqlite_store *s;
	enum store_rc what;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		goto nomem;
	s->lock_fd = s->file_fd = -1;
	s->st = place->st;
	s->now_ms = place->now_ms;
	(void)snprintf(s->receiver, sizeof(s->receiver), "%s", place->receiver);
	(void)snprintf(s->version, sizeof(s->version), "%s", place->version);
	s->mode = place->mode;
	s->moving = place->moving;
	(void)pthread_mutex_init(&s->mutex, NULL);
	if (setup != NULL)
		s->setup = *setup;
	if ((s->path = place_real(place->path)) == NULL ||
	    asprintf(&s->lock_path, "%s.lock", s->path) == -1) {
		s->lock_path = NULL;
		goto nomem;
	}
	what = s->mode != STORE_READ ? open_write(s, reason)
				     : open_read(s, reason);
	if (what == STORE_OK)
		*ret_s = s;
	else
		backend_close(s);
	return (what);
nomem:
	backend_close(s);
	(void)snprintf(reason, STORE_REASON_MAX, "%s: out of memory",
	    place->path);
	return (STORE_FAILED);
}

/* Use the reserve of a store that could not be opened. */
static bool
open_release(const struct store_place *place)
{
	struct sqlite_store s = { .path = place_real(place->path) };
	bool released = s.path != NULL && reserve_release(&s);

	free(s.path);
	return (released);
}

enum store_rc
backend_open(const struct store_place *place, void **ret_be, char *reason)
{
	struct sqlite_store *s;
	enum store_rc what;
	bool released = false;

	what = open_once(place, &s, reason);
	if (what == STORE_FULL && place->mode != STORE_READ &&
	    (released = open_release(place)))
		what = open_once(place, &s, reason);
	if (what != STORE_OK)
		return (what);
	if (released)
		reserve_refill(s);
	else if (place->mode == STORE_SERVE)
		reserve_keep(s);
	if (s->writer.conn != NULL)
		checkpoint_soon(s, reserve_is_near(s));
	*ret_be = s;
	return (STORE_OK);
}

/*
 * The names lead to other files, which SQLite would write to; or what is in
 * the log may not be on disk: then nothing may be copied.
 */
static bool
open_must_leave(struct sqlite_store *s)
{
	return (atomic_load(&s->moved) || atomic_load(&s->disk.failed));
}

void
backend_close(struct sqlite_store *s)
{
	if (s == NULL)
		return;
	/*
	 * Another program may have the file open, and then SQLite leaves the
	 * log: an empty one, else the next start would have to recover it.
	 */
	if (s->writer.conn != NULL && !open_must_leave(s))
		(void)scrub_log(s, SQLITE_CHECKPOINT_TRUNCATE);
	if (open_must_leave(s))
		connect_leave(s);
	db_close(&s->copier);
	db_close(&s->reader);
	/* The last to close: it checkpoints and takes the log away. */
	db_close(&s->writer);
	disk_fini(&s->disk);
	(void)pthread_mutex_destroy(&s->mutex);
	lock_release(s);
	free(s->lock_path);
	free(s->path);
	free(s);
}
