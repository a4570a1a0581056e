/*
 * listen_dir.h -- the folder of klikitd listen, with the store that lasts as
 * long as it runs.
 *
 * Owns:    a folder that nobody else can read, in $TMPDIR or /tmp; a lock on
 *          it, by which a later one sees that it is in use.
 * Touches: the store in it, to read what was not forwarded; stderr.
 */
#ifndef SERVER_LISTEN_DIR_H
#define SERVER_LISTEN_DIR_H

#include <limits.h>
#include <stddef.h>

#define LISTEN_DIR_REASON_MAX 512

struct listen_dir {
	int fd; /* -1: there is none */
	char path[PATH_MAX];
	char store[PATH_MAX + 32]; /* the URL of the store in it */
};

/* Returns 0; -1, with one line in reason, and then there is none. */
int listen_dir_make(struct listen_dir *ret_dir,
    char reason[LISTEN_DIR_REASON_MAX]);

/* What listen_dir_tell() found. */
enum listen_left {
	LISTEN_LEFT_NONE,   /* all that was taken is forwarded, or refused */
	LISTEN_LEFT_SOME,   /* said on stderr: which */
	LISTEN_LEFT_UNKNOWN /* the same: why it cannot be known */
};

/*
 * Say which events of the store were not forwarded by that handler; who is how
 * the line begins. Only when no server has the store open.
 */
enum listen_left listen_dir_tell(const struct listen_dir *dir,
    const char *handler, const char *who);

/* Remove it with all that is in it, for good. */
void listen_dir_remove(struct listen_dir *dir);

/* Do both for those whose process was killed. */
void listen_dir_sweep(const char *handler);

#endif /* SERVER_LISTEN_DIR_H */
