/*
 * The log's file: what SQLite writes frame by frame, two writes for each page,
 * is gathered into long runs. It also notes up to where the log was synced:
 * after a failure the log is cut there.
 *
 * Why it is safe: with synchronous=FULL SQLite syncs a commit's frames before
 * it announces them to others in the shared memory, and the sync first writes
 * what was gathered. So do reading, truncating, asking for the size and
 * closing. A gathered write that fails fails the call that wrote it out, which
 * belongs to the same commit.
 *
 * There is one case in which SQLite writes on after the sync: to fill the last
 * sector, where overwriting half of one is not safe. There nothing is
 * gathered; nor with synchronous=NORMAL, where commits do not sync.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/disk.h"

/* Less than what SQLite's unix layer takes in one write, 128 KB. */
#define RUN_MAX ((size_t)64 * 1024)

struct log_file {
	struct disk_file disk; /* first */
	sqlite3_int64
	    unsynced;     /* the lowest place written since the last sync */
	sqlite3_int64 at; /* where in the file the run begins */
	size_t len;
	size_t room; /* RUN_MAX, or 0: nothing is gathered */
	unsigned char *run;
	/* The lower VFS's file follows. */
};
_Static_assert(sizeof(struct log_file) <= DISK_FILE_MAX, "room for it");

static struct log_file *
log_file_of(sqlite3_file *file)
{
	return ((struct log_file *)file);
}

/* Write out the gathered bytes. A failure is final: see above. */
static int
log_file_flush(struct log_file *f)
{
	size_t len = f->len;

	f->len = 0;
	if (len == 0)
		return (SQLITE_OK);
	return (disk_write(&f->disk, f->run, (int)len, f->at));
}

/* What was gathered and not synced belongs to no commit. */
static int
log_file_close(sqlite3_file *file)
{
	struct log_file *f = log_file_of(file);

	if (f->unsynced != DISK_SYNCED)
		f->disk.disk->unsynced = f->unsynced;
	free(f->run);
	return (disk_close(file));
}

static int
log_file_read(sqlite3_file *file, void *buf, int len, sqlite3_int64 at)
{
	struct log_file *f = log_file_of(file);
	int rc;

	if ((rc = log_file_flush(f)) != SQLITE_OK)
		return (rc);
	return (f->disk.real->pMethods->xRead(f->disk.real, buf, len, at));
}

static int
log_file_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
	struct log_file *f = log_file_of(file);
	size_t n = (size_t)len;
	int rc;

	if (at < f->unsynced)
		f->unsynced = at;
	if (at != f->at + (sqlite3_int64)f->len || n > f->room - f->len) {
		if ((rc = log_file_flush(f)) != SQLITE_OK)
			return (rc);
		f->at = at;
	}
	/* Without memory it is slower, that is all. */
	if (n <= f->room && f->run == NULL &&
	    (f->run = malloc(RUN_MAX)) == NULL)
		f->room = 0;
	if (n > f->room)
		return (disk_write(&f->disk, buf, len, at));
	memcpy(f->run + f->len, buf, n);
	f->len += n;
	return (SQLITE_OK);
}

static int
log_file_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	struct log_file *f = log_file_of(file);
	int rc;

	if ((rc = log_file_flush(f)) != SQLITE_OK)
		return (rc);
	return (disk_truncate(file, len));
}

static int
log_file_sync(sqlite3_file *file, int flags)
{
	struct log_file *f = log_file_of(file);
	int rc;

	if ((rc = log_file_flush(f)) != SQLITE_OK ||
	    (rc = disk_sync(file, flags)) != SQLITE_OK)
		return (rc);
	f->unsynced = DISK_SYNCED;
	return (SQLITE_OK);
}

static int
log_file_size(sqlite3_file *file, sqlite3_int64 *ret_len)
{
	struct log_file *f = log_file_of(file);
	int rc;

	if ((rc = log_file_flush(f)) != SQLITE_OK)
		return (rc);
	return (disk_size(file, ret_len));
}

/* Version 1: the shared memory belongs to the database's file. */
static const sqlite3_io_methods log_file_methods = {
	.iVersion = 1,
	.xClose = log_file_close,
	.xRead = log_file_read,
	.xWrite = log_file_write,
	.xTruncate = log_file_truncate,
	.xSync = log_file_sync,
	.xFileSize = log_file_size,
	.xLock = disk_lock,
	.xUnlock = disk_unlock,
	.xCheckReservedLock = disk_check_lock,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_traits,
};

void
log_file_init(struct disk_file *file)
{
	struct log_file *f = (struct log_file *)file;

	f->disk.base.pMethods = &log_file_methods;
	f->unsynced = DISK_SYNCED;
	if (f->disk.disk->gathers &&
	    (disk_traits(&f->disk.base) & SQLITE_IOCAP_POWERSAFE_OVERWRITE))
		f->room = RUN_MAX;
}
