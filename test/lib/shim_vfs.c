/* Each file has its own table of methods, in front of the real file. */
#include <string.h>

#include <sqlite3.h>

#include "test/lib/shim_vfs.h"

struct shim_file {
	sqlite3_file base;
	sqlite3_io_methods methods;
	const char *path;
	sqlite3_file *real;
};

static const struct shim_hooks *hooks;
static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim;

static sqlite3_file *
shim_real(sqlite3_file *file)
{
	return (((struct shim_file *)file)->real);
}

static const char *
shim_path(sqlite3_file *file)
{
	return (((struct shim_file *)file)->path);
}

static int
shim_close(sqlite3_file *file)
{
	return (shim_real(file)->pMethods->xClose(shim_real(file)));
}

static int
shim_read(sqlite3_file *file, void *buf, int len, sqlite3_int64 at)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xRead(real, buf, len, at));
}

static int
shim_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
	sqlite3_file *real = shim_real(file);
	int rc;

	if (hooks->write != NULL) {
		rc = hooks->write(hooks->arg, shim_path(file), buf, (size_t)len,
		    at);
		if (rc != SQLITE_OK)
			return (rc);
	}
	return (real->pMethods->xWrite(real, buf, len, at));
}

static int
shim_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	sqlite3_file *real = shim_real(file);

	if (hooks->truncated != NULL)
		hooks->truncated(hooks->arg, shim_path(file), len);
	return (real->pMethods->xTruncate(real, len));
}

static int
shim_sync(sqlite3_file *file, int flags)
{
	sqlite3_file *real = shim_real(file);
	int rc;

	if (hooks->sync != NULL) {
		rc = hooks->sync(hooks->arg, shim_path(file));
		if (rc != SQLITE_OK)
			return (rc);
	}
	rc = real->pMethods->xSync(real, flags);
	if (rc == SQLITE_OK && hooks->synced != NULL)
		hooks->synced(hooks->arg, shim_path(file));
	return (rc);
}

static int
shim_file_size(sqlite3_file *file, sqlite3_int64 *ret_len)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xFileSize(real, ret_len));
}

static int
shim_lock(sqlite3_file *file, int level)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xLock(real, level));
}

static int
shim_unlock(sqlite3_file *file, int level)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xUnlock(real, level));
}

static int
shim_check_lock(sqlite3_file *file, int *ret_locked)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xCheckReservedLock(real, ret_locked));
}

static int
shim_control(sqlite3_file *file, int op, void *arg)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xFileControl(real, op, arg));
}

static int
shim_sector(sqlite3_file *file)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xSectorSize(real));
}

/* What the real one promises beyond this may not hold for the tests' disk. */
static int
shim_traits(sqlite3_file *file)
{
	(void)file;
	return (hooks->traits);
}

static int
shim_shm_map(sqlite3_file *file, int page, int size, int extend,
    void volatile **ret_p)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xShmMap(real, page, size, extend, ret_p));
}

static int
shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xShmLock(real, offset, n, flags));
}

static void
shim_shm_barrier(sqlite3_file *file)
{
	sqlite3_file *real = shim_real(file);

	real->pMethods->xShmBarrier(real);
}

static int
shim_shm_unmap(sqlite3_file *file, int delete)
{
	sqlite3_file *real = shim_real(file);

	return (real->pMethods->xShmUnmap(real, delete));
}

/* Version 2: with shared memory, without memory-mapped reading. */
static const sqlite3_io_methods shim_methods = {
	.iVersion = 2,
	.xClose = shim_close,
	.xRead = shim_read,
	.xWrite = shim_write,
	.xTruncate = shim_truncate,
	.xSync = shim_sync,
	.xFileSize = shim_file_size,
	.xLock = shim_lock,
	.xUnlock = shim_unlock,
	.xCheckReservedLock = shim_check_lock,
	.xFileControl = shim_control,
	.xSectorSize = shim_sector,
	.xDeviceCharacteristics = shim_traits,
	.xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier,
	.xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
    int *ret_flags)
{
	struct shim_file *f = (struct shim_file *)file;
	int rc;

	(void)vfs;
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	f->path = path;
	rc = real_vfs->xOpen(real_vfs, path, f->real, flags, ret_flags);
	if (f->real->pMethods == NULL)
		return (rc);
	f->methods = shim_methods;
	f->base.pMethods = &f->methods;
	if (rc == SQLITE_OK && path != NULL && hooks->opened != NULL)
		hooks->opened(hooks->arg, path);
	return (rc);
}

static int
shim_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	int rc = real_vfs->xDelete(real_vfs, path, sync);

	(void)vfs;
	if (rc == SQLITE_OK && hooks->deleted != NULL)
		hooks->deleted(hooks->arg, path);
	return (rc);
}

int
shim_vfs_install(const struct shim_hooks *given)
{
	if ((real_vfs = sqlite3_vfs_find(NULL)) == NULL)
		return (-1);
	hooks = given;
	shim = *real_vfs;
	shim.zName = SHIM_VFS;
	shim.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
	shim.xOpen = shim_open;
	shim.xDelete = shim_delete;
	shim.pNext = NULL;
	return (sqlite3_vfs_register(&shim, 0) == SQLITE_OK ? 0 : -1);
}

void
shim_vfs_uninstall(void)
{
	(void)sqlite3_vfs_unregister(&shim);
}
