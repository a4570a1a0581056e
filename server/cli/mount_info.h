/*
 * mount_info.h -- on what file system a path is, and whether that may lose what
 * was synced to it.
 *
 * Pure: reads a text of the form of /proc/self/mountinfo.
 */
#ifndef SERVER_MOUNT_INFO_H
#define SERVER_MOUNT_INFO_H

#include <stdbool.h>

#define MOUNT_TEXT_MAX 1024

/* A mount; what is longer is cut. */
struct mount_info {
	unsigned major, minor; /* of its device */
	char place[MOUNT_TEXT_MAX];
	char type[64];
	char source[MOUNT_TEXT_MAX];  /* "/dev/mmcblk0p2", "server:/export" */
	char options[MOUNT_TEXT_MAX]; /* of the mount and of its file system,
					 with commas between */
};

/*
 * The mount that an absolute path without symbolic links is on: of those with
 * the longest place the last one, which hides the others. Lines that are not
 * of that form are skipped. Returns 0; -1 if there is none.
 */
int mount_info_find(const char *text, const char *path,
    struct mount_info *ret_mount);

/* What is wrong with a file system for a store. */
struct mount_flaw {
	bool fails; /* acknowledged events are lost sooner or later */
	const char *what;
	const char *advice;
	const char *word; /* of its options or its type, that shows it */
};

/*
 * The i-th of them. Returns false if there are no more; texts are static.
 */
bool mount_info_flaw(const struct mount_info *mount, unsigned i,
    struct mount_flaw *ret_flaw);

#endif /* SERVER_MOUNT_INFO_H */
