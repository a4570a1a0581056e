/*
 * The log's file, as the writer sees it: what SQLite writes frame by frame,
 * two writes for each page, is gathered into long runs. A VFS of its own, over
 * the one that does the work, that knows of nothing but that one file; all
 * others are the lower one's.
 *
 * Why it is safe: with synchronous=FULL SQLite syncs a commit's frames before
 * it tells anybody, through the shared memory, that they are there, and the
 * sync hands over what was gathered first. So do reading, truncating, asking
 * for the size and closing. A write that fails late fails the call that
 * handed it over, which belongs to the same commit.
 *
 * There is one case in which SQLite writes on after the sync: to fill the last
 * sector, where overwriting half of one is not safe. There nothing is
 * gathered; nor with synchronous=NORMAL, where commits do not sync.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/sqlite.h"

/* Less than what SQLite's unix layer takes in one write, 128 KB. */
#define RUN_MAX ((size_t)64 * 1024)

struct log_file {
	sqlite3_file base;
	sqlite3_file *real;
	sqlite3_int64 at; /* where in the file the run begins */
	size_t len;
	size_t room; /* RUN_MAX, or 0: nothing is gathered */
	unsigned char *run;
	/* The lower VFS's file follows. */
};

static struct log_file *
log_file_of(sqlite3_file *file)
{
	return ((struct log_file *)file);
}

/* Hand over what was gathered. What fails is not tried again: see above. */
static int
log_file_flush(struct log_file *f)
{
	size_t len = f->len;

	f->len = 0;
	if (len == 0)
		return (SQLITE_OK);
	return (f->real->pMethods->xWrite(f->real, f->run, (int)len, f->at));
}

static int
log_file_close(sqlite3_file *file)
{
	struct log_file *f = log_file_of(file);
	int flushed = log_file_flush(f);
	int rc = f->real->pMethods->xClose(f->real);

	free(f->run);
	return (flushed != SQLITE_OK ? flushed : rc);
}

static int
log_file_read(sqlite3_file *file, void *buf, int len, sqlite3_int64 at)
{
	struct log_file *f = log_file_of(file);
	int rc;

	if ((rc = log_file_flush(f)) != SQLITE_OK)
		return (rc);
	return (f->real->pMethods->xRead(f->real, buf, len, at));
}

static int
log_file_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
	struct log_file *f = log_file_of(file);
	size_t n = (size_t)len;
	int rc;

	if (at != f->at + (sqlite3_int64)f->len || n > f->room - f->len) {
		if ((rc = log_file_flush(f)) != SQLITE_OK)
			return (rc);
		f->at = at;
	}
	if (n > f->room)
		return (f->real->pMethods->xWrite(f->real, buf, len, at));
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
	return (f->real->pMethods->xTruncate(f->real, len));
}

static int
log_file_sync(sqlite3_file *file, int flags)
{
	struct log_file *f = log_file_of(file);
	int rc;

	if ((rc = log_file_flush(f)) != SQLITE_OK)
		return (rc);
	return (f->real->pMethods->xSync(f->real, flags));
}

static int
log_file_size(sqlite3_file *file, sqlite3_int64 *ret_len)
{
	struct log_file *f = log_file_of(file);
	int rc;

	if ((rc = log_file_flush(f)) != SQLITE_OK)
		return (rc);
	return (f->real->pMethods->xFileSize(f->real, ret_len));
}

static int
log_file_lock(sqlite3_file *file, int level)
{
	sqlite3_file *real = log_file_of(file)->real;

	return (real->pMethods->xLock(real, level));
}

static int
log_file_unlock(sqlite3_file *file, int level)
{
	sqlite3_file *real = log_file_of(file)->real;

	return (real->pMethods->xUnlock(real, level));
}

static int
log_file_check_lock(sqlite3_file *file, int *ret_locked)
{
	sqlite3_file *real = log_file_of(file)->real;

	return (real->pMethods->xCheckReservedLock(real, ret_locked));
}

static int
log_file_control(sqlite3_file *file, int op, void *arg)
{
	sqlite3_file *real = log_file_of(file)->real;

	return (real->pMethods->xFileControl(real, op, arg));
}

static int
log_file_sector(sqlite3_file *file)
{
	sqlite3_file *real = log_file_of(file)->real;

	return (real->pMethods->xSectorSize(real));
}

static int
log_file_traits(sqlite3_file *file)
{
	sqlite3_file *real = log_file_of(file)->real;

	return (real->pMethods->xDeviceCharacteristics(real));
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
	.xLock = log_file_lock,
	.xUnlock = log_file_unlock,
	.xCheckReservedLock = log_file_check_lock,
	.xFileControl = log_file_control,
	.xSectorSize = log_file_sector,
	.xDeviceCharacteristics = log_file_traits,
};

/* sqlite3_vfs xOpen: of all files only the log is ours. */
static int
log_file_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
    int *ret_flags)
{
	struct log_vfs *v = (struct log_vfs *)vfs;
	struct log_file *f = log_file_of(file);
	int rc;

	if (!(flags & SQLITE_OPEN_WAL))
		return (
		    v->lower->xOpen(v->lower, path, file, flags, ret_flags));
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	rc = v->lower->xOpen(v->lower, path, f->real, flags, ret_flags);
	if (f->real->pMethods == NULL)
		return (rc);
	f->base.pMethods = &log_file_methods;
	/* Without memory it is slower, that is all. */
	if ((log_file_traits(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) &&
	    (f->run = malloc(RUN_MAX)) != NULL)
		f->room = RUN_MAX;
	return (rc);
}

int
log_vfs_init(struct log_vfs *v, const char *lower)
{
	int rc;

	if ((v->lower = sqlite3_vfs_find(lower)) == NULL)
		return (SQLITE_ERROR);
	v->vfs = *v->lower;
	v->vfs.pNext = NULL;
	/* Names are global: one for each store that is open. */
	(void)snprintf(v->name, sizeof(v->name), "klikitd-%p", (void *)v);
	v->vfs.zName = v->name;
	v->vfs.szOsFile += (int)sizeof(struct log_file);
	v->vfs.xOpen = log_file_open;
	if ((rc = sqlite3_vfs_register(&v->vfs, 0)) != SQLITE_OK)
		v->lower = NULL;
	return (rc);
}

void
log_vfs_fini(struct log_vfs *v)
{
	if (v->lower != NULL)
		(void)sqlite3_vfs_unregister(&v->vfs);
	v->lower = NULL;
}
