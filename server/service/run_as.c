#include "server/service/run_as.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"

/* A 32-bit system has calls for 16-bit ids under the plain names. */
#ifdef SYS_setresuid32
#define SET_RESUID SYS_setresuid32
#define SET_RESGID SYS_setresgid32
#define SET_GROUPS SYS_setgroups32
#else
#define SET_RESUID SYS_setresuid
#define SET_RESGID SYS_setresgid
#define SET_GROUPS SYS_setgroups
#endif

static int
fail(char *reason, const char *what, const char *why)
{
	(void)snprintf(reason, RUN_AS_REASON_MAX, "%.100s: %.100s",
	    log_text(what), why);
	return (-1);
}

/* Its own group, and those that name it as a member. */
static void
find_groups(struct run_as *user, gid_t own)
{
	FILE *in = fopen("/etc/group", "re");
	const struct group *g;

	user->groups[0] = own;
	user->ngroups = 1;
	while (in != NULL && user->ngroups < RUN_AS_GROUPS_MAX &&
	       (g = fgetgrent(in)) != NULL) {
		for (char **member = g->gr_mem; *member != NULL; member++) {
			if (strcmp(*member, user->name) == 0 &&
			    g->gr_gid != own) {
				user->groups[user->ngroups++] = g->gr_gid;
				break;
			}
		}
	}
	if (in != NULL)
		(void)fclose(in);
}

int
run_as_find(const char *name, struct run_as *ret_user,
    char reason[RUN_AS_REASON_MAX])
{
	FILE *in = fopen("/etc/passwd", "re");
	const struct passwd *p = NULL;

	if (in == NULL)
		return (fail(reason, "/etc/passwd", strerror(errno)));
	while ((p = fgetpwent(in)) != NULL && strcmp(p->pw_name, name) != 0)
		;
	if (p != NULL) {
		(void)snprintf(ret_user->name, sizeof(ret_user->name), "%s",
		    p->pw_name);
		ret_user->uid = p->pw_uid;
		find_groups(ret_user, p->pw_gid);
	}
	(void)fclose(in);
	if (p == NULL)
		return (fail(reason, name, "no such user in /etc/passwd"));
	if (ret_user->uid == 0 || ret_user->groups[0] == 0)
		return (fail(reason, name, "has the power of root"));
	return (0);
}

/* Is it only that user, in all of the ids? */
static bool
is_only(const struct run_as *user)
{
	uid_t u[3];
	gid_t g[3];

	return (getresuid(&u[0], &u[1], &u[2]) == 0 &&
		getresgid(&g[0], &g[1], &g[2]) == 0 && u[0] == user->uid &&
		u[1] == user->uid && u[2] == user->uid &&
		g[0] == user->groups[0] && g[1] == user->groups[0] &&
		g[2] == user->groups[0]);
}

int
run_as_become(const struct run_as *user, char reason[RUN_AS_REASON_MAX])
{
	const gid_t gid = user->groups[0];
	const uid_t uid = user->uid;

	if (setgroups(user->ngroups, user->groups) == -1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return (fail(reason, user->name, strerror(errno)));
	/* Capabilities that were kept would lead back. */
	if (!is_only(user) || setresuid(-1U, 0, -1U) != -1 ||
	    setresgid(-1U, 0, -1U) != -1 || setgroups(0, NULL) != -1)
		return (fail(reason, user->name,
		    "root's power was not lost with its ids"));
	return (0);
}

/*
 * By the calls themselves, which change one thread; libc's functions change all
 * of them.
 */
int
run_as_try(const struct run_as *user)
{
	if (syscall(SET_GROUPS, user->ngroups, user->groups) == -1)
		return (-1);
	if (syscall(SET_RESGID, -1, user->groups[0], -1) == 0 &&
	    syscall(SET_RESUID, -1, user->uid, -1) == 0)
		return (0);
	run_as_end_try();
	return (-1);
}

void
run_as_end_try(void)
{
	(void)syscall(SET_RESUID, -1, 0, -1);
	(void)syscall(SET_RESGID, -1, 0, -1);
	(void)syscall(SET_GROUPS, 0, NULL);
}

bool
run_as_can_read(const struct run_as *user, const char *path)
{
	int fd;

	if (run_as_try(user) == -1)
		return (true); /* nobody knows */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	run_as_end_try();
	if (fd != -1)
		(void)close(fd);
	return (fd != -1);
}
