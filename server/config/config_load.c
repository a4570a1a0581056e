/*
 * A configuration is built in the order of precedence: defaults, the file,
 * PORT, the environment, flags. Each value is checked where it stands, even
 * if a later one replaces it.
 *
 * klikitd dev has other defaults: it listens on the loopback only, keeps its
 * store and its secret in a directory of its own, and logs for people. klikitd
 * listen is one that has no such directory: its verb says where its store is.
 */
#include "server/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handlers/body/status_ask.h"
#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/config/config_check.h"
#include "server/config/config_credential.h"
#include "server/config/config_draft.h"
#include "server/config/config_env.h"
#include "server/config/config_named.h"
#include "server/config/config_place.h"

/* -- Flags -- */

static void
set_flags(struct config_draft *d)
{
	const char *name, *value;
	const struct key *key;
	char where[CONFIG_ENV_MAX];

	for (size_t i = 0; i < d->src->nflags; i++) {
		name = d->src->flags[2 * i];
		value = d->src->flags[2 * i + 1];
		if ((key = config_key_flag(name)) == NULL) {
			config_draft_error(d, "--%s: unknown flag",
			    log_text(name));
			continue;
		}
		(void)snprintf(where, sizeof(where), "--%s: ", name);
		config_given_add(d,
		    &(struct config_given){ .key = key, .where = where });
		config_draft_set(d, key, d->cfg, where, value);
		if (key->offset == offsetof(struct config, secret_file))
			d->secret_flag = value[0] != '\0';
		if (key->check == config_check_store)
			d->store_flag = true;
	}
}

/* -- Directories -- */

/* The directory of the state, or def, made absolute. */
static char *
state_dir(const char *const *env, const char *def)
{
	char *cwd = getcwd(NULL, 0), *dir = config_env_state(env);
	char *joined = NULL;

	if (cwd != NULL)
		joined = config_path_join(cwd, dir == NULL ? def : dir);
	free(cwd);
	free(dir);
	return (joined);
}

char *
config_dev_dir(const char *const *env)
{
	return (state_dir(env, ".klikitd"));
}

/* Where relative paths begin: beside the file, or where the state is kept. */
static int
set_dirs(struct config_draft *d)
{
	struct config *cfg = d->cfg;
	char *cwd;

	if ((d->dev_dir = config_dev_dir(d->src->env)) == NULL)
		return (-1);
	if ((cwd = getcwd(NULL, 0)) == NULL)
		return (-1);
	if (d->src->path != NULL) {
		cfg->path = config_path_join(cwd, d->src->path);
		if (cfg->path != NULL)
			cfg->dir = strndup(cfg->path,
			    (size_t)(strrchr(cfg->path, '/') - cfg->path));
		if (cfg->dir != NULL && cfg->dir[0] == '\0') {
			free(cfg->dir);
			cfg->dir = strdup("/");
		}
	} else if (d->src->dev)
		cfg->dir = strdup(d->src->hub != NULL ? cwd : d->dev_dir);
	else
		cfg->dir = state_dir(d->src->env, cwd);
	free(cwd);
	return (cfg->dir == NULL ? -1 : 0);
}

/* How the store may be shown, now that it is known which one it is. */
static void
name_store(struct config_draft *d)
{
	char name[STORE_NAME_MAX];

	if (d->cfg->store_url == NULL)
		return;
	store_url_name(d->cfg->store_url, name);
	if ((d->cfg->store_name = strdup(name)) == NULL)
		config_draft_error(d, "out of memory");
}

/* -- The whole -- */

struct config *
config_load(const struct config_source *src, config_error_fn *error, void *arg)
{
	struct config_draft d;
	struct config *cfg;

	memset(&d, 0, sizeof(d));
	d.src = src;
	d.error = error;
	d.error_arg = arg;
	if ((d.cfg = calloc(1, sizeof(*d.cfg))) == NULL || set_dirs(&d) == -1) {
		config_draft_error(&d,
		    "out of memory, or no working directory");
		goto out;
	}
	d.credentials = config_credential_folder(
	    config_env_get(src->env, "CREDENTIALS_DIRECTORY"));
	config_draft_defaults(&d, config_global_keys, d.cfg);
	d.store_relative = true;
	if (src->dev)
		d.cfg->log_format = LOG_DEV;
	if (src->path != NULL)
		config_file_read(&d);
	config_env_read(&d);
	set_flags(&d);
	config_place_store(&d);
	name_store(&d);
	config_check(&d);
out:
	cfg = d.cfg;
	if (d.nerrors > 0) {
		if (cfg != NULL)
			config_draft_report_warnings(&d);
		config_free(cfg);
		cfg = NULL;
	}
	for (size_t i = 0; i < d.ngiven; i++)
		free(d.given[i].where);
	free(d.given);
	free(d.typed);
	free(d.dev_dir);
	return (cfg);
}

size_t
config_ends(const struct config *cfg, const char *const **ret_ends)
{
	const struct key_list *ends;

	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct config_handler *ch = &cfg->handlers[i];

		if (ch->type->statuses != NULL &&
		    ch->type->statuses->ends != NULL) {
			ends = ch->type->statuses->ends(ch->settings);
			*ret_ends = (const char *const *)ends->items;
			return (ends->n);
		}
	}
	return (0);
}

bool
config_may_ask(const struct config *cfg, const char *word, char *ret_words,
    size_t size)
{
	const struct key_list *statuses;
	bool may = false;
	size_t len = 0;

	ret_words[0] = '\0';
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct config_handler *ch = &cfg->handlers[i];

		if (ch->type->statuses == NULL ||
		    ch->type->statuses->words == NULL)
			continue;
		statuses = ch->type->statuses->words(ch->settings);
		may = may || status_ask_find(statuses, word) != NULL;
		for (size_t j = 0; j < statuses->n && len < size; j++)
			len += (size_t)snprintf(ret_words + len, size - len,
			    "%s%.*s", len == 0 ? "" : ", ",
			    (int)strcspn(statuses->items[j], ":"),
			    statuses->items[j]);
	}
	return (may);
}

int64_t
config_deadline(const struct config *cfg, const char *handler)
{
	const struct config_handler *h = config_handler_find(cfg, handler);

	return (h == NULL ? 0 : h->deadline_ms);
}

const char *
config_status_name(const struct config *cfg, const char *code)
{
	size_t len = strlen(code);

	for (size_t i = 0; i < cfg->status_names.n; i++) {
		const char *item = cfg->status_names.items[i];

		if (strncmp(item, code, len) == 0 && item[len] == ' ')
			return (item + len + 1);
	}
	return (NULL);
}

void
config_free(struct config *cfg)
{
	if (cfg == NULL)
		return;
	config_named_free(cfg, &config_handlers);
	config_named_free(cfg, &config_secrets);
	config_named_free(cfg, &config_endpoints);
	config_named_free(cfg, &config_upstreams);
	config_list_free(&cfg->warnings);
	if (cfg->reconcile.credentials != NULL)
		explicit_bzero(cfg->reconcile.credentials,
		    strlen(cfg->reconcile.credentials));
	free(cfg->reconcile.credentials);
	config_values_free(config_global_keys, cfg);
	if (cfg->admin_token != NULL)
		explicit_bzero(cfg->admin_token, strlen(cfg->admin_token));
	free(cfg->admin_token);
	free(cfg->store_name);
	free(cfg->path);
	free(cfg->dir);
	free(cfg);
}

const char *
config_flag(const char *name)
{
	const struct key *key = config_key_flag(name);

	return (key == NULL ? NULL : key->name);
}

const char *
config_nearest_flag(const char *name)
{
	struct nearest n;

	nearest_init(&n, name);
	config_keys_offer(config_global_keys, &n);
	return (nearest_get(&n));
}

bool
config_needs_restart(const struct config *now, const struct config *next,
    const char **ret_key)
{
	/* Its content may change, and its name; not that there is one. */
	if ((now->tls_certificate == NULL) != (next->tls_certificate == NULL)) {
		*ret_key = "tls.certificate";
		return (true);
	}
	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++) {
		if ((key->flags & KEY_RESTART) != 0 &&
		    !config_value_equal(key, now, next)) {
			*ret_key = key->name;
			return (true);
		}
	}
	return (false);
}
