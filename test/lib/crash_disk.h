/*
 * crash_disk.h -- what a disk has of a store's files, beside what the system
 * shows of them: the content at the last sync that passed, and every write
 * since. It makes crash images of that, and it fails where the test says.
 *
 * After a failed sync a system may drop what it could not write, so that the
 * file shows its old content, or may show it on and believe that it is on
 * disk: then no later sync writes it. It does either.
 *
 * Owns: the model, and SHIM_VFS while it is installed. One at a time. The
 * hooks run in the store's threads, and images are made between
 * crash_disk_lock() and crash_disk_unlock().
 */
#ifndef TEST_LIB_CRASH_DISK_H
#define TEST_LIB_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How it is to fail, once. */
enum crash_fault {
	CRASH_NO_FAULT,
	CRASH_SYNC_EIO,
	CRASH_SYNC_ENOSPC, /* an I/O error, and errno says so */
	CRASH_SYNC_FULL,   /* SQLITE_FULL, as if a write had failed */
	CRASH_WRITE_EIO,
	CRASH_WRITE_ENOSPC,
	CRASH_WRITE_SHORT, /* half of it is written */
	CRASH_NFAULTS
};

struct crash_plan {
	enum crash_fault fault;
	unsigned nth;      /* the write, or the sync, from now on; from 1 */
	bool keeps;        /* a failed sync's pages are shown on */
	unsigned bad_sync; /* then one more of the syncs after it; 0: none */
};

/* Called before each sync of a file, with the lock held. */
typedef void crash_sync_fn(void *arg, const char *path);

/* Install it; traits: SQLITE_IOCAP_... that the disk has. */
void crash_disk_install(int traits, crash_sync_fn *at_sync, void *arg);

/* When no store is open. */
void crash_disk_uninstall(void);

void crash_disk_lock(void);
void crash_disk_unlock(void);

/* Fail so. Counts from now on. */
void crash_disk_plan(const struct crash_plan *plan);

/* Whether what was planned has happened. With the lock held. */
bool crash_disk_failed(void);

/* xorshift: chance, but not another one on every run. With the lock held. */
uint32_t crash_disk_random(void);

/*
 * With the lock held: write what a power cut leaves to dir, as x.db and its
 * log. some: also some of what is not synced, whole or torn.
 */
void crash_disk_image(const char *dir, bool some);

/*
 * As kill -9 does: the process is gone, the system's view of its files is not.
 * They go on under the path `to'; the store that has them open writes to
 * nothing from now on, and is to be closed.
 */
void crash_disk_kill(const char *from, const char *to);

#endif /* TEST_LIB_CRASH_DISK_H */
