#include "handlers/queue/aws_files.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (256 * 1024)
#define PATH_MAX_LEN 4096

const char *
aws_variable(const struct handler_env *env, const char *name)
{
	return (env->variable == NULL ? NULL : env->variable(env->arg, name));
}

const char *
aws_files_profile(const struct handler_env *env, const struct aws_settings *set)
{
	const char *name = set->profile;

	if (name == NULL)
		name = aws_variable(env, "AWS_PROFILE");
	return (name != NULL ? name : "default");
}

/* All of an open file. Returns its length, or -1 with errno. */
static ssize_t
read_all(int fd, char *bytes, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, bytes + len, size - len)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		len += (size_t)n;
	}
	return ((ssize_t)len);
}

/* Add what one file says. Returns 0, or -1 and a reason. */
static int
file_read(const char *path, const char *name, enum aws_profile_file file,
    struct aws_profile *p, char *reason)
{
	char *bytes = NULL;
	struct stat st;
	ssize_t len = -1;
	int fd, error;

	/* Not blocking: it might be a pipe that nobody writes to. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return (0);
		goto out;
	}
	if (fstat(fd, &st) == -1)
		goto out;
	errno = EFBIG;
	if (!S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (st.st_size <= FILE_MAX &&
		 (bytes = malloc(FILE_MAX + 1)) != NULL)
		len = read_all(fd, bytes, FILE_MAX);
	if (len >= 0)
		aws_profile_read(p, bytes, (size_t)len, name, file);
out:
	error = errno;
	if (fd != -1)
		(void)close(fd);
	if (len > 0)
		explicit_bzero(bytes, (size_t)len);
	free(bytes);
	if (len >= 0)
		return (0);
	(void)snprintf(reason, HANDLER_REASON_MAX, "%.190s cannot be read: %s",
	    path, strerror(error));
	return (-1);
}

/* Where a file is; NULL: nowhere, as there is no home. */
static const char *
file_path(const struct handler_env *env, const char *variable,
    const char *below_home, char path[PATH_MAX_LEN])
{
	const char *given = aws_variable(env, variable);
	const char *home = aws_variable(env, "HOME");
	const char *rest = below_home;
	int n;

	if (given != NULL && strncmp(given, "~/", 2) == 0)
		rest = given + 1;
	else if (given != NULL)
		return (given);
	if (home == NULL)
		return (NULL);
	n = snprintf(path, PATH_MAX_LEN, "%s%s", home, rest);
	return (n < 0 || n >= PATH_MAX_LEN ? NULL : path);
}

int
aws_files_read(const struct handler_env *env, const struct aws_settings *set,
    struct aws_profile *ret_profile, char reason[HANDLER_REASON_MAX])
{
	const char *name = aws_files_profile(env, set), *path = set->file;
	char room[PATH_MAX_LEN];

	memset(ret_profile, 0, sizeof(*ret_profile));
	if (path == NULL)
		path = file_path(env, "AWS_SHARED_CREDENTIALS_FILE",
		    "/.aws/credentials", room);
	if (path != NULL && file_read(path, name, AWS_PROFILE_CREDENTIALS,
				ret_profile, reason) == -1)
		return (-1);
	path = file_path(env, "AWS_CONFIG_FILE", "/.aws/config", room);
	if (path != NULL && file_read(path, name, AWS_PROFILE_CONFIG,
				ret_profile, reason) == -1)
		return (-1);
	return (0);
}

/* -- The region -- */

/* Copy a name of letters, digits and hyphens. Returns 0, or -1. */
static int
region_copy(const char *text, size_t len, char ret_region[AWS_REGION_MAX + 1])
{
	if (len == 0 || len > AWS_REGION_MAX ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") < len)
		return (-1);
	memcpy(ret_region, text, len);
	ret_region[len] = '\0';
	return (0);
}

int
aws_region_of_host(const char *host, char ret_region[AWS_REGION_MAX + 1])
{
	/* What follows the service's name: "sqs.", "sqs-fips.", "vpce-….sqs."
	 */
	static const char *const services[] = { "sqs.", "sqs-fips." };
	const char *at, *dot;

	for (size_t i = 0; i < 2; i++) {
		if ((at = strstr(host, services[i])) == NULL ||
		    (at != host && at[-1] != '.'))
			continue;
		at += strlen(services[i]);
		if ((dot = strchr(at, '.')) == NULL ||
		    (strncmp(dot, ".amazonaws.com", 14) != 0 &&
			strncmp(dot, ".vpce.amazonaws.com", 19) != 0 &&
			strncmp(dot, ".api.aws", 8) != 0 &&
			strncmp(dot, ".api.amazonwebservices.com", 26) != 0))
			continue;
		return (region_copy(at, (size_t)(dot - at), ret_region));
	}
	if (strcmp(host, "queue.amazonaws.com") == 0)
		return (region_copy("us-east-1", 9, ret_region));
	at = strstr(host, ".queue.amazonaws.com");
	if (at == NULL)
		return (-1);
	return (region_copy(host, (size_t)(at - host), ret_region));
}

int
aws_region_of_env(const struct handler_env *env, const struct aws_settings *set,
    char ret_region[AWS_REGION_MAX + 1])
{
	const char *region = aws_variable(env, "AWS_REGION");
	char reason[HANDLER_REASON_MAX];
	struct aws_profile *p;
	int rc = -1;

	if (region == NULL)
		region = aws_variable(env, "AWS_DEFAULT_REGION");
	if (region != NULL)
		return (region_copy(region, strlen(region), ret_region));
	if ((p = malloc(sizeof(*p))) == NULL)
		return (-1);
	if (aws_files_read(env, set, p, reason) == 0)
		rc = region_copy(p->region, strlen(p->region), ret_region);
	aws_profile_wipe(p);
	free(p);
	return (rc);
}
