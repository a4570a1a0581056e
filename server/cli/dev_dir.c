#include "server/cli/dev_dir.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/auth/signature.h"
#include "server/base/log.h"
#include "server/config/config.h"
#include "store/base/hex.h"

/* Random bytes of the secret that dev makes. */
#define DEV_SECRET_BYTES 24

#define URL_FILE "url"
#define URL_MAX 512

/* Locked while the URL is good; a killed process leaves it unlocked. */
static int url_fd = -1;

char *
dev_dir_path(const char *name)
{
	char *dir, *path;

	if ((dir = config_dev_dir((const char *const *)environ)) == NULL)
		return (NULL);
	if (asprintf(&path, "%s/%s", dir, name) == -1)
		path = NULL;
	free(dir);
	return (path);
}

/*
 * Write a new random secret to path, so that nobody ever sees half a file.
 * Returns 0, also if somebody else was faster; or -1 with errno.
 */
static int
secret_make(const char *path)
{
	unsigned char bytes[DEV_SECRET_BYTES];
	char text[2 * DEV_SECRET_BYTES + 1];
	char tmp[PATH_MAX];
	int fd = -1;
	int rc = -1;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld", path, (long)getpid()) >=
	    (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if (signature_random(bytes, sizeof(bytes)) == -1) {
		errno = EIO;
		return (-1);
	}
	hex_encode(bytes, sizeof(bytes), text);
	if ((fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ==
	    -1)
		return (-1);
	if (write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
	    fsync(fd) == 0 && (link(tmp, path) == 0 || errno == EEXIST))
		rc = 0;
	(void)close(fd);
	(void)unlink(tmp);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	return (rc);
}

int
dev_dir_make(char reason[DEV_DIR_REASON_MAX])
{
	char *dir = config_dev_dir((const char *const *)environ);
	char *path = dev_dir_path(CONFIG_DEV_SECRET);
	int rc = -1;

	if (dir == NULL || path == NULL)
		(void)snprintf(reason, DEV_DIR_REASON_MAX,
		    "out of memory, or no working directory");
	else if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		(void)snprintf(reason, DEV_DIR_REASON_MAX,
		    "cannot make the directory %s: %s", log_text(dir),
		    strerror(errno));
	else if (access(path, F_OK) == -1 && secret_make(path) == -1)
		(void)snprintf(reason, DEV_DIR_REASON_MAX,
		    "cannot write a secret to %s: %s", log_text(path),
		    strerror(errno));
	else
		rc = 0;
	free(dir);
	free(path);
	return (rc);
}

/* -- The address -- */

void
dev_dir_tell(const char *url)
{
	char *path = dev_dir_path(URL_FILE);

	if (path != NULL)
		url_fd =
		    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (url_fd == -1)
		return;
	if (flock(url_fd, LOCK_EX | LOCK_NB) == -1 ||
	    ftruncate(url_fd, 0) == -1 || dprintf(url_fd, "%s\n", url) < 0) {
		(void)close(url_fd);
		url_fd = -1;
	}
}

void
dev_dir_forget(void)
{
	char *path;

	if (url_fd == -1)
		return;
	if ((path = dev_dir_path(URL_FILE)) != NULL)
		(void)unlink(path);
	free(path);
	(void)close(url_fd);
	url_fd = -1;
}

char *
dev_dir_url(void)
{
	char *path = dev_dir_path(URL_FILE);
	char text[URL_MAX];
	char *url = NULL;
	ssize_t n = -1;
	int fd = -1;

	if (path != NULL)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	/* Who can lock it looks at what a killed one has left. */
	if (fd != -1 && flock(fd, LOCK_SH | LOCK_NB) == -1 &&
	    errno == EWOULDBLOCK)
		n = read(fd, text, sizeof(text) - 1);
	if (n > 0 && text[n - 1] == '\n' &&
	    memchr(text, '\0', (size_t)n) == NULL) {
		text[n - 1] = '\0';
		url = strdup(text);
	}
	if (fd != -1)
		(void)close(fd);
	free(path);
	return (url);
}
