#include "server/cli/admin_link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "store/store.h"

/* Write the file's path to ret_path. Returns 0, or -1 if it is too long. */
static int
link_path(const char *store_url, const char *end, char ret_path[PATH_MAX])
{
	char store[PATH_MAX];
	int n;

	/* The store may be named by a symbolic link; its files are not. */
	if (store_locate(store_url, store) == -1)
		return (-1);
	n = snprintf(ret_path, PATH_MAX, "%s.admin%s", store, end);
	return (n < 0 || n >= PATH_MAX ? -1 : 0);
}

static int
fail(char *reason, const char *path, const char *why)
{
	(void)snprintf(reason, ADMIN_LINK_REASON_MAX, "%s: %s", log_text(path),
	    why);
	return (-1);
}

int
admin_link_write(const char *store_url, const char *url,
    char reason[ADMIN_LINK_REASON_MAX])
{
	char path[PATH_MAX], tmp[PATH_MAX];
	size_t len = strlen(url);
	int fd, rc = -1;

	if (!store_traits(store_url)->is_file)
		return (0); /* verbs go to the store by themselves */
	if (link_path(store_url, "", path) == -1 ||
	    link_path(store_url, ".new", tmp) == -1)
		return (fail(reason, "the store",
		    "is no file, or its path is too long"));
	/* Whatever is there is a dead server's: we hold the lock. */
	(void)unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return (fail(reason, tmp, strerror(errno)));
	if (write(fd, url, len) == (ssize_t)len && write(fd, "\n", 1) == 1 &&
	    rename(tmp, path) == 0)
		rc = 0;
	else
		(void)fail(reason, path, strerror(errno));
	(void)close(fd);
	if (rc == -1)
		(void)unlink(tmp);
	return (rc);
}

void
admin_link_remove(const char *store_url)
{
	char path[PATH_MAX];

	if (link_path(store_url, "", path) == 0)
		(void)unlink(path);
}

int
admin_link_read(const char *store_url, char ret_url[HTTP_URL_MAX],
    char reason[ADMIN_LINK_REASON_MAX])
{
	char path[PATH_MAX];
	FILE *in;
	int rc = -1;

	if (link_path(store_url, "", path) == -1)
		return (fail(reason, "the store",
		    "is no file, or its path is too long"));
	if ((in = fopen(path, "re")) == NULL)
		return (fail(reason, path, strerror(errno)));
	if (fgets(ret_url, HTTP_URL_MAX, in) == NULL)
		(void)fail(reason, path, "holds no address");
	else {
		ret_url[strcspn(ret_url, "\n")] = '\0';
		rc = 0;
	}
	(void)fclose(in);
	return (rc);
}
