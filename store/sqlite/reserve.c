/*
 * The reserve: PATH.reserve, a file of nothing that has its blocks. On a full
 * disk even deleting needs space, for the log: a purge, or a start, takes what
 * the reserve gives back, and what is left is set aside again at once, so that
 * no delivery uses it up.
 *
 * The log must be copied before anything else, and the database grows by what
 * is in it: so when little is free it is copied much earlier, while it is a
 * part of the reserve.
 *
 * And new events are not taken any more before the disk is full: there are
 * others who write to it, and what is stored has yet to be worked off, with its
 * outcomes. The floor, too, is a share of a small disk.
 *
 * RESERVE_MOST is what a purge of an event with the largest body of the
 * default settings writes to the log (its pages are overwritten), several
 * times over; of a small disk it is a share, and never the last of it.
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

#define RESERVE_MOST ((int64_t)8 << 20)
#define RESERVE_LEAST ((int64_t)64 << 10)
#define RESERVE_SHARE 16 /* of the whole disk: one part in so many */
#define RESERVE_NEAR ((int64_t)512 << 20) /* free: the log is kept short */
#define RESERVE_ROOM 2 /* times its size must be free for it to be made */
#define FLOOR_MOST ((int64_t)64 << 20)
#define FLOOR_SHARE 16 /* of the whole disk: one part in so many */
#define FLOOR_STEP 4   /* one part in so many more ends it, lest it flicker */

static int
reserve_name(const struct sqlite_store *s, char ret_name[PATH_MAX])
{
	int n = snprintf(ret_name, PATH_MAX, "%s.reserve", s->path);

	return (n < 0 || n >= PATH_MAX ? -1 : 0);
}

/* What the file at that name holds of the disk; 0: it is not there. */
static int64_t
reserve_held(const char *name)
{
	struct stat sb;

	if (lstat(name, &sb) == -1 || !S_ISREG(sb.st_mode))
		return (0);
	return (
	    sb.st_blocks * 512 < sb.st_size ? sb.st_blocks * 512 : sb.st_size);
}

/* Where blocks cannot be asked for they are written, with what no file system
 * can make smaller. */
static int
reserve_write(int fd, int64_t from, int64_t size)
{
	uint64_t block[512], x = 0x9e3779b97f4a7c15;

	for (int64_t at = from; at < size; at += (int64_t)sizeof(block)) {
		for (size_t i = 0; i < 512; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			block[i] = x;
		}
		if (pwrite(fd, block, sizeof(block), at) !=
		    (ssize_t)sizeof(block))
			return (-1);
	}
	return (fsync(fd));
}

/* Make the file at name that large. Returns 0, or -1. */
static int
reserve_grow(const struct sqlite_store *s, const char *name, int64_t size)
{
	int64_t held = reserve_held(name);
	int fd, rc;

	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return (-1);
	place_own(s->path, fd);
	rc = fallocate(fd, 0, 0, size);
	if (rc == -1 && (errno == EOPNOTSUPP || errno == ENOSYS))
		rc = reserve_write(fd, held, size);
	if (rc == -1 && ftruncate(fd, held) == -1)
		rc = -1; /* more than wanted is kept; it is measured again */
	(void)close(fd);
	return (rc);
}

/* How large it is to be; room: what must be free, in sizes of it. */
static int64_t
reserve_size(const struct sqlite_store *s, int64_t held, int64_t room)
{
	struct statvfs fs;
	int64_t size, left;

	if (statvfs(s->path, &fs) == -1)
		return (0);
	size = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize / RESERVE_SHARE;
	left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize + held;
	if (size > RESERVE_MOST)
		size = RESERVE_MOST;
	if (size > left / room)
		size = left / room;
	size -= size % 4096;
	return (size < RESERVE_LEAST ? 0 : size);
}

static void
reserve_make(struct sqlite_store *s, int64_t room)
{
	char name[PATH_MAX];
	int64_t held, size;

	if (reserve_name(s, name) == -1)
		return;
	held = reserve_held(name);
	size = reserve_size(s, held, room);
	while (size > held && reserve_grow(s, name, size) == -1)
		size = (size / 2) - (size / 2) % 4096;
	s->reserve_bytes = reserve_held(name);
	s->reserve_due =
	    s->reserve_bytes < reserve_size(s, RESERVE_MOST * 2, 1);
}

void
reserve_keep(struct sqlite_store *s)
{
	reserve_make(s, RESERVE_ROOM);
}

void
reserve_refill(struct sqlite_store *s)
{
	reserve_make(s, 1);
}

void
reserve_share(struct sqlite_store *s)
{
	struct statvfs fs;

	if (statvfs(s->path, &fs) == -1 ||
	    (int64_t)fs.f_bavail * (int64_t)fs.f_frsize >= s->reserve_bytes)
		return;
	(void)reserve_release(s);
	reserve_keep(s);
}

bool
reserve_is_near(const struct sqlite_store *s)
{
	struct statvfs fs;

	return (statvfs(s->path, &fs) == 0 &&
		(int64_t)fs.f_bavail * (int64_t)fs.f_frsize < RESERVE_NEAR);
}

int64_t
reserve_floor(const struct statvfs *fs)
{
	int64_t share =
	    (int64_t)fs->f_blocks * (int64_t)fs->f_frsize / FLOOR_SHARE;

	return (share < FLOOR_MOST ? share : FLOOR_MOST);
}

/* What a purge has left free within the file, which does not shrink. */
static int64_t
reserve_within(struct sqlite_store *s)
{
	int64_t pages = 0, size = 0;

	if (s->writer.conn == NULL ||
	    db_int(&s->writer, "PRAGMA freelist_count", &pages) != SQLITE_OK ||
	    db_int(&s->writer, "PRAGMA page_size", &size) != SQLITE_OK)
		return (0);
	return (pages * size);
}

bool
reserve_is_low(struct sqlite_store *s, char *reason)
{
	struct statvfs fs;
	int64_t floor, least, left;

	if (statvfs(s->path, &fs) == -1)
		return (s->low);
	floor = reserve_floor(&fs);
	least = floor + (s->low ? floor / FLOOR_STEP : 0);
	left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	s->low = left < least && left + reserve_within(s) < least;
	if (s->low)
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: %lld KiB are free, and no event is taken below "
		    "%lld KiB",
		    s->path, (long long)(left / 1024),
		    (long long)(floor / 1024));
	return (s->low);
}

bool
reserve_release(struct sqlite_store *s)
{
	char name[PATH_MAX];

	if (reserve_name(s, name) == -1 || reserve_held(name) == 0 ||
	    unlink(name) == -1)
		return (false);
	s->reserve_due = true;
	/* What was freed may be used when the file system has noted it. */
	(void)place_sync_folder(name);
	return (true);
}
