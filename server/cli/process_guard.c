/*
 * A secret in the environment lies in memory that the kernel laid out before
 * main(): /proc/PID/environ shows those very bytes to every process of the
 * same user, a handler's program for one, and unsetenv(3) only forgets the
 * pointer to them. So they are overwritten where they are.
 */
#include "server/cli/process_guard.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config/config.h"

/* What holds a secret itself, or is meant for this process alone. */
static const char *const secret_variables[] = { CONFIG_ENV_SECRET,
	CONFIG_ENV_TOKEN,
	/* Of a handler that calls AWS. */
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	/* Of the service manager: a child could speak or listen as we. */
	"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS",
	"LISTEN_FDNAMES", "LISTEN_PID", "CREDENTIALS_DIRECTORY" };

/* As it came; NULL: the environment was left as it is. */
static char **whole;

static bool
is_secret(const char *variable)
{
	for (size_t i = 0;
	     i < sizeof(secret_variables) / sizeof(secret_variables[0]); i++) {
		size_t len = strlen(secret_variables[i]);

		if (strncmp(variable, secret_variables[i], len) == 0 &&
		    variable[len] == '=')
			return (true);
	}
	return (false);
}

/* A name may stand there several times. */
static void
wipe_secrets(void)
{
	size_t n = 0;
	char *value;

	for (size_t i = 0; environ[i] != NULL; i++) {
		if (!is_secret(environ[i])) {
			environ[n++] = environ[i];
			continue;
		}
		value = strchr(environ[i], '=') + 1;
		explicit_bzero(value, strlen(value));
	}
	environ[n] = NULL;
}

int
process_guard_environment(void)
{
	size_t n = 0;
	char **copy;

	while (environ[n] != NULL)
		n++;
	if ((copy = calloc(n + 1, sizeof(*copy))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = environ[i];
		if (is_secret(copy[i]) &&
		    (copy[i] = strdup(environ[i])) == NULL)
			goto fail;
	}
	whole = copy;
	wipe_secrets();
	return (0);
fail:
	for (size_t i = 0; i < n && copy[i] != NULL; i++) {
		if (!is_secret(copy[i]))
			continue;
		explicit_bzero(copy[i], strlen(copy[i]));
		free(copy[i]);
	}
	free(copy);
	return (-1);
}

const char *const *
process_environment(void)
{
	return ((const char *const *)(whole != NULL ? whole : environ));
}

void
process_guard_memory(void)
{
#ifdef KLIKITD_GUARD_MEMORY
	struct rlimit core;

	/* The hard limit stays: a handler's program may want core files. */
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = 0;
		(void)setrlimit(RLIMIT_CORE, &core);
	}
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

bool
process_is_root(void)
{
	uintmax_t inside, outside;
	bool mapped = false;
	FILE *in;

	if (geteuid() != 0)
		return (false);
	/* "0 0 4294967295": the ids inside, those outside, how many. */
	if ((in = fopen("/proc/self/uid_map", "re")) != NULL) {
		while (fscanf(in, "%ju %ju %*u", &inside, &outside) == 2)
			mapped |= inside == 0 && outside != 0;
		(void)fclose(in);
	}
	return (!mapped);
}
