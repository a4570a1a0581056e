#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handlers/exec/program.h"

#define PATH_DEFAULT "/bin:/usr/bin" /* as execvp(3) has it */

/* Can that file be run? Returns 0, or an errno. */
static int
check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return (errno);
	if (!S_ISREG(st.st_mode) || access(path, X_OK) == -1)
		return (EACCES);
	return (0);
}

/*
 * The same of the one file that is meant: where its mode allows somebody to
 * run it, the kernel knows better why we may not.
 */
static int
check_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0)
		return (0);
	return (check_program(path));
}

/*
 * Find name in the directories of PATH; an empty one is the working
 * directory. Returns 0, or an errno: of a file that cannot be run rather than
 * of one that is not there.
 */
static int
search_path(struct arena *memory, const char *name, const char **ret_path)
{
	const char *dir = getenv("PATH");
	size_t len, name_len = strlen(name);
	struct stat st;
	int rc, error = ENOENT;
	char *path;

	for (dir = dir == NULL ? PATH_DEFAULT : dir;; dir += len + 1) {
		len = strcspn(dir, ":");
		path = arena_alloc(memory, len + name_len + 3);
		if (path == NULL)
			return (ENOMEM);
		(void)sprintf(path, "%.*s/%s", len == 0 ? 1 : (int)len,
		    len == 0 ? "." : dir, name);
		if ((rc = check_program(path)) == 0) {
			*ret_path = path;
			return (0);
		}
		/* Said as well of a folder of PATH that is closed to us. */
		if (rc == EACCES && stat(path, &st) == 0)
			error = EACCES;
		if (dir[len] == '\0')
			return (error);
	}
}

/* "NAME: why"; of a name too long for both its end is shown. */
static void
say_which(const char *name, const char *why, char reason[HANDLER_REASON_MAX])
{
	size_t room = HANDLER_REASON_MAX - sizeof("...: ");
	size_t len = strlen(name), cut;

	room -= strlen(why) < room ? strlen(why) : room;
	cut = len > room ? len - room : 0;
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s%s: %s",
	    cut > 0 ? "..." : "", name + cut, why);
}

int
program_find(struct arena *memory, const char *name, const char **ret_path,
    char reason[HANDLER_REASON_MAX])
{
	bool search = strchr(name, '/') == NULL;
	char refused[PROGRAM_WHY_MAX];
	struct stat st;
	const char *why;
	int rc;

	if (*name == '\0')
		rc = ENOENT;
	else if (search)
		rc = search_path(memory, name, ret_path);
	else
		rc = check_path(name);
	if (rc == 0 && !search)
		*ret_path = name;
	if (rc == 0 && program_try(*ret_path, refused) == 0)
		return (0);
	why = rc == 0 ? refused : strerror(rc);
	if (*name == '\0')
		why = "its name is empty";
	else if (rc == EACCES && !search && stat(name, &st) == -1)
		why = "a folder on the way to it is closed to this user";
	else if (rc == EACCES)
		why = "not an executable file";
	else if (rc == ENOENT && search)
		why = "no such program in PATH";
	say_which(name, why, reason);
	return (-1);
}
