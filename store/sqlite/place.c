/*
 * Where the files are: the one path that every name of the store leads to,
 * who owns them, and why one cannot be opened, in words.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

char *
place_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return (strdup("."));
	if (slash == path)
		return (strdup("/"));
	return (strndup(path, (size_t)(slash - path)));
}

enum store_rc
place_errno(const char *path, int err, char *reason)
{
	char *folder = place_folder(path);
	const char *in = folder != NULL ? folder : "its folder";

	switch (err) {
	case ENOENT:
	case ENOTDIR:
		(void)snprintf(reason, STORE_REASON_MAX,
		    access(in, F_OK) == 0
			? "%s: cannot be made in %s; name another place"
			: "%s: the folder %s does not exist; create it",
		    path, in);
		break;
	case ELOOP:
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: a symbolic link to a file that is not there; is its "
		    "disk mounted? Put the file back or give its path",
		    path);
		break;
	case EROFS:
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: its file system is mounted read-only, as it becomes "
		    "by itself when its disk fails; look at the disk (dmesg), "
		    "then mount it for writing",
		    path);
		break;
	case EACCES:
	case EPERM:
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: cannot be written (%s); let this user write to it "
		    "and to the folder %s",
		    path, strerror(err), in);
		break;
	case ENOSPC:
	case EDQUOT:
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: no space left on its disk; free some", path);
		break;
	default:
		(void)snprintf(reason, STORE_REASON_MAX, "%s: %s", path,
		    strerror(err));
		break;
	}
	free(folder);
	return (err == ENOSPC || err == EDQUOT ? STORE_FULL : STORE_FAILED);
}

int
place_sync_folder(const char *path)
{
	char *folder = place_folder(path);
	int fd, rc;

	if (folder == NULL)
		return (-1);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd == -1)
		return (-1);
	rc = fsync(fd);
	(void)close(fd);
	return (rc);
}

/* The path of a file that is not there yet: its folder has one. */
static char *
place_new(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = place_folder(path);
	char *real = folder == NULL ? NULL : realpath(folder, NULL);
	char *whole = NULL;

	free(folder);
	if (real == NULL)
		return (strdup(path)); /* opening it will say why */
	if (asprintf(&whole, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
		slash == NULL ? path : slash + 1) == -1)
		whole = NULL;
	free(real);
	return (whole);
}

char *
place_real(const char *path)
{
	char *real = realpath(path, NULL);

	return (real != NULL ? real : place_new(path));
}

int
place_locate(const char *path, char ret_path[PATH_MAX])
{
	char *real = place_real(path);
	int n = -1;

	if (real != NULL)
		n = snprintf(ret_path, PATH_MAX, "%s", real);
	free(real);
	return (n < 0 || n >= PATH_MAX ? -1 : 0);
}

void
place_own(const char *path, int fd)
{
	struct stat sb;
	char *folder;
	int rc;

	if (geteuid() != 0)
		return;
	if ((rc = stat(path, &sb)) == -1 &&
	    (folder = place_folder(path)) != NULL) {
		rc = stat(folder, &sb);
		free(folder);
	}
	if (rc == 0 && sb.st_uid != 0 && fchown(fd, sb.st_uid, sb.st_gid) == -1)
		return; /* a disk without owners */
}

void
place_stamp(int64_t now_ms, char ret_stamp[PLACE_STAMP_MAX])
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	(void)strftime(ret_stamp, PLACE_STAMP_MAX, "%Y%m%d-%H%M%S", &tm);
}

int
place_rename(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return (0);
	if (errno != EINVAL && errno != ENOSYS)
		return (-1);
	if (link(from, to) == -1)
		return (-1);
	(void)unlink(from);
	return (0);
}
