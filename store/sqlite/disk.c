/*
 * The VFS, and the database's file: each call goes to the lower VFS, and a
 * write or sync that fails is noted.
 *
 * A write that fails for lack of space is not: it loses nothing but itself.
 * What was written before it stays in the system's memory until a sync, and
 * the transaction it belongs to fails. After a failed sync the system may have
 * dropped pages, or may keep them and believe that they are on disk.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite/disk.h"

static struct disk_file *
disk_file_of(sqlite3_file *file)
{
	return ((struct disk_file *)file);
}

static sqlite3_file *
disk_real(sqlite3_file *file)
{
	return (disk_file_of(file)->real);
}

/* Whether a write failed for lack of space. */
static bool
disk_is_full(sqlite3_file *real, int rc)
{
	int err = 0;

	if ((rc & 0xff) == SQLITE_FULL)
		return (true);
	(void)real->pMethods->xFileControl(real, SQLITE_FCNTL_LAST_ERRNO, &err);
	return (err == ENOSPC || err == EDQUOT);
}

/* Note how a write went. Returns rc. */
static int
disk_wrote(struct disk_file *f, int rc)
{
	if (rc != SQLITE_OK && !disk_is_full(f->real, rc))
		atomic_store(&f->disk->failed, true);
	return (rc);
}

int
disk_write(struct disk_file *f, const void *buf, int len, sqlite3_int64 at)
{
	return (
	    disk_wrote(f, f->real->pMethods->xWrite(f->real, buf, len, at)));
}

int
disk_close(sqlite3_file *file)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xClose(real));
}

int
disk_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	sqlite3_file *real = disk_real(file);

	return (disk_wrote(disk_file_of(file),
	    real->pMethods->xTruncate(real, len)));
}

int
disk_sync(sqlite3_file *file, int flags)
{
	struct disk_file *f = disk_file_of(file);
	int rc = SQLITE_IOERR_FSYNC;

	(void)pthread_mutex_lock(f->sync);
	if (!atomic_load(&f->disk->failed))
		rc = f->real->pMethods->xSync(f->real, flags);
	if (rc != SQLITE_OK)
		atomic_store(&f->disk->failed, true);
	(void)pthread_mutex_unlock(f->sync);
	return (rc);
}

int
disk_size(sqlite3_file *file, sqlite3_int64 *ret_len)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xFileSize(real, ret_len));
}

int
disk_lock(sqlite3_file *file, int level)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xLock(real, level));
}

int
disk_unlock(sqlite3_file *file, int level)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xUnlock(real, level));
}

int
disk_check_lock(sqlite3_file *file, int *ret_locked)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xCheckReservedLock(real, ret_locked));
}

int
disk_control(sqlite3_file *file, int op, void *arg)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xFileControl(real, op, arg));
}

int
disk_sector(sqlite3_file *file)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xSectorSize(real));
}

int
disk_traits(sqlite3_file *file)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xDeviceCharacteristics(real));
}

/* -- The database's file -- */

static int
db_file_read(sqlite3_file *file, void *buf, int len, sqlite3_int64 at)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xRead(real, buf, len, at));
}

static int
db_file_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
	return (disk_write(disk_file_of(file), buf, len, at));
}

static int
db_file_shm_map(sqlite3_file *file, int page, int size, int extend,
    void volatile **ret_p)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xShmMap(real, page, size, extend, ret_p));
}

static int
db_file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xShmLock(real, offset, n, flags));
}

static void
db_file_shm_barrier(sqlite3_file *file)
{
	sqlite3_file *real = disk_real(file);

	real->pMethods->xShmBarrier(real);
}

static int
db_file_shm_unmap(sqlite3_file *file, int delete)
{
	sqlite3_file *real = disk_real(file);

	return (real->pMethods->xShmUnmap(real, delete));
}

/* Version 2: with shared memory, without memory-mapped reading. */
static const sqlite3_io_methods db_file_methods = {
	.iVersion = 2,
	.xClose = disk_close,
	.xRead = db_file_read,
	.xWrite = db_file_write,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = disk_lock,
	.xUnlock = disk_unlock,
	.xCheckReservedLock = disk_check_lock,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_traits,
	.xShmMap = db_file_shm_map,
	.xShmLock = db_file_shm_lock,
	.xShmBarrier = db_file_shm_barrier,
	.xShmUnmap = db_file_shm_unmap,
};

/* sqlite3_vfs xOpen: the database and its log are ours, all else is not. */
static int
disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
    int *ret_flags)
{
	struct disk *d = (struct disk *)vfs;
	struct disk_file *f = disk_file_of(file);
	int rc;

	if (!(flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)))
		return (
		    d->lower->xOpen(d->lower, path, file, flags, ret_flags));
	memset(f, 0, DISK_FILE_MAX);
	f->disk = d;
	f->real = (sqlite3_file *)((unsigned char *)file + DISK_FILE_MAX);
	rc = d->lower->xOpen(d->lower, path, f->real, flags, ret_flags);
	if (f->real->pMethods == NULL)
		return (rc);
	f->sync = flags & SQLITE_OPEN_WAL ? &d->log_sync : &d->db_sync;
	if (flags & SQLITE_OPEN_WAL)
		log_file_init(f);
	else
		f->base.pMethods = &db_file_methods;
	return (rc);
}

int
disk_init(struct disk *d, const char *lower, bool gathers)
{
	int rc;

	d->unsynced = DISK_SYNCED;
	d->gathers = gathers;
	if ((d->lower = sqlite3_vfs_find(lower)) == NULL)
		return (SQLITE_ERROR);
	d->vfs = *d->lower;
	d->vfs.pNext = NULL;
	/* Names are global: one for each store that is open. */
	(void)snprintf(d->name, sizeof(d->name), "klikitd-%p", (void *)d);
	d->vfs.zName = d->name;
	d->vfs.szOsFile += DISK_FILE_MAX;
	d->vfs.xOpen = disk_open;
	(void)pthread_mutex_init(&d->log_sync, NULL);
	(void)pthread_mutex_init(&d->db_sync, NULL);
	if ((rc = sqlite3_vfs_register(&d->vfs, 0)) != SQLITE_OK)
		d->lower = NULL;
	return (rc);
}

void
disk_fini(struct disk *d)
{
	if (d->lower != NULL) {
		(void)sqlite3_vfs_unregister(&d->vfs);
		(void)pthread_mutex_destroy(&d->log_sync);
		(void)pthread_mutex_destroy(&d->db_sync);
	}
	d->lower = NULL;
}
