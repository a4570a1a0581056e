/*
 * What only all keys of a handler show, and all handlers: what is missing,
 * what does not belong together, who rings for whom.
 */
#include "server/config/config_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/exec/program.h"
#include "handlers/handler.h"
#include "server/base/log.h"
#include "server/base/nearest.h"

/* What a type asks for, and what it is given when it asks for nothing. */
static const struct {
	const char *type;
	const char *required; /* a key; NULL: none */
	int64_t timeout_ms;
	int64_t concurrency;
} needs[] = {
	{ "forward", "url", 5000, 4 },
	{ "exec", "command", 30000, 2 },
};

static const struct config_given *
find_given(const struct config_draft *d, const struct config_handler *h,
    const char *key)
{
	return (config_given_find(d, h->line,
	    config_key_find(config_handler_keys, "handler", key)));
}

unsigned
config_handler_line(const struct config_draft *d,
    const struct config_handler *h, const char *key)
{
	const struct config_given *g = find_given(d, h, key);

	return (g == NULL ? h->line : g->line);
}

bool
config_handler_is_tls(const struct config_handler *h)
{
	return (h->url != NULL && strncasecmp(h->url, "https:", 6) == 0);
}

/* Is the word among those of the list, by blanks? NULL: all are. */
static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p != NULL && *p != '\0';
	     p += strcspn(p, " "), p += strspn(p, " ")) {
		if (strcspn(p, " ") == len && strncmp(p, word, len) == 0)
			return (true);
	}
	return (list == NULL);
}

/* Keys that say nothing to this type are mistakes. */
static void
check_keys(struct config_draft *d, const struct config_handler *h)
{
	const struct config_given *g;

	for (const struct key *key = config_handler_keys; key->name != NULL;
	     key++) {
		g = config_given_find(d, h->line, key);
		if (g != NULL && !has_word(key->types, h->type))
			config_draft_error(d,
			    "%sis no key of a handler of type %s", g->where,
			    h->type);
	}
}

/* The defaults that differ from type to type. */
static void
set_type_defaults(struct config_handler *h)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (strcmp(needs[i].type, h->type) != 0)
			continue;
		if (h->timeout_ms == 0)
			h->timeout_ms = needs[i].timeout_ms;
		if (h->concurrency == 0)
			h->concurrency = needs[i].concurrency;
	}
}

static void
check_type(struct config_draft *d, struct config_handler *h)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (strcmp(needs[i].type, h->type) != 0)
			continue;
		if (find_given(d, h, needs[i].required) == NULL)
			config_draft_error(d,
			    "%s:%u: handler.%s: is missing in [handler %s]",
			    d->src->path, h->line, needs[i].required, h->name);
	}
	set_type_defaults(h);
}

/* -- Alarms -- */

static const struct config_handler *
find_handler(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if (strcmp(cfg->handlers[i].name, name) == 0)
			return (&cfg->handlers[i]);
	}
	return (NULL);
}

static const char *
nearest_handler(const struct config *cfg, const char *name)
{
	struct nearest n;

	nearest_init(&n, name);
	for (size_t i = 0; i < cfg->nhandlers; i++)
		nearest_offer(&n, cfg->handlers[i].name);
	return (nearest_get(&n));
}

/* Does the chain of alarms that begins at h come back to it? */
static bool
rings_itself(const struct config *cfg, const struct config_handler *h)
{
	const struct config_handler *next = h;

	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if (next->on_deadline == NULL ||
		    (next = find_handler(cfg, next->on_deadline)) == NULL)
			return (false);
		if (next == h)
			return (true);
	}
	return (false);
}

static void
check_alarm(struct config_draft *d, const struct config_handler *h)
{
	const char *near;

	if (h->deadline_ms != 0 && h->on_deadline == NULL)
		config_draft_error(d,
		    "%s:%u: handler.deadline: needs on_deadline, the handler "
		    "that rings then",
		    d->src->path, config_handler_line(d, h, "deadline"));
	if (h->on_deadline == NULL)
		return;
	if (h->deadline_ms == 0)
		config_draft_error(d,
		    "%s:%u: handler.on_deadline: needs a deadline",
		    d->src->path, config_handler_line(d, h, "on_deadline"));
	if (find_handler(d->cfg, h->on_deadline) == NULL) {
		near = nearest_handler(d->cfg, h->on_deadline);
		config_draft_error(d,
		    "%s:%u: handler.on_deadline: there is no [handler %s]"
		    "%s%s%s",
		    d->src->path, config_handler_line(d, h, "on_deadline"),
		    log_text(h->on_deadline),
		    near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
	} else if (strcmp(h->on_deadline, h->name) == 0) {
		config_draft_error(d,
		    "%s:%u: handler.on_deadline: %s cannot ring for itself",
		    d->src->path, config_handler_line(d, h, "on_deadline"),
		    h->name);
	} else if (rings_itself(d->cfg, h)) {
		config_draft_error(d,
		    "%s:%u: handler.on_deadline: %s would ring for %s in a "
		    "circle",
		    d->src->path, config_handler_line(d, h, "on_deadline"),
		    h->on_deadline, h->name);
	}
}

/* -- TLS -- */

static void
check_tls(struct config_draft *d, const struct config_handler *h)
{
	static const char *const names[] = { "ca_file", "client_certificate",
		"client_key" };
	const char *const files[] = { h->ca_file, h->client_certificate,
		h->client_key };

	for (size_t i = 0; i < 3; i++) {
		if (files[i] != NULL && !config_handler_is_tls(h))
			config_draft_error(d,
			    "%s:%u: handler.%s: is of no use without an "
			    "https:// url",
			    d->src->path, config_handler_line(d, h, names[i]),
			    names[i]);
	}
	if (h->client_certificate != NULL && h->client_key == NULL)
		config_draft_error(d,
		    "%s:%u: handler.client_certificate: needs client_key",
		    d->src->path,
		    config_handler_line(d, h, "client_certificate"));
	if (h->client_key != NULL && h->client_certificate == NULL)
		config_draft_error(d,
		    "%s:%u: handler.client_key: needs client_certificate",
		    d->src->path, config_handler_line(d, h, "client_key"));
}

/* -- Files -- */

/* The program must be there now: an alarm is no time to find that out. */
static void
check_program(struct config_draft *d, const struct config_handler *h)
{
	char why[HANDLER_REASON_MAX];
	struct arena memory = { 0 };
	const char *path;

	if (h->command.n > 0 &&
	    program_find(&memory, h->command.items[0], &path, why) == -1)
		config_draft_error(d, "%s:%u: handler.%s", d->src->path,
		    config_handler_line(d, h, "command"), why);
	arena_fini(&memory);
}

static void
read_files(struct config_draft *d, struct config_handler *h)
{
	char why[KEY_REASON_MAX];
	bool newline;

	for (size_t i = 0; i < h->headers.n; i++) {
		if (config_outlet_header_file(&h->headers.items[i], d->cfg->dir,
			why) == -1)
			config_draft_error(d, "%s:%u: handler.header: %s",
			    d->src->path, config_handler_line(d, h, "header"),
			    why);
	}
	if (h->sign_secret_file != NULL &&
	    secrets_read_file(h->sign_secret_file, &h->sign_secret,
		&h->sign_secret_len, &newline, why) == -1)
		config_draft_error(d, "%s:%u: handler.sign_secret_file: %s",
		    d->src->path, config_handler_line(d, h, "sign_secret_file"),
		    why);
}

/* -- All of it -- */

static bool
config_is_ordered(const struct config_handler *h)
{
	const struct handler *type = handler_find(h->type);

	switch (h->ordering) {
	case ORDERING_AUTO:
		return (type != NULL && type->ordered);
	case ORDERING_ORDER:
		return (true);
	case ORDERING_NONE:
		break;
	}
	return (false);
}

/* What klikitd dev --forward-to asks for: every event, each time it comes. */
static void
add_forward(struct config_draft *d)
{
	static const char name[] = "dev", where[] = "--forward-to: ";
	struct config_handler *h;

	if (find_handler(d->cfg, name) != NULL) {
		config_draft_error(d,
		    "%sthe configuration has a [handler %s] already", where,
		    name);
		return;
	}
	if ((h = config_draft_handler(d, name, 0)) == NULL)
		return;
	config_draft_set(d,
	    config_key_find(config_handler_keys, "handler", "type"), h, where,
	    "forward");
	config_draft_set(d,
	    config_key_find(config_handler_keys, "handler", "url"), h, where,
	    d->src->forward_to);
	config_draft_set(d,
	    config_key_find(config_handler_keys, "handler", "once_per_order"),
	    h, where, "no");
	config_draft_set(d,
	    config_key_find(config_handler_keys, "handler", "repeats"), h,
	    where, "send");
	set_type_defaults(h);
	h->ordered = config_is_ordered(h);
	h->tells = true;
}

void
config_check_handlers(struct config_draft *d)
{
	const struct key *type =
	    config_key_find(config_handler_keys, "handler", "type");
	struct config *cfg = d->cfg;
	struct config_handler *h;

	if (cfg->nhandlers == 0) {
		if ((h = config_draft_handler(d, "orders", 0)) != NULL)
			config_draft_set(d, type, h,
			    "handler.type: ", "orders");
	}
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		h = &cfg->handlers[i];
		if (h->type == NULL) {
			if (find_given(d, h, "type") == NULL)
				config_draft_error(d,
				    "%s:%u: handler.type: is missing in "
				    "[handler %s]",
				    d->src->path, h->line, h->name);
			check_alarm(d, h);
			continue;
		}
		h->ordered = config_is_ordered(h);
		check_keys(d, h);
		check_type(d, h);
		check_alarm(d, h);
		check_tls(d, h);
		if (d->src->need == CONFIG_SERVER) {
			read_files(d, h);
			check_program(d, h);
		}
	}
	if (d->src->forward_to != NULL)
		add_forward(d);
}
