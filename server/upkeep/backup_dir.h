/*
 * backup_dir.h -- the directory of the scheduled backups.
 *
 * Owns:    the files in it that have a name of backup_name.h, of one store;
 *          a lock on the directory for as long as it is open.
 * Touches: the disk, and waits for it: never from a loop. No store.
 */
#ifndef SERVER_BACKUP_DIR_H
#define SERVER_BACKUP_DIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/upkeep/backup_name.h"

struct backup_dir; /* opaque */

#define BACKUP_REASON_MAX 512

/*
 * Open it, for the backups of the store of that URL, which is a file. With
 * lock nobody else makes backups there meanwhile, where the file system has
 * locks: one that is under way is waited for. NULL, and one line in reason that
 * begins with the path.
 */
struct backup_dir *backup_dir_open(const char *path, const char *store_url,
    bool lock, char reason[BACKUP_REASON_MAX]);

/* Remove what earlier ones left half made. */
void backup_dir_sweep(struct backup_dir *d);

/* What is there. Texts are valid until the next call. */
struct backup_dir_look {
	size_t n;           /* verified backups */
	int64_t bytes;      /* of all of them */
	int64_t age_ms;     /* of the newest; INT64_MAX: none */
	int64_t newest_ms;  /* its time; 0: none */
	const char *newest; /* its name; "" */
	int64_t newest_bytes;
	bool sent; /* the newest was handed on */
};
void backup_dir_look(struct backup_dir *d, int64_t now_ms,
    struct backup_dir_look *ret_look);

/*
 * A free name for a backup of now: its path, and the path under which it is
 * made. Returns 0; -1: no name is free, or the path is too long.
 */
int backup_dir_name(struct backup_dir *d, int64_t now_ms,
    char ret_path[PATH_MAX], char ret_half[PATH_MAX]);

/*
 * The file at half is verified: give it its name, durably. Returns 0; -1, and
 * one line in reason; then it has no name.
 */
int backup_dir_keep(struct backup_dir *d, const char *half, const char *path,
    char reason[BACKUP_REASON_MAX]);

/* Remove what backup_choose() says. Returns how many. */
size_t backup_dir_prune(struct backup_dir *d, const struct backup_rule *rule);

/* Note that the backup of that name was handed on. */
void backup_dir_sent(struct backup_dir *d, const char *name);

/* Accepts NULL. */
void backup_dir_close(struct backup_dir *d);

#endif /* SERVER_BACKUP_DIR_H */
