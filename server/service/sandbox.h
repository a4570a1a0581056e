/*
 * sandbox.h -- what of the file system this process may touch from now on:
 * Landlock, by its system calls.
 *
 * Owns:    the set of rules, until it is entered.
 * Touches: the kernel's rules for the calling thread, and those that it makes
 *          later: so it is entered before there are threads. There is no way
 *          back, for programs that are started neither.
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include <stdbool.h>

#define SANDBOX_PATHS_MAX 256
#define SANDBOX_REASON_MAX 256

enum sandbox_use {
	SANDBOX_READ, /* read what is there, and below it */
	SANDBOX_WRITE /* make, change and delete files as well */
};

enum sandbox_rc {
	SANDBOX_OK = 0,
	SANDBOX_ABSENT, /* the kernel has none, or it is turned off */
	SANDBOX_FAILED  /* see the reason */
};

/* Paths, gathered; all zero at the beginning. */
struct sandbox {
	struct {
		char *path; /* without symbolic links */
		enum sandbox_use use;
	} list[SANDBOX_PATHS_MAX];
	unsigned n;
	bool failed; /* out of memory, or of places */
};

/*
 * path may be used, and what is below it if it is a folder. What is not there
 * is passed over, as is NULL; a symbolic link stands for what it leads to.
 */
void sandbox_allow(struct sandbox *s, enum sandbox_use use, const char *path);

/*
 * The folder that holds path may be used: so a file may be replaced there. Of
 * one right below the root the file alone: its folder would be everything.
 */
void sandbox_allow_folder(struct sandbox *s, enum sandbox_use use,
    const char *path);

/* Nothing else from now on, and no program is started. */
enum sandbox_rc sandbox_enter(const struct sandbox *s,
    char reason[SANDBOX_REASON_MAX]);

void sandbox_fini(struct sandbox *s);

#endif /* SERVER_SANDBOX_H */
