/*
 * Whether the files that are open are still the ones that their names lead to.
 * Commits into a file that was deleted or replaced succeed like any others,
 * and are gone with the process.
 *
 * A look is one stat() for each name; the writer has one made at most a few
 * times a second, after a commit and before its answer, and when it is idle.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

static const char *const ends
    [] = { [WATCH_FILE] = "", [WATCH_LOG] = "-wal", [WATCH_INDEX] = "-shm" };

/* stat() of PATH and end. Returns 0, or -1 with errno. */
static int
watch_stat(const struct sqlite_store *s, enum watch_part part,
    struct stat *ret_sb)
{
	char name[PATH_MAX];
	int n;

	n = snprintf(name, sizeof(name), "%s%s", s->path, ends[part]);
	if (n < 0 || n >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	return (stat(name, ret_sb));
}

void
watch_begin(struct sqlite_store *s)
{
	struct stat sb;
	int rc;

	for (int i = 0; i < WATCH_PARTS; i++) {
		rc = i == WATCH_FILE ? fstat(s->file_fd, &sb)
				     : watch_stat(s, (enum watch_part)i, &sb);
		s->watched[i].known = rc == 0;
		s->watched[i].dev = sb.st_dev;
		s->watched[i].ino = sb.st_ino;
	}
}

/* Is the open file still under its name? If not, errno; 0: another is. */
static bool
watch_is_same(const struct sqlite_store *s, enum watch_part part)
{
	const struct watched *w = &s->watched[part];
	struct stat sb;

	if (!w->known)
		return (true);
	if (watch_stat(s, part, &sb) == -1)
		return (false);
	errno = 0;
	return (sb.st_dev == w->dev && sb.st_ino == w->ino);
}

static void
watch_reason(const struct sqlite_store *s, enum watch_part part, char *reason)
{
	const char *what;

	if (errno == 0)
		what = "another file has taken its name";
	else if (errno == ENOENT || errno == ENOTDIR)
		what = "was deleted or moved away";
	else
		what = strerror(errno);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s%s: %s while klikitd serves from it; put it back and it goes "
	    "on, else stop klikitd and run klikitd restore",
	    s->path, ends[part], what);
}

enum store_rc
watch_look(struct sqlite_store *s, char *reason)
{
	lock_renew(s);
	for (int i = 0; i < WATCH_PARTS; i++) {
		if (watch_is_same(s, (enum watch_part)i))
			continue;
		watch_reason(s, (enum watch_part)i, reason);
		atomic_store(&s->moved, true);
		return (STORE_MOVED);
	}
	atomic_store(&s->moved, false);
	return (STORE_OK);
}
