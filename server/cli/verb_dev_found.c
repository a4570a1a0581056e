/*
 * Which server a verb means that is given nothing: where only klikitd dev has
 * been, as after ./run, its store and its secret are the ones there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/dev_dir.h"
#include "server/cli/process_guard.h"
#include "server/cli/verb.h"
#include "server/config/config_env.h"

/* config_error_fn: what is wrong is reported when it is loaded in earnest. */
static void
ignore_cb(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

/* Is a key given by a flag or a variable? */
static bool
is_given(const struct verb_args *args, const char *key, const char *variable)
{
	for (size_t i = 0; i < args->nconfig_flags; i++) {
		if (strcmp(args->config_flags[2 * i], key) == 0)
			return (true);
	}
	return (config_env_get(process_environment(), variable) != NULL);
}

/* Is there a store where it would be without dev? */
static bool
default_store_exists(const struct verb_args *args)
{
	const struct config_source src =
	    verb_config_source(args, CONFIG_STORE, false);
	struct config *cfg = config_load(&src, ignore_cb, NULL);
	bool there = true; /* of a bad configuration dev is no way out */

	if (cfg != NULL)
		there = !store_traits(cfg->store_url)->is_file ||
			access(config_store_place(cfg), F_OK) == 0;
	config_free(cfg);
	return (there);
}

/* Has dev that file? Say that it is taken. */
static bool
take_dev_file(const struct verb_args *args, const char *name, const char *what)
{
	char *path = dev_dir_path(name);
	bool there = path != NULL && access(path, F_OK) == 0;

	if (there)
		fprintf(stderr,
		    "klikitd %s: no %s is configured here: takes that of "
		    "klikitd dev, %s\n",
		    args->verb->name, what, log_text(path));
	free(path);
	return (there);
}

bool
verb_dev_store(const struct verb_args *args)
{
	if (verb_has(args, "dev"))
		return (true);
	if (args->config_path != NULL ||
	    is_given(args, "store.url", "KLIKITD_STORE_URL") ||
	    default_store_exists(args))
		return (false);
	return (take_dev_file(args, CONFIG_DEV_STORE, "store"));
}

bool
verb_dev_secret(const struct verb_args *args)
{
	if (verb_has(args, "dev"))
		return (true);
	if (args->config_path != NULL ||
	    is_given(args, "klikit.secret_file",
		"KLIKITD_KLIKIT_SECRET_FILE") ||
	    is_given(args, "", CONFIG_ENV_SECRET) ||
	    is_given(args, "", CONFIG_ENV_SECRET "_FILE"))
		return (false);
	return (take_dev_file(args, CONFIG_DEV_SECRET, "secret"));
}
