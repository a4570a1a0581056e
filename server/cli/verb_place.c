/*
 * The configuration that is read where -c names none.
 *
 * klikitd dev, listen, trigger and sink are for trying things out: what they do
 * is not to reach the kitchens of a service that runs on the same machine, so
 * they take no file but one that is named.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/process_guard.h"
#include "server/cli/verb.h"
#include "server/config/config_env.h"

/* One that this user may not see is there, and an error when it is read. */
static bool
is_there(const char *path)
{
	return (access(path, F_OK) == 0 || errno == EACCES);
}

/* The value of the variable, which may be empty; NULL: it is not set. */
static const char *
variable(void)
{
	const char *const *env = process_environment();
	size_t len = strlen(CONFIG_ENV_FILE);

	for (; *env != NULL; env++) {
		if (strncmp(*env, CONFIG_ENV_FILE, len) == 0 &&
		    (*env)[len] == '=')
			return (*env + len + 1);
	}
	return (NULL);
}

void
verb_find_config(struct verb_args *args)
{
	const char *path = variable();

	if (!args->verb->config || args->verb->alone ||
	    args->config_path != NULL || verb_has(args, "dev"))
		return;
	if (path == NULL && is_there(VERB_CONFIG_FILE))
		path = VERB_CONFIG_FILE;
	if (path == NULL || *path == '\0')
		return;
	args->config_path = path;
	fprintf(stderr, "configuration: %s\n", log_text(path));
}
