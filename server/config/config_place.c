/*
 * Where a store stands whose path is relative: with the state of a service, not
 * with its configuration. What stands beside the configuration, because it was
 * made there before, is used and never overlooked.
 */
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/config/config_draft.h"
#include "server/config/config_env.h"
#include "server/config/config_place.h"
#include "store/store.h"

#define ETC "/etc"
#define STATE "/var/lib/klikitd"

bool
config_place_is_etc(const char *dir)
{
	size_t len = strlen(ETC);

	return (strncmp(dir, ETC, len) == 0 &&
		(dir[len] == '\0' || dir[len] == '/'));
}

enum config_place
config_place_choose(bool here, bool before, bool same)
{
	if (before && here && !same)
		return (CONFIG_PLACE_TWO);
	return (before && !here ? CONFIG_PLACE_BEFORE : CONFIG_PLACE_HERE);
}

/* The folder of the state, owned by the caller; NULL: the configuration's. */
static char *
state_folder(const struct config_draft *d)
{
	char *dir = config_env_state(d->src->env);
	struct stat st;

	if (dir != NULL)
		return (dir);
	if (config_place_is_etc(d->cfg->dir) && stat(STATE, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		return (strdup(STATE));
	return (NULL);
}

/* The store is beside the configuration so far; here is where it belongs. */
static void
choose(struct config_draft *d, const char *here)
{
	const char *before = strchr(d->cfg->store_url, ':') + 1;
	struct stat a, b;
	bool at_here = stat(here, &a) == 0, at_before = stat(before, &b) == 0;
	bool same = at_here && at_before && a.st_dev == b.st_dev &&
		    a.st_ino == b.st_ino;
	char *url;

	switch (config_place_choose(at_here, at_before, same)) {
	case CONFIG_PLACE_TWO:
		config_draft_error(d,
		    "store.url: there are two stores, %s and %s: name the "
		    "right one by its whole path",
		    log_text(here), log_text(before));
		return;
	case CONFIG_PLACE_BEFORE:
		config_draft_warn(d,
		    "store.url: %s is used, beside the configuration; a new "
		    "one would be %s: name one by its whole path",
		    log_text(before), log_text(here));
		return;
	case CONFIG_PLACE_HERE:
		break;
	}
	if (asprintf(&url, "%.*s%s", (int)(before - d->cfg->store_url),
		d->cfg->store_url, here) == -1) {
		config_draft_error(d, "out of memory");
		return;
	}
	free(d->cfg->store_url);
	d->cfg->store_url = url;
}

const char *
config_store_place(const struct config *cfg)
{
	if (!store_traits(cfg->store_url)->is_file)
		return (cfg->store_name);
	return (strchr(cfg->store_url, ':') + 1);
}

void
config_place_store(struct config_draft *d)
{
	const char *path = d->cfg->store_url;
	size_t len = strlen(d->cfg->dir);
	char *folder, *here = NULL;

	if (d->src->dev || d->src->path == NULL || !d->store_relative ||
	    path == NULL || !store_traits(path)->is_file ||
	    (folder = state_folder(d)) == NULL)
		return;
	path = strchr(path, ':') + 1 + (len == 1 ? 0 : len) + 1;
	if (strcmp(folder, d->cfg->dir) != 0 &&
	    (here = config_path_join(folder, path)) != NULL)
		choose(d, here);
	free(here);
	free(folder);
}
