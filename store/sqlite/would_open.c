/*
 * Would a server start with this store? Looked at from outside: who may do
 * what with its files, and what the first bytes of the database say. Nothing
 * is opened by SQLite, which would make files of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

/* May this process do that with the file, if it is there? errno if not. */
static bool
look_may(const char *path, int what)
{
	return (faccessat(AT_FDCWD, path, what, AT_EACCESS) == 0 ||
		errno == ENOENT);
}

/* The folder: the server makes files in it. */
static enum store_rc
look_folder(const struct sqlite_store *s, char *reason)
{
	char *folder = place_folder(s->path);
	int rc = -1;

	errno = ENOMEM;
	if (folder != NULL)
		rc = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS);
	free(folder);
	return (rc == 0 ? STORE_OK : place_errno(s->path, errno, reason));
}

/* The files: it reads and writes each that is there. */
static enum store_rc
look_files(const struct sqlite_store *s, char *reason)
{
	static const char *const ends[] = { "", ".lock", "-wal", "-shm" };
	char name[PATH_MAX];
	int n;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		n = snprintf(name, sizeof(name), "%s%s", s->path, ends[i]);
		if (n < 0 || (size_t)n >= sizeof(name))
			return (place_errno(s->path, ENAMETOOLONG, reason));
		if (!look_may(name, R_OK | W_OK))
			return (place_errno(name, errno, reason));
	}
	return (STORE_OK);
}

/* There is none: is there room for one? */
static enum store_rc
look_at_none(const struct sqlite_store *s, char *reason)
{
	char *folder = place_folder(s->path);
	struct statvfs fs;
	bool full = folder != NULL && statvfs(folder, &fs) == 0 &&
		    fs.f_bavail == 0 && !restore_is_pending(s->path);

	free(folder);
	return (full ? place_errno(s->path, ENOSPC, reason) : STORE_OK);
}

static enum store_rc
look_at(struct sqlite_store *s, const char *path, enum store_found *ret_found,
    char *reason)
{
	enum store_rc what;
	struct stat sb;

	*ret_found = STORE_FOUND_NONE;
	if (stat(path, &sb) == -1 && errno == ENOENT && lstat(path, &sb) == 0)
		return (place_errno(path, ELOOP, reason));
	if (stat(s->path, &sb) == -1 && errno != ENOENT)
		return (place_errno(s->path, errno, reason));
	if ((what = look_folder(s, reason)) != STORE_OK ||
	    (what = look_files(s, reason)) != STORE_OK)
		return (what);
	if (stat(s->path, &sb) == -1)
		return (look_at_none(s, reason));
	if (!S_ISREG(sb.st_mode)) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: is %s; give the path of a file", s->path,
		    S_ISDIR(sb.st_mode) ? "a directory" : "no regular file");
		return (STORE_FAILED);
	}
	if (sb.st_size == 0) /* it is written as if there were none */
		return (STORE_OK);
	return (schema_of_file(s, ret_found, reason));
}

enum store_rc
would_open(const char *path, enum store_found *ret_found, char *reason)
{
	struct sqlite_store s = { .mode = STORE_SERVE };
	enum store_rc what;

	if ((s.path = place_real(path)) == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX, "%s: out of memory",
		    path);
		return (STORE_FAILED);
	}
	what = look_at(&s, path, ret_found, reason);
	free(s.path);
	return (what);
}
