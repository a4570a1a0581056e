/*
 * The sections with a name: one struct each, found by that name.
 */
#include "server/config/config_named.h"

#include <stdlib.h>
#include <string.h>

#include "server/config/config_draft.h"

/* -- The kinds -- */

static void
handler_fini(void *item)
{
	struct config_handler *h = item;

	if (h->settings != NULL)
		config_values_free(h->type->keys, h->settings);
	free(h->settings);
}

static void
secret_fini(void *item)
{
	struct config_secret *secret = item;

	if (secret->bytes != NULL)
		explicit_bzero(secret->bytes, secret->len);
	free(secret->bytes);
}

static void
upstream_fini(void *item)
{
	struct config_upstream *up = item;

	if (up->token != NULL)
		explicit_bzero(up->token, strlen(up->token));
	free(up->token);
}

#define KIND(type, array)                                                      \
	.keys = type##_keys, .size = sizeof(struct type),                      \
	.line = offsetof(struct type, line),                                   \
	.items = offsetof(struct config, array),                               \
	.n = offsetof(struct config, n##array)

const struct config_kind config_secrets = {
	KIND(config_secret, secrets),
	.fini = secret_fini,
};

/* A name is a scope. */
const struct config_kind config_endpoints = {
	KIND(config_endpoint, endpoints),
	.name_max = CONFIG_SCOPE_MAX,
};

/* A name is in log lines and metrics. */
const struct config_kind config_upstreams = {
	KIND(config_upstream, upstreams),
	.name_max = CONFIG_SCOPE_MAX,
	.fini = upstream_fini,
};

const struct config_kind config_handlers = {
	KIND(config_handler, handlers),
	.fini = handler_fini,
};

/* -- One of a kind -- */

static size_t
count(const struct config *cfg, const struct config_kind *kind)
{
	return (*(const size_t *)((const char *)cfg + kind->n));
}

/* The i-th of them; all of them for 0. */
static char *
item_at(const struct config *cfg, const struct config_kind *kind, size_t i)
{
	char *items;

	memcpy(&items, (const char *)cfg + kind->items, sizeof(items));
	return (items == NULL ? NULL : items + i * kind->size);
}

void *
config_named_find(const struct config *cfg, const struct config_kind *kind,
    const char *name)
{
	for (size_t i = 0; i < count(cfg, kind); i++) {
		char *item = item_at(cfg, kind, i);

		if (strcmp(*(char **)item, name) == 0)
			return (item);
	}
	return (NULL);
}

void *
config_named_last(const struct config *cfg, const struct config_kind *kind)
{
	return (item_at(cfg, kind, count(cfg, kind) - 1));
}

unsigned
config_named_line(const struct config_kind *kind, const void *item)
{
	return (*(const unsigned *)((const char *)item + kind->line));
}

void *
config_named_add(struct config_draft *d, const struct config_kind *kind,
    const char *name, unsigned line)
{
	size_t n = count(d->cfg, kind);
	char *own = strdup(name), *items = NULL, *item;

	if (own != NULL)
		items = realloc(item_at(d->cfg, kind, 0), (n + 1) * kind->size);
	if (items == NULL) {
		free(own);
		config_draft_error(d, "out of memory");
		return (NULL);
	}
	memcpy((char *)d->cfg + kind->items, &items, sizeof(items));
	*(size_t *)((char *)d->cfg + kind->n) = n + 1;
	item = items + n * kind->size;
	memset(item, 0, kind->size);
	*(char **)item = own;
	*(unsigned *)(item + kind->line) = line;
	config_draft_defaults(d, kind->keys, item);
	return (item);
}

void
config_named_free(struct config *cfg, const struct config_kind *kind)
{
	for (size_t i = 0; i < count(cfg, kind); i++) {
		char *item = item_at(cfg, kind, i);

		if (kind->fini != NULL)
			kind->fini(item);
		free(*(char **)item);
		config_values_free(kind->keys, item);
	}
	free(item_at(cfg, kind, 0));
}

/* -- Handlers -- */

/* What depends on the type. Returns 0, or -1 when out of memory. */
static int
type_defaults(struct config_draft *d, struct config_handler *h)
{
	const struct key *key;

	if (config_events_def(h->type) != NULL)
		config_draft_default(d,
		    config_key_find(config_handler_keys, "handler", "events"),
		    h, config_events_def(h->type));
	for (key = config_outlet_keys; h->type->outlet && key->name != NULL;
	     key++)
		config_draft_default(d, key, h, config_key_def(key, h->type));
	if (h->type->per_order)
		config_draft_defaults(d, config_unit_keys, h);
	if (h->type->keys == NULL)
		return (0);
	if ((h->settings = calloc(1, h->type->settings_size)) == NULL)
		return (-1);
	config_draft_defaults(d, h->type->keys, h->settings);
	return (0);
}

struct config_handler *
config_named_handler(struct config_draft *d, const char *name, unsigned line,
    const struct handler *type)
{
	struct config_handler *h =
	    config_named_add(d, &config_handlers, name, line);

	if (h == NULL)
		return (NULL);
	h->type = type;
	if (type == NULL || type_defaults(d, h) == 0)
		return (h);
	config_draft_error(d, "out of memory");
	return (NULL);
}

/* -- Asked for -- */

const struct config_handler *
config_handler_find(const struct config *cfg, const char *name)
{
	return (config_named_find(cfg, &config_handlers, name));
}

const struct config_endpoint *
config_endpoint_find(const struct config *cfg, const char *name)
{
	return (config_named_find(cfg, &config_endpoints, name));
}

const struct config_upstream *
config_upstream_find(const struct config *cfg, const char *name)
{
	return (config_named_find(cfg, &config_upstreams, name));
}
