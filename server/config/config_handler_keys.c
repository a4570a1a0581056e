/*
 * A handler from the keys of its section: those of every handler, and those of
 * its type, which is known when all of the section is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/config/config_draft.h"

#define KNOWN_MAX 256

/* A handler's section that is being turned into a handler. */
struct section {
	struct config_draft *d;
	struct config_handler *h;
	const char *where; /* of what is not from the file; else NULL */
};

/* -- Keeping the lines -- */

static void
line_free(struct config_line *line)
{
	free(line->key);
	if (line->value != NULL) /* a header may hold a token */
		explicit_bzero(line->value, strlen(line->value));
	free(line->value);
}

static void
lines_free(struct config_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		line_free(&l->items[i]);
	free(l->items);
	free(l->name);
	*l = (struct config_lines){ .name = NULL };
}

void
config_handler_begin(struct config_draft *d, const char *name, unsigned line)
{
	d->lines.section = line;
	if ((d->lines.name = strdup(name)) == NULL)
		config_draft_error(d, "out of memory");
}

void
config_handler_add(struct config_draft *d, const struct config_line *line)
{
	struct config_lines *l = &d->lines;
	struct config_line *grown, copy = *line;

	copy.key = strdup(line->key);
	copy.value = strdup(line->value);
	grown = realloc(l->items, (l->n + 1) * sizeof(*grown));
	if (grown != NULL)
		l->items = grown;
	if (grown == NULL || copy.key == NULL || copy.value == NULL) {
		line_free(&copy);
		config_draft_error(d, "out of memory");
		return;
	}
	grown[l->n++] = copy;
}

/* -- Which key it is -- */

/* Does any type have the key? */
static bool
is_key(const struct config_draft *d, const char *name)
{
	bool own;

	for (size_t i = 0; d->src->types[i] != NULL; i++) {
		if (config_handler_key(d->src->types[i], name, &own) != NULL)
			return (true);
	}
	return (false);
}

static void
no_key(const struct section *s, const struct config_line *line)
{
	if (!is_key(s->d, line->key))
		config_unknown_key(s->d, "handler", line->key, line->line);
	else if (s->h->type != NULL) /* a key of another type is a mistake */
		config_draft_error(s->d,
		    "%s:%u: handler.%s: is no key of a handler of type %s",
		    s->d->src->path, line->line, line->key, s->h->type->type);
}

static void
no_type(struct config_draft *d, const char *where, const char *name)
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

/* -- Setting them -- */

static void
set_line(const struct section *s, const struct config_line *line)
{
	struct config_draft *d = s->d;
	struct config_handler *h = s->h;
	char where[CONFIG_WHERE_MAX];
	const struct key *key;
	bool own;

	if ((key = config_handler_key(h->type, line->key, &own)) == NULL) {
		no_key(s, line);
		return;
	}
	if (s->where != NULL)
		(void)snprintf(where, sizeof(where), "%s", s->where);
	else
		(void)snprintf(where, sizeof(where),
		    "%s:%u: %s: ", d->src->path, line->line, key->name);
	if (config_given_find(d, h->line, key) != NULL) {
		config_draft_error(d, "%sgiven twice", where);
		return;
	}
	config_given_add(d,
	    &(struct config_given){ h->line, key, line->line, where });
	if (!line->quoted &&
	    config_comment_check(d, key, where, line->value) == -1)
		return;
	config_draft_set(d, key, own ? h->settings : h, where, line->value);
	if (h->type == NULL && strcmp(line->key, "type") == 0)
		no_type(d, where, line->value);
}

/* Make a handler of what was kept; where: of what is not from the file. */
static struct config_handler *
make_handler(struct config_draft *d, const char *where)
{
	struct config_lines *l = &d->lines;
	const struct handler *type = NULL;
	struct section s = { .d = d, .where = where };

	for (size_t i = 0; i < l->n && type == NULL; i++) {
		if (strcmp(l->items[i].key, "type") == 0)
			type = handler_find(d->src->types, l->items[i].value);
	}
	s.h = config_draft_handler(d, l->name, l->section, type);
	for (size_t i = 0; s.h != NULL && i < l->n; i++)
		set_line(&s, &l->items[i]);
	lines_free(l);
	return (s.h);
}

void
config_handler_end(struct config_draft *d)
{
	if (d->lines.name != NULL)
		(void)make_handler(d, NULL);
}

static void
add_key(struct config_draft *d, const char *key, const char *value)
{
	config_handler_add(d,
	    &(struct config_line){ (char *)key, (char *)value, true, 0 });
}

void
config_handler_default(struct config_draft *d)
{
	const struct handler *type = d->src->types[0];

	(void)config_draft_handler(d, type->type, 0, type);
}

void
config_handler_extra(struct config_draft *d)
{
	const struct config_extra *extra = d->src->extra;
	struct config_handler *h;

	for (size_t i = 0; i < d->cfg->nhandlers; i++) {
		if (strcmp(d->cfg->handlers[i].name, extra->name) != 0)
			continue;
		config_draft_error(d,
		    "%sthe configuration has a [handler %s] already",
		    extra->where, extra->name);
		return;
	}
	config_handler_begin(d, extra->name, 0);
	for (size_t i = 0; extra->keys[i] != NULL; i += 2)
		add_key(d, extra->keys[i], extra->keys[i + 1]);
	if ((h = make_handler(d, extra->where)) != NULL)
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
