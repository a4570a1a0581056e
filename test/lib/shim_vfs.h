/*
 * shim_vfs.h -- a VFS of SQLite's over the default one that tells a test of
 * every write, truncation and sync, and lets it fail them.
 *
 * One at a time. The hooks run in whatever thread uses the file. The shared
 * memory of a log is not reported: it is rebuilt, never relied on.
 */
#ifndef TEST_LIB_SHIM_VFS_H
#define TEST_LIB_SHIM_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any of them may be NULL. Those that return an int: SQLITE_OK, or fail so. */
struct shim_hooks {
	void (*opened)(void *arg, const char *path);
	int (*write)(void *arg, const char *path, const void *data, size_t len,
	    int64_t offset);
	void (*truncated)(void *arg, const char *path, int64_t len);
	int (*sync)(void *arg, const char *path);    /* before it is done */
	void (*synced)(void *arg, const char *path); /* after it */
	void (*deleted)(void *arg, const char *path);
	void *arg;
	int traits; /* SQLITE_IOCAP_...: what the disk promises; 0: the least */
};

/* Its name, for struct store_sqlite_setup. */
#define SHIM_VFS "shim"

/* hooks is kept until shim_vfs_uninstall(). Returns 0, or -1. */
int shim_vfs_install(const struct shim_hooks *hooks);
void shim_vfs_uninstall(void);

#endif /* TEST_LIB_SHIM_VFS_H */
