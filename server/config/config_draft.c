/*
 * A configuration being built: what was given so far, and what was wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/config/config_address.h"
#include "server/config/config_draft.h"
#include "server/config/config_credential.h"

#define NAME_MAX_LEN 128
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
	char line[LINE_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (config_list_add(&d->cfg->warnings, line, strlen(line)) == -1)
		config_draft_error(d, "out of memory");
}

void
config_draft_report_warnings(struct config_draft *d)
{
	const struct key_list *list = &d->cfg->warnings;
	char line[LINE_MAX_LEN];

	for (size_t i = 0; i < list->n; i++) {
		(void)snprintf(line, sizeof(line), "warning: %s",
		    list->items[i]);
		d->error(line, d->error_arg);
	}
}

static void
check_dev_listen(struct config_draft *d, const struct key_list *list,
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

/* -- Values -- */

const struct config_given *
config_given_find(const struct config_draft *d, unsigned section,
    const char *key)
{
	for (size_t i = d->ngiven; i > 0; i--) {
		if (d->given[i - 1].section == section &&
		    strcmp(d->given[i - 1].key->name, key) == 0)
			return (&d->given[i - 1]);
	}
	return (NULL);
}

void
config_given_add(struct config_draft *d, const struct config_given *g)
{
	struct config_given *grown;
	char *where = strdup(g->where);

	grown = realloc(d->given, (d->ngiven + 1) * sizeof(*grown));
	if (grown != NULL)
		d->given = grown;
	if (grown == NULL || where == NULL) {
		free(where);
		config_draft_error(d, "out of memory");
		return;
	}
	grown[d->ngiven] = *g;
	grown[d->ngiven++].where = where;
}

const char *
config_key_where(const struct config_draft *d, unsigned section,
    const char *key, char ret_where[CONFIG_WHERE_MAX])
{
	const struct config_given *g = config_given_find(d, section, key);

	if (g != NULL)
		(void)snprintf(ret_where, CONFIG_WHERE_MAX, "%s", g->where);
	else if (section == 0 && d->src->extra != NULL)
		(void)snprintf(ret_where, CONFIG_WHERE_MAX,
		    "%s%s: ", d->src->extra->where, key);
	else
		(void)snprintf(ret_where, CONFIG_WHERE_MAX,
		    "%s:%u: %s: ", d->src->path, section, key);
	return (ret_where);
}

void
config_key_error(struct config_draft *d, unsigned section, const char *key,
    const char *fmt, ...)
{
	char reason[KEY_REASON_MAX], where[CONFIG_WHERE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	config_draft_error(d, "%s%s", config_key_where(d, section, key, where),
	    reason);
}

void
config_key_require(struct config_draft *d, unsigned section, const char *key,
    const char *name)
{
	if (config_given_find(d, section, key) == NULL)
		config_key_error(d, section, key, "is missing in [%.*s %s]",
		    (int)strcspn(key, "."), key, name);
}

void
config_draft_set(struct config_draft *d, const struct key *key, void *base,
    const char *where, const char *text)
{
	bool file = key->kind == KEY_PATH || key->kind == KEY_SECRET;
	char reason[KEY_REASON_MAX], *path = NULL;

	if (file &&
	    strncmp(text, CONFIG_CREDENTIAL, strlen(CONFIG_CREDENTIAL)) == 0) {
		if ((path = config_credential_path(d->credentials, text,
			 reason)) == NULL) {
			config_draft_error(d, "%s%s", where, reason);
			return;
		}
		text = path;
	}
	if (key->check == config_check_store)
		d->store_relative = text[strcspn(text, ":")] == ':' &&
				    text[strcspn(text, ":") + 1] != '/';
	if (config_value_set(key, base, d->cfg->dir, text, reason) == -1)
		config_draft_error(d, "%s%s", where, reason);
	else if (d->src->dev && (key->check == config_check_listen ||
				    key->check == config_check_admin))
		check_dev_listen(d,
		    (const void *)((const char *)base + key->offset), where);
	free(path);
}

/* -- Defaults -- */

void
config_draft_default(struct config_draft *d, const struct key *key, void *base,
    const char *def)
{
	bool dev = d->src->dev && key->dev != NULL;
	char reason[KEY_REASON_MAX];

	if (def != NULL &&
	    config_value_set(key, base, dev ? d->dev_dir : d->cfg->dir,
		dev ? key->dev : def, reason) == -1)
		config_draft_error(d, "%s: default: %s", key->name, reason);
}

void
config_draft_defaults(struct config_draft *d, const struct key *keys,
    void *base)
{
	for (const struct key *key = keys; key->name != NULL; key++)
		config_draft_default(d, key, base, key->def);
}

void
config_unknown_key(struct config_draft *d, const char *section, const char *key,
    unsigned line)
{
	const struct key *const ours[] = { config_global_keys,
		config_secret_keys, config_endpoint_keys, config_upstream_keys,
		config_handler_keys, config_outlet_keys, config_unit_keys };
	char name[NAME_MAX_LEN]; /* what is cut off is near to none */
	struct nearest n;

	(void)snprintf(name, sizeof(name), "%s.%s", section, key);
	nearest_init(&n, name);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		config_keys_offer(ours[i], &n);
	for (size_t i = 0; d->src->types[i] != NULL; i++)
		config_keys_offer(d->src->types[i]->keys, &n);
	config_draft_error(d, "%s:%u: %s.%s: unknown key%s", d->src->path, line,
	    section, log_text(key), nearest_hint(&n, "", ""));
}
