/*
 * A configuration is built in the order of precedence: defaults, the file,
 * PORT, the environment, flags. Each value is checked where it stands, even
 * if a later one replaces it.
 *
 * klikitd dev has other defaults: it listens on the loopback only, keeps its
 * store and its secret in a directory of its own, and logs for people.
 */
#include "server/config/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/config/config_draft.h"

#define LINE_MAX_LEN 1024

void
config_draft_error(struct config_draft *d, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	d->nerrors++;
	d->error(line, d->error_arg);
}

void
config_draft_warn(struct config_draft *d, const char *fmt, ...)
{
	struct config_list *list = &d->cfg->warnings;
	char line[LINE_MAX_LEN];
	char **grown;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	grown = realloc(list->items, (list->n + 1) * sizeof(*grown));
	if (grown != NULL)
		list->items = grown;
	if (grown == NULL || (grown[list->n] = strdup(line)) == NULL)
		config_draft_error(d, "out of memory");
	else
		list->n++;
}

/* An error may come of what is only warned of, so say that as well. */
static void
report_warnings(struct config_draft *d)
{
	const struct config_list *list = &d->cfg->warnings;
	char line[LINE_MAX_LEN];

	for (size_t i = 0; i < list->n; i++) {
		(void)snprintf(line, sizeof(line), "warning: %s",
		    list->items[i]);
		d->error(line, d->error_arg);
	}
}

bool
config_is_loopback(const char *address)
{
	return (strncmp(address, "127.", 4) == 0 ||
		strncmp(address, "[::1]:", 6) == 0);
}

static void
check_dev_listen(struct config_draft *d, const struct config_list *list,
    const char *where)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!config_is_loopback(list->items[i]))
			config_draft_error(d,
			    "%s%s is not on this machine's loopback, and "
			    "klikitd dev listens nowhere else; use klikitd "
			    "serve for other addresses",
			    where, list->items[i]);
	}
}

void
config_draft_set(struct config_draft *d, const struct config_key *key,
    void *base, const char *where, const char *text)
{
	char reason[CONFIG_REASON_MAX];
	char **where_set = &d->where[key - config_key_at(0)];

	if (key->scope == CONFIG_GLOBAL) {
		free(*where_set);
		*where_set = strdup(where);
	}
	if (key->kind == CONFIG_URL)
		d->store_relative = text[strcspn(text, ":")] == ':' &&
				    text[strcspn(text, ":") + 1] != '/';
	if (config_value_set(key, base, d->cfg->dir, text, reason) == -1)
		config_draft_error(d, "%s%s", where, reason);
	else if (d->src->dev &&
		 (key->kind == CONFIG_LISTEN || key->kind == CONFIG_ADMIN))
		check_dev_listen(d,
		    (const void *)((const char *)base + key->offset), where);
}

/* -- Defaults -- */

static void
set_defaults(struct config_draft *d, enum config_scope scope, void *base)
{
	const struct config_key *key;
	char reason[CONFIG_REASON_MAX];
	const char *dir, *def;

	for (size_t i = 0; (key = config_key_at(i)) != NULL; i++) {
		if (key->scope != scope || key->def == NULL)
			continue;
		def = key->def;
		dir = d->cfg->dir;
		if (d->src->dev && key->dev != NULL) {
			def = key->dev;
			dir = d->dev_dir;
		}
		if (config_value_set(key, base, dir, def, reason) == -1)
			config_draft_error(d, "%s: default: %s", key->name,
			    reason);
	}
}

struct config_handler *
config_draft_handler(struct config_draft *d, const char *name, unsigned line)
{
	struct config *cfg = d->cfg;
	struct config_handler *grown, *h;

	grown = realloc(cfg->handlers, (cfg->nhandlers + 1) * sizeof(*grown));
	if (grown != NULL)
		cfg->handlers = grown;
	if (grown == NULL || (name = strdup(name)) == NULL) {
		config_draft_error(d, "out of memory");
		return (NULL);
	}
	h = &cfg->handlers[cfg->nhandlers++];
	memset(h, 0, sizeof(*h));
	h->name = (char *)name;
	h->line = line;
	set_defaults(d, CONFIG_HANDLER, h);
	return (h);
}

struct config_secret *
config_draft_secret(struct config_draft *d, const char *name)
{
	struct config *cfg = d->cfg;
	struct config_secret *grown, *secret;

	grown = realloc(cfg->secrets, (cfg->nsecrets + 1) * sizeof(*grown));
	if (grown != NULL)
		cfg->secrets = grown;
	if (grown == NULL || (name = strdup(name)) == NULL) {
		config_draft_error(d, "out of memory");
		return (NULL);
	}
	secret = &cfg->secrets[cfg->nsecrets++];
	memset(secret, 0, sizeof(*secret));
	secret->name = (char *)name;
	set_defaults(d, CONFIG_SECRET, secret);
	return (secret);
}

/* -- Flags -- */

static void
set_flags(struct config_draft *d)
{
	const char *name, *value;
	const struct config_key *key;
	char where[CONFIG_ENV_MAX];

	for (size_t i = 0; i < d->src->nflags; i++) {
		name = d->src->flags[2 * i];
		value = d->src->flags[2 * i + 1];
		key = NULL;
		for (size_t j = 0; config_has_flag(name); j++) {
			key = config_key_at(j);
			if (strcmp(key->name, name) == 0)
				break;
		}
		if (key == NULL) {
			config_draft_error(d, "--%s: unknown flag",
			    log_text(name));
			continue;
		}
		(void)snprintf(where, sizeof(where), "--%s: ", name);
		config_draft_set(d, key, d->cfg, where, value);
		if (key->offset == offsetof(struct config, secret_file))
			d->secret_flag = value[0] != '\0';
	}
}

/* -- Directories -- */

/* $STATE_DIRECTORY, which systemd fills; NULL if it names no directory. */
static const char *
state_variable(const char *const *env)
{
	const char *dir = config_env_get(env, "STATE_DIRECTORY");

	if (dir != NULL)
		dir += strspn(dir, ":");
	return (dir == NULL || *dir == '\0' ? NULL : dir);
}

/* The first directory of $STATE_DIRECTORY, or def, made absolute. */
static char *
state_dir(const char *const *env, const char *def)
{
	const char *dir = state_variable(env);
	char *cwd = NULL, *first = NULL, *joined = NULL;

	cwd = getcwd(NULL, 0);
	if (dir == NULL)
		first = strdup(def);
	else
		first = strndup(dir, strcspn(dir, ":"));
	if (cwd != NULL && first != NULL)
		joined = config_path_join(cwd, first);
	free(cwd);
	free(first);
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
		cfg->dir = strdup(d->dev_dir);
	else if (state_variable(d->src->env) != NULL)
		cfg->dir = state_dir(d->src->env, "");
	else
		cfg->dir = strdup(cwd);
	free(cwd);
	return (cfg->dir == NULL ? -1 : 0);
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
	set_defaults(&d, CONFIG_GLOBAL, d.cfg);
	d.store_relative = true;
	if (src->dev)
		d.cfg->log_format = LOG_DEV;
	if (src->path != NULL)
		config_file_read(&d);
	config_env_read(&d);
	set_flags(&d);
	config_place_store(&d);
	config_check(&d);
out:
	cfg = d.cfg;
	if (d.nerrors > 0) {
		if (cfg != NULL)
			report_warnings(&d);
		config_free(cfg);
		cfg = NULL;
	}
	for (size_t i = 0; i < CONFIG_KEYS_MAX; i++)
		free(d.where[i]);
	free(d.dev_dir);
	return (cfg);
}

static void
handler_fini(struct config_handler *h)
{
	free(h->name);
	free(h->type);
	config_list_free(&h->events);
	config_list_free(&h->brands);
	config_list_free(&h->branches);
	config_list_free(&h->terminal);
	free(h->retry_ms);
	free(h->on_deadline);
	free(h->url);
	config_list_free(&h->headers);
	free(h->sign_secret_file);
	if (h->sign_secret != NULL)
		explicit_bzero(h->sign_secret, h->sign_secret_len);
	free(h->sign_secret);
	free(h->ca_file);
	free(h->client_certificate);
	free(h->client_key);
	config_list_free(&h->command);
}

static void
secret_fini(struct config_secret *secret)
{
	free(secret->name);
	free(secret->source);
	free(secret->scope);
	if (secret->bytes != NULL)
		explicit_bzero(secret->bytes, secret->len);
	free(secret->bytes);
}

void
config_free(struct config *cfg)
{
	if (cfg == NULL)
		return;
	for (size_t i = 0; i < cfg->nhandlers; i++)
		handler_fini(&cfg->handlers[i]);
	for (size_t i = 0; i < cfg->nsecrets; i++)
		secret_fini(&cfg->secrets[i]);
	free(cfg->handlers);
	free(cfg->secrets);
	config_list_free(&cfg->warnings);
	config_list_free(&cfg->http_listen);
	config_list_free(&cfg->http_plain_listen);
	config_list_free(&cfg->admin_listen);
	config_list_free(&cfg->status_order);
	free(cfg->admin_token_file);
	if (cfg->admin_token != NULL)
		explicit_bzero(cfg->admin_token, strlen(cfg->admin_token));
	free(cfg->admin_token);
	free(cfg->secret_file);
	free(cfg->secret_scope);
	free(cfg->tls_certificate);
	free(cfg->tls_key);
	free(cfg->store_url);
	free(cfg->path);
	free(cfg->dir);
	free(cfg);
}
