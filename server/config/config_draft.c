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
    const struct key *key)
{
	for (size_t i = d->ngiven; i > 0; i--) {
		if (d->given[i - 1].section == section &&
		    d->given[i - 1].key == key)
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

static void
set_default(struct config_draft *d, const struct key *key, void *base,
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
		set_default(d, key, base, key->def);
}

/* What depends on the type. Returns 0, or -1 when out of memory. */
static int
type_defaults(struct config_draft *d, struct config_handler *h)
{
	const struct key *key;

	if (config_events_def(h->type) != NULL)
		set_default(d,
		    config_key_find(config_handler_keys, "handler", "events"),
		    h, config_events_def(h->type));
	for (key = config_outlet_keys; h->type->outlet && key->name != NULL;
	     key++)
		set_default(d, key, h, config_key_def(key, h->type));
	if (h->type->per_order)
		config_draft_defaults(d, config_unit_keys, h);
	if (h->type->keys == NULL)
		return (0);
	if ((h->settings = calloc(1, h->type->settings_size)) == NULL)
		return (-1);
	config_draft_defaults(d, h->type->keys, h->settings);
	return (0);
}

const struct config_handler *
config_handler_find(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if (strcmp(cfg->handlers[i].name, name) == 0)
			return (&cfg->handlers[i]);
	}
	return (NULL);
}

struct config_handler *
config_draft_handler(struct config_draft *d, const char *name, unsigned line,
    const struct handler *type)
{
	struct config *cfg = d->cfg;
	struct config_handler *grown, *h;

	grown = realloc(cfg->handlers, (cfg->nhandlers + 1) * sizeof(*grown));
	if (grown == NULL)
		goto nomem;
	cfg->handlers = grown;
	h = &cfg->handlers[cfg->nhandlers];
	*h = (struct config_handler){ .line = line, .type = type };
	if ((h->name = strdup(name)) == NULL)
		goto nomem;
	cfg->nhandlers++;
	config_draft_defaults(d, config_handler_keys, h);
	if (type == NULL || type_defaults(d, h) == 0)
		return (h);
nomem:
	config_draft_error(d, "out of memory");
	return (NULL);
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
	config_draft_defaults(d, config_secret_keys, secret);
	return (secret);
}

struct config_endpoint *
config_draft_endpoint(struct config_draft *d, const char *name, unsigned line)
{
	struct config *cfg = d->cfg;
	struct config_endpoint *grown, *ep;

	grown = realloc(cfg->endpoints, (cfg->nendpoints + 1) * sizeof(*grown));
	if (grown != NULL)
		cfg->endpoints = grown;
	if (grown == NULL || (name = strdup(name)) == NULL) {
		config_draft_error(d, "out of memory");
		return (NULL);
	}
	ep = &cfg->endpoints[cfg->nendpoints++];
	*ep = (struct config_endpoint){ .name = (char *)name, .line = line };
	config_draft_defaults(d, config_endpoint_keys, ep);
	return (ep);
}

struct config_upstream *
config_draft_upstream(struct config_draft *d, const char *name, unsigned line)
{
	struct config *cfg = d->cfg;
	struct config_upstream *grown, *up;

	grown = realloc(cfg->upstreams, (cfg->nupstreams + 1) * sizeof(*grown));
	if (grown != NULL)
		cfg->upstreams = grown;
	if (grown == NULL || (name = strdup(name)) == NULL) {
		config_draft_error(d, "out of memory");
		return (NULL);
	}
	up = &cfg->upstreams[cfg->nupstreams++];
	*up = (struct config_upstream){ .name = (char *)name, .line = line };
	config_draft_defaults(d, config_upstream_keys, up);
	return (up);
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
