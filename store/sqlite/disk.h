/*
 * disk.h -- private to store/sqlite/: how a store sees its disk. A VFS of
 * SQLite's over the one that does the work. It notes every write and sync of
 * the database and its log that fails, whatever SQLite makes of that: after a
 * failed sync nobody knows which bytes are on disk, and a later sync that
 * passes says nothing about it.
 */
#ifndef STORE_SQLITE_DISK_H
#define STORE_SQLITE_DISK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

/* All of the log is synced. */
#define DISK_SYNCED INT64_MAX

struct disk {
	sqlite3_vfs vfs;    /* first: it is what SQLite hands back */
	sqlite3_vfs *lower; /* NULL: not registered */
	char name[40];
	bool gathers; /* it is the log, whose writes are gathered: log_file.c */

	/*
	 * A sync failed, or a write for another cause than lack of space; from
	 * then on nothing may be acknowledged, and no sync passes. Set by any
	 * thread.
	 */
	atomic_bool failed;

	/*
	 * Held during a sync of the log, of the database. That a sync failed
	 * may be reported once, to whichever connection asks first: to another
	 * one it would seem to have passed.
	 */
	pthread_mutex_t log_sync, db_sync;

	/*
	 * From where on the log holds what no sync has covered; as the writer's
	 * connection left it when it was closed.
	 */
	int64_t unsynced;
};

/*
 * Register d over the VFS of that name (NULL: the default). *d must stay where
 * it is until disk_fini(), which accepts one that is all zeros. Returns a
 * result code of SQLite's.
 */
int disk_init(struct disk *d, const char *lower, bool gathers);
void disk_fini(struct disk *d);

/* -- For disk.c and log_file.c -- */

struct disk_file {
	sqlite3_file base; /* first */
	sqlite3_file *real;
	struct disk *disk;
	pthread_mutex_t *sync; /* one of disk's */
};

/* How much each kind of file may add to the lower VFS's. */
#define DISK_FILE_MAX 128

/* Make a file, whose lower one is open, the log's. */
void log_file_init(struct disk_file *file);

/* The methods that both kinds share: they hand over, and note failures. */
int disk_write(struct disk_file *f, const void *buf, int len, sqlite3_int64 at);
int disk_close(sqlite3_file *file);
int disk_truncate(sqlite3_file *file, sqlite3_int64 len);
int disk_sync(sqlite3_file *file, int flags);
int disk_size(sqlite3_file *file, sqlite3_int64 *ret_len);
int disk_lock(sqlite3_file *file, int level);
int disk_unlock(sqlite3_file *file, int level);
int disk_check_lock(sqlite3_file *file, int *ret_locked);
int disk_control(sqlite3_file *file, int op, void *arg);
int disk_sector(sqlite3_file *file);
int disk_traits(sqlite3_file *file);

#endif /* STORE_SQLITE_DISK_H */
