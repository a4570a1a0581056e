/*
 * What a handler's section may hold: the keys of every handler, and those of
 * its type. And the handlers that have no section.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/config/config_draft.h"

#define KNOWN_MAX 256

/* -- Wrong keys and types -- */

bool
config_handler_other(struct config_draft *d, const char *name, unsigned line)
{
	const struct config_handler *h =
	    &d->cfg->handlers[d->cfg->nhandlers - 1];
	bool known = false, own;

	for (size_t i = 0; d->src->types[i] != NULL && !known; i++)
		known =
		    config_handler_key(d->src->types[i], name, &own) != NULL;
	if (known && h->type != NULL)
		config_draft_error(d,
		    "%s:%u: handler.%s: is no key of a handler of type %s",
		    d->src->path, line, name, h->type->type);
	return (known);
}

void
config_handler_no_type(struct config_draft *d, const char *where,
    const char *name)
{
	const struct handler *const *types = d->src->types;
	char known[KNOWN_MAX] = "";
	size_t at = 0;

	for (size_t i = 0; types[i] != NULL && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
		    i == 0 ? "" : ", ", types[i]->type);
	config_draft_error(d, "%sno type \"%s\"; there is: %s", where,
	    log_text(name), known);
}

/* -- Handlers without a section -- */

void
config_handler_default(struct config_draft *d)
{
	const struct handler *type = d->src->types[0];

	(void)config_draft_handler(d, type->type, 0, type);
}

/* The value of one of its keys; NULL: it is not there. */
static const char *
extra_value(const struct config_extra *extra, const char *key)
{
	for (size_t i = 0; extra->keys[i] != NULL; i += 2) {
		if (strcmp(extra->keys[i], key) == 0)
			return (extra->keys[i + 1]);
	}
	return (NULL);
}

void
config_handler_extra(struct config_draft *d)
{
	const struct config_extra *extra = d->src->extra;
	const struct key *key;
	struct config_handler *h;
	bool own;

	if (config_handler_find(d->cfg, extra->name) != NULL) {
		config_draft_error(d,
		    "%sthe configuration has a [handler %s] already",
		    extra->where, extra->name);
		return;
	}
	h = config_draft_handler(d, extra->name, 0,
	    handler_find(d->src->types, extra_value(extra, "type")));
	for (size_t i = 0; h != NULL && extra->keys[i] != NULL; i += 2) {
		key = config_handler_key(h->type, extra->keys[i], &own);
		config_given_add(d, &(struct config_given){ .key = key,
					.where = (char *)extra->where });
		config_draft_set(d, key, own ? h->settings : h, extra->where,
		    extra->keys[i + 1]);
	}
	if (h != NULL)
		h->logs_answers = true;
}

/* -- Where they were given -- */

static const struct config_given *
find_given(const struct config_draft *d, const struct config_handler *h,
    const char *name)
{
	const struct key *key;
	bool own;

	key = config_handler_key(h->type, name, &own);
	return (key == NULL ? NULL : config_given_find(d, h->line, key));
}

bool
config_handler_has(const struct config_draft *d, const struct config_handler *h,
    const char *key)
{
	return (find_given(d, h, key) != NULL);
}

const char *
config_handler_where(const struct config_draft *d,
    const struct config_handler *h, const char *key,
    char ret_where[CONFIG_WHERE_MAX])
{
	const struct config_given *g = find_given(d, h, key);

	if (g != NULL)
		(void)snprintf(ret_where, CONFIG_WHERE_MAX, "%s", g->where);
	else if (h->line == 0 && d->src->extra != NULL)
		(void)snprintf(ret_where, CONFIG_WHERE_MAX,
		    "%shandler.%s: ", d->src->extra->where, key);
	else
		(void)snprintf(ret_where, CONFIG_WHERE_MAX,
		    "%s:%u: handler.%s: ", d->src->path, h->line, key);
	return (ret_where);
}
