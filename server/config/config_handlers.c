/*
 * What only all keys of a handler show, and all handlers: what is missing,
 * what does not belong together, who rings for whom.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/secrets.h"
#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/config/config_check.h"
#include "server/config/config_draft.h"
#include "server/config/config_named.h"

#define KEY_NAME_MAX 64 /* of "section.key" */

/* -- Alarms -- */

/* Does the chain of alarms that begins at h come back to it? */
static bool
rings_itself(const struct config *cfg, const struct config_handler *h)
{
	const struct config_handler *next = h;

	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if (next->on_deadline == NULL ||
		    (next = config_handler_find(cfg, next->on_deadline)) ==
			NULL)
			return (false);
		if (next == h)
			return (true);
	}
	return (false);
}

static void
no_such_alarm(struct config_draft *d, const struct config_handler *h)
{
	struct nearest n;

	nearest_init(&n, h->on_deadline);
	for (size_t i = 0; i < d->cfg->nhandlers; i++)
		nearest_offer(&n, d->cfg->handlers[i].name);
	config_key_error(d, h->line, "handler.on_deadline",
	    "there is no [handler %s]%s", log_text(h->on_deadline),
	    nearest_hint(&n, "", ""));
}

static void
check_alarm(struct config_draft *d, const struct config_handler *h)
{
	if (h->deadline_ms != 0 && h->on_deadline == NULL)
		config_key_error(d, h->line, "handler.deadline",
		    "needs on_deadline, the handler that rings then");
	if (h->on_deadline == NULL)
		return;
	if (h->deadline_ms == 0)
		config_key_error(d, h->line, "handler.on_deadline",
		    "needs a deadline");
	if (config_handler_find(d->cfg, h->on_deadline) == NULL)
		no_such_alarm(d, h);
	else if (strcmp(h->on_deadline, h->name) == 0)
		config_key_error(d, h->line, "handler.on_deadline",
		    "%s cannot ring for itself", h->name);
	else if (rings_itself(d->cfg, h))
		config_key_error(d, h->line, "handler.on_deadline",
		    "%s would ring for %s in a circle", h->on_deadline,
		    h->name);
}

/* -- What the type asks for -- */

/* A handler that is being checked. */
struct check {
	struct config_draft *d;
	const struct config_handler *h;
};

/* handler_check */
static void
wrong_cb(void *arg, const char *key, const char *reason)
{
	const struct check *c = arg;
	char name[KEY_NAME_MAX];

	(void)snprintf(name, sizeof(name), "handler.%s", key);
	config_key_error(c->d, c->h->line, name, "%s", reason);
}

/* handler_check */
static int
read_file_cb(void *arg, const char *path, char **ret_bytes, size_t *ret_len,
    char reason[KEY_REASON_MAX])
{
	const struct check *c = arg;
	char *whole = config_path_join(c->d->cfg->dir, path);
	bool newline;
	int rc;

	if (whole == NULL)
		return (config_reason(reason, "out of memory"));
	rc = secrets_read_file(whole, ret_bytes, ret_len, &newline, reason);
	free(whole);
	return (rc);
}

static void
check_required(struct config_draft *d, const struct config_handler *h)
{
	for (const struct key *key = h->type->keys; key->name != NULL; key++) {
		if ((key->flags & KEY_REQUIRED) != 0)
			config_key_require(d, h->line, key->name, h->name);
	}
}

static void
read_secrets(struct config_draft *d, struct config_handler *h)
{
	char reason[KEY_REASON_MAX];
	struct key_secret *secret;
	bool newline;

	for (const struct key *key = h->type->keys; key->name != NULL; key++) {
		secret = (void *)((char *)h->settings + key->offset);
		if (key->kind == KEY_SECRET && secret->file != NULL &&
		    secrets_read_file(secret->file, &secret->bytes,
			&secret->len, &newline, reason) == -1)
			config_key_error(d, h->line, key->name, "%s", reason);
	}
}

static void
check_type(struct config_draft *d, struct config_handler *h)
{
	struct check c = { d, h };
	const struct handler_check check = {
		.files = d->src->need == CONFIG_SERVER,
		.wrong = wrong_cb,
		.read_file = read_file_cb,
		.arg = &c,
	};

	if (h->settings == NULL)
		return;
	check_required(d, h);
	if (check.files)
		read_secrets(d, h);
	if (h->type->check != NULL)
		h->type->check(h->settings, &check);
}

/* -- Handlers without a section -- */

static void
add_default(struct config_draft *d)
{
	const struct handler *type = d->src->types[0];

	(void)config_named_handler(d, type->type, 0, type);
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

static void
add_extra(struct config_draft *d)
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
	h = config_named_handler(d, extra->name, 0,
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

/* -- All of it -- */

static bool
is_ordered(const struct config_handler *h)
{
	switch (h->ordering) {
	case ORDERING_AUTO:
		return (h->type->ordered);
	case ORDERING_ORDER:
		return (true);
	case ORDERING_NONE:
		break;
	}
	return (false);
}

void
config_check_handlers(struct config_draft *d)
{
	struct config *cfg = d->cfg;
	struct config_handler *h;

	if (cfg->nhandlers == 0)
		add_default(d);
	if (d->src->extra != NULL)
		add_extra(d);
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		h = &cfg->handlers[i];
		if (h->type == NULL)
			config_key_require(d, h->line, "handler.type", h->name);
		check_alarm(d, h);
		if (h->type == NULL)
			continue;
		h->ordered = is_ordered(h);
		check_type(d, h);
	}
}

void
config_target(const struct config *cfg, const char *name,
    char ret_text[HANDLER_REASON_MAX])
{
	const struct config_handler *h = config_handler_find(cfg, name);

	ret_text[0] = '\0';
	if (h != NULL && h->type->target != NULL)
		h->type->target(h->settings, ret_text);
}

/* "what a, b", of a list that has some; behind what stands there already. */
static void
takes_add(char text[HANDLER_REASON_MAX], const char *what,
    const struct key_list *list)
{
	size_t len;

	for (size_t i = 0; i < list->n; i++) {
		len = strlen(text);
		(void)snprintf(text + len, HANDLER_REASON_MAX - len, "%s%s%s",
		    i > 0      ? ", "
		    : len == 0 ? ""
			       : "; ",
		    i == 0 ? what : "", list->items[i]);
	}
}

const char *
config_takes(const struct config *cfg, const char *name,
    char ret_text[HANDLER_REASON_MAX])
{
	const struct config_handler *h = config_handler_find(cfg, name);

	ret_text[0] = '\0';
	if (h == NULL)
		return (NULL);
	takes_add(ret_text, "events ", &h->events);
	takes_add(ret_text, "brands ", &h->brands);
	takes_add(ret_text, "branches ", &h->branches);
	takes_add(ret_text, "endpoints ", &h->endpoints);
	takes_add(ret_text, "origins ", &h->origins);
	return (h->type_name);
}

struct handler_options
config_handler_options(const struct config *cfg, const struct config_handler *h)
{
	return ((struct handler_options){
	    .name = h->name,
	    .settings = h->settings,
	    .timeout_ms = h->timeout_ms,
	    .concurrency = (size_t)h->concurrency,
	    .status_order = cfg->status_order,
	});
}

const struct handler_tls_files *
config_handler_tls(const struct config_handler *h)
{
	if (h->type == NULL || h->type->tls == NULL)
		return (NULL);
	return (h->type->tls(h->settings));
}
