/*
 * The headers of a build may be older than the kernel that it runs on, and libc
 * has no functions for these calls: so numbers and structs stand here.
 */
#include "server/service/sandbox.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The same on every architecture. */
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define GET_VERSION 1U /* a flag of CREATE_RULESET */
#define RULE_PATH_BENEATH 1

#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_FIRST (((UINT64_C(1) << 13)) - 1) /* all of version 1 */
#define FS_TRUNCATE (UINT64_C(1) << 14)      /* since version 3 */

#define FILE_RIGHTS (FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define READ_RIGHTS (FS_READ_FILE | FS_READ_DIR)
#define WRITE_RIGHTS                                                           \
	(READ_RIGHTS | FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG |          \
	    FS_TRUNCATE)

struct ruleset {
	uint64_t fs;
};

struct beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

void
sandbox_allow(struct sandbox *s, enum sandbox_use use, const char *path)
{
	char *real;

	if (path == NULL || (real = realpath(path, NULL)) == NULL)
		return;
	if (s->n == SANDBOX_PATHS_MAX) {
		s->failed = true;
		free(real);
		return;
	}
	s->list[s->n].path = real;
	s->list[s->n].use = use;
	s->n++;
}

/* Without what stands behind the last '/'. */
static void
allow_parent(struct sandbox *s, enum sandbox_use use, const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path ||
	    (size_t)(slash - path) >= sizeof(folder))
		return;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
	    path);
	sandbox_allow(s, use, folder);
}

void
sandbox_allow_folder(struct sandbox *s, enum sandbox_use use, const char *path)
{
	char *real;

	if (path == NULL)
		return;
	sandbox_allow(s, use, path);
	allow_parent(s, use, path);
	/* A certificate may be a link to one of another folder. */
	if ((real = realpath(path, NULL)) != NULL)
		allow_parent(s, use, real);
	free(real);
}

/* Returns 0, or -1 with errno. */
static int
add(int set, uint64_t handled, enum sandbox_use use, const char *path)
{
	struct beneath rule = {
		.allowed = use == SANDBOX_WRITE ? WRITE_RIGHTS : READ_RIGHTS,
	};
	struct stat st;
	int rc;

	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd == -1) /* it has gone meanwhile, or is not ours to see */
		return (0);
	rule.allowed &= handled;
	if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= FILE_RIGHTS;
	rc = (int)syscall(ADD_RULE, set, RULE_PATH_BENEATH, &rule, 0);
	(void)close(rule.fd);
	return (rc);
}

static enum sandbox_rc
failed(char *reason, const char *what)
{
	(void)snprintf(reason, SANDBOX_REASON_MAX, "%s: %s", what,
	    strerror(errno));
	return (SANDBOX_FAILED);
}

enum sandbox_rc
sandbox_enter(const struct sandbox *s, char reason[SANDBOX_REASON_MAX])
{
	struct ruleset rules = { .fs = FS_FIRST };
	long version = syscall(CREATE_RULESET, NULL, 0, GET_VERSION);
	enum sandbox_rc rc = SANDBOX_OK;
	int set;

	if (version < 1)
		return (SANDBOX_ABSENT);
	errno = ENOMEM;
	if (s->failed)
		return (failed(reason, "too many paths"));
	if (version >= 3)
		rules.fs |= FS_TRUNCATE;
	set = (int)syscall(CREATE_RULESET, &rules, sizeof(rules), 0);
	if (set == -1)
		return (failed(reason, "landlock_create_ruleset"));
	for (unsigned i = 0; rc == SANDBOX_OK && i < s->n; i++) {
		if (add(set, rules.fs, s->list[i].use, s->list[i].path) == -1)
			rc = failed(reason, s->list[i].path);
	}
	if (rc == SANDBOX_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		rc = failed(reason, "PR_SET_NO_NEW_PRIVS");
	if (rc == SANDBOX_OK && syscall(RESTRICT_SELF, set, 0) == -1)
		rc = failed(reason, "landlock_restrict_self");
	(void)close(set);
	return (rc);
}

void
sandbox_fini(struct sandbox *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->list[i].path);
	s->n = 0;
}
