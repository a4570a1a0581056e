/*
 * The locks that keep a second server out. Each alone can be got around: the
 * one on PATH.lock by another name of the same file (a hard link, a bind
 * mount), the one on the file itself by a first start, which has no file yet.
 *
 * The lock on the file is one of an open file description (F_OFD_SETLK), on a
 * byte that SQLite does not use: it collides with none of SQLite's. But its
 * descriptor must stay open until SQLite has closed: closing any descriptor
 * of a file drops all POSIX locks that the process has on it, SQLite's too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

/*
 * A server that was killed while it started a program has left its lock with
 * the child, for the ms until that has become the program. And one that is
 * stopping may be replaced already.
 */
#define LOCK_WAIT_MS 2000
#define LOCK_PAUSE_MS 10

/* SQLite's bytes are the 512 from 0x40000000 on. */
#define LOCK_BYTE 0x40001000

/* Is that descriptor the file of that name? */
static bool
lock_is_file(int fd, const char *path)
{
	struct stat a, b;

	return (fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* Give up a descriptor; errno stays. */
static int
lock_fail(int *inout_fd)
{
	int err = errno;

	if (*inout_fd != -1)
		(void)close(*inout_fd);
	*inout_fd = -1;
	errno = err;
	return (-1);
}

/*
 * Lock PATH.lock once. Returns 0, or -1 with errno; EWOULDBLOCK: it is held,
 * and stays open for the next try.
 */
static int
lock_name(struct sqlite_store *s)
{
	if (s->lock_fd == -1)
		s->lock_fd = open(s->lock_path,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd == -1)
		return (-1);
	place_own(s->path, s->lock_fd);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == -1)
		return (errno == EWOULDBLOCK ? -1 : lock_fail(&s->lock_fd));
	if (lock_is_file(s->lock_fd, s->lock_path))
		return (0);
	errno = EWOULDBLOCK; /* removed meanwhile: make it anew */
	return (lock_fail(&s->lock_fd));
}

/* Lock the file itself once, as lock_name(). No file: nothing to lock. */
static int
lock_file(struct sqlite_store *s)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BYTE,
		.l_len = 1 };

	if (s->file_fd == -1)
		s->file_fd = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (s->file_fd == -1)
		return (errno == ENOENT ? 0 : -1);
	if (fcntl(s->file_fd, F_OFD_SETLK, &lock) == -1) {
		if (errno != EACCES && errno != EAGAIN)
			return (lock_fail(&s->file_fd));
		errno = EWOULDBLOCK;
		return (-1);
	}
	if (lock_is_file(s->file_fd, s->path))
		return (0);
	errno = EWOULDBLOCK; /* replaced meanwhile */
	return (lock_fail(&s->file_fd));
}

/* Try to get a lock, for as long as one that is going away may take. */
static int
lock_wait(struct sqlite_store *s, int (*take)(struct sqlite_store *s),
    unsigned *inout_ms)
{
	static const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000 };
	int rc;

	while ((rc = take(s)) == -1 && errno == EWOULDBLOCK && *inout_ms > 0) {
		(void)nanosleep(&pause, NULL);
		*inout_ms -= LOCK_PAUSE_MS;
	}
	return (rc);
}

/* Why a lock was not taken; path is the file that it is on. */
static enum store_rc
lock_reason(const struct sqlite_store *s, const char *path, char *reason)
{
	if (errno != EWOULDBLOCK)
		return (place_errno(path, errno, reason));
	(void)snprintf(reason, STORE_REASON_MAX,
	    path == s->path
		? "%s: another klikitd holds this file under another name; "
		  "stop it or use another store"
		: "%s: another klikitd holds the lock %s; stop it or use "
		  "another store",
	    s->path, s->lock_path);
	return (STORE_BUSY);
}

enum store_rc
lock_take(struct sqlite_store *s, char *reason)
{
	unsigned most_ms = s->mode == STORE_SERVE ? LOCK_WAIT_MS : 0;
	unsigned left_ms;

	if (s->setup.lock_ms != 0 && most_ms != 0)
		most_ms = s->setup.lock_ms;
	left_ms = most_ms;
	if (lock_wait(s, lock_name, &left_ms) == -1)
		return (lock_reason(s, s->lock_path, reason));
	if (lock_wait(s, lock_file, &left_ms) == -1)
		return (lock_reason(s, s->path, reason));
	if (left_ms < most_ms && s->st != NULL)
		store_note(s->st, STORE_NOTE_INFO,
		    "%s: another klikitd held the lock; got it after %u ms",
		    s->path, most_ms - left_ms);
	return (STORE_OK);
}

enum store_rc
lock_made(struct sqlite_store *s, char *reason)
{
	if (lock_file(s) == 0 && s->file_fd != -1)
		return (STORE_OK);
	return (lock_reason(s, s->path, reason));
}

/*
 * It is not what keeps others out while the file is locked, but the first
 * start of one at a name from which the file was moved away goes by it.
 */
void
lock_renew(struct sqlite_store *s)
{
	int old = s->lock_fd;

	if (lock_is_file(old, s->lock_path))
		return;
	s->lock_fd = -1;
	if (lock_name(s) == 0) {
		(void)close(old);
		store_note(s->st, STORE_NOTE_WARN,
		    "%s: was removed or replaced; it is made again: it keeps a "
		    "second klikitd out, so leave it there",
		    s->lock_path);
		return;
	}
	if (s->lock_fd != -1)
		(void)close(s->lock_fd);
	s->lock_fd = old;
}

void
lock_leave_file(struct sqlite_store *s)
{
	if (s->file_fd != -1)
		(void)close(s->file_fd);
	s->file_fd = -1;
}

void
lock_release(struct sqlite_store *s)
{
	lock_leave_file(s);
	if (s->lock_fd != -1)
		(void)close(s->lock_fd);
	s->lock_fd = -1;
}
