/*
 * run_as.h -- another user than root, for good.
 *
 * Touches: /etc/passwd and /etc/group, which are read as they are: no name
 *          service is asked. The ids of the process.
 */
#ifndef SERVER_RUN_AS_H
#define SERVER_RUN_AS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#define RUN_AS_GROUPS_MAX 64
#define RUN_AS_NAME_MAX 64
#define RUN_AS_REASON_MAX 256

struct run_as {
	char name[RUN_AS_NAME_MAX];
	uid_t uid;
	gid_t groups[RUN_AS_GROUPS_MAX]; /* its own one first */
	size_t ngroups;
};

/*
 * The user of that name. Returns 0, or -1 with a reason: there is none, or it
 * is root itself.
 */
int run_as_find(const char *name, struct run_as *ret_user,
    char reason[RUN_AS_REASON_MAX]);

/*
 * Be that user from now on, in all threads, without a way back, which is tried.
 * Returns 0; -1 with a reason, and then the process must end.
 */
int run_as_become(const struct run_as *user, char reason[RUN_AS_REASON_MAX]);

/*
 * Of root: have this thread meet files as that user does, and as root again.
 * Returns 0; -1 if it may not, and then nothing was changed.
 */
int run_as_try(const struct run_as *user);
void run_as_end_try(void);

/* Of root: could that user read the file now? */
bool run_as_can_read(const struct run_as *user, const char *path);

#endif /* SERVER_RUN_AS_H */
