/*
 * The siblings of a database: -wal, -shm and -journal. SQLite takes any file
 * of that name for the database's own: it plays a log into a database that it
 * never belonged to, and deletes one that lies beside an empty file. Their
 * content may be acknowledged events that are nowhere else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

#define SIBLINGS_TRIES 100 /* names for one and the same second */

static const char *const ends[] = { "-wal", "-journal", "-shm" };
#define NENDS (sizeof(ends) / sizeof(ends[0]))

/* Is there such a file with something in it? */
static bool
siblings_has(const char *path, const char *end)
{
	char *name = NULL;
	struct stat sb;
	bool has;

	if (asprintf(&name, "%s%s", path, end) == -1)
		return (false);
	has = lstat(name, &sb) == 0 && sb.st_size > 0;
	free(name);
	return (has);
}

bool
siblings_hold_data(const char *path)
{
	return (siblings_has(path, "-wal") || siblings_has(path, "-journal"));
}

/* Rename PATH and end to TO and end; that there is none is no failure. */
static int
siblings_move(const char *path, const char *to, const char *end)
{
	char *from = NULL, *name = NULL;
	int rc = -1;

	if (asprintf(&from, "%s%s", path, end) == -1)
		return (-1);
	if (asprintf(&name, "%s%s", to, end) == -1)
		name = NULL;
	else if ((rc = place_rename(from, name)) == -1 && errno == ENOENT)
		rc = 0;
	free(name);
	free(from);
	return (rc);
}

/* Is nothing there of that name, nor beside it? */
static bool
siblings_is_free(const char *to)
{
	struct stat sb;
	char *name;
	bool is_free = lstat(to, &sb) == -1 && errno == ENOENT;

	for (size_t i = 0; i < NENDS && is_free; i++) {
		if (asprintf(&name, "%s%s", to, ends[i]) == -1)
			return (false);
		is_free = lstat(name, &sb) == -1 && errno == ENOENT;
		free(name);
	}
	return (is_free);
}

/*
 * A free name PATH.WORD-TIME for a database that is put aside, with room for
 * its siblings' ends. Returns 0, or -1 with errno.
 */
static int
siblings_name(const char *path, const char *word, int64_t now_ms,
    char ret_to[PATH_MAX])
{
	char stamp[PLACE_STAMP_MAX];
	int n;

	place_stamp(now_ms, stamp);
	for (int i = 1; i <= SIBLINGS_TRIES; i++) {
		n = i == 1 ? snprintf(ret_to, PATH_MAX, "%s.%s-%s", path, word,
				 stamp)
			   : snprintf(ret_to, PATH_MAX, "%s.%s-%s.%d", path,
				 word, stamp, i);
		if (n < 0 || n >= PATH_MAX - 16)
			break;
		if (siblings_is_free(ret_to))
			return (0);
	}
	errno = ENAMETOOLONG;
	return (-1);
}

int
siblings_aside(const char *path, const char *to)
{
	for (size_t i = 0; i < NENDS; i++)
		if (siblings_move(path, to, ends[i]) == -1)
			return (-1);
	return (place_sync_folder(path));
}

enum store_rc
siblings_orphans(struct sqlite_store *s, const char *what, char *reason)
{
	char to[PATH_MAX];

	if (!siblings_hold_data(s->path))
		return (STORE_OK);
	if (siblings_name(s->path, "aside", s->now_ms, to) == -1 ||
	    siblings_aside(s->path, to) == -1)
		return (place_errno(s->path, errno, reason));
	store_note(s->st, STORE_NOTE_WARN,
	    "%s: %s, but its log was: it may hold acknowledged events, and "
	    "was kept as %s-wal; a new, empty store is made. If that is wrong, "
	    "stop klikitd and put the database back with its log, or run "
	    "klikitd restore BACKUP",
	    s->path, what, to);
	return (STORE_OK);
}

enum store_rc
siblings_foreign(struct sqlite_store *s, char *reason)
{
	char log[PATH_MAX], to[PATH_MAX];

	(void)snprintf(log, sizeof(log), "%s-wal", s->path);
	if (log_fits(s->file_fd, log))
		return (STORE_OK);
	if (siblings_name(s->path, "aside", s->now_ms, to) == -1 ||
	    siblings_aside(s->path, to) == -1)
		return (place_errno(s->path, errno, reason));
	store_note(s->st, STORE_NOTE_WARN,
	    "%s: the log beside it is not its own: it belongs to a newer or "
	    "another database. It may hold acknowledged events, and was kept "
	    "as %s-wal. If this is an older copy, stop klikitd and put the "
	    "newer one back with that log",
	    s->path, to);
	return (STORE_OK);
}

void
siblings_unlink(const char *path)
{
	char *name;

	(void)unlink(path);
	for (size_t i = 0; i < NENDS; i++) {
		if (asprintf(&name, "%s%s", path, ends[i]) == -1)
			return;
		(void)unlink(name);
		free(name);
	}
}
