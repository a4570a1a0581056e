/*
 * What only all endpoints show, and all secrets: who opens what, and what is
 * apart from what.
 *
 * A secret opens one endpoint, else what was signed for one tenant could be
 * sent again to another. For the same reason no two endpoints have a scope in
 * common.
 */
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/config/config_check.h"
#include "server/config/config_draft.h"
#include "server/config/config_named.h"

static bool
list_has(const struct key_list *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list->items[i], text) == 0)
			return (true);
	}
	return (false);
}

static bool
has_path(const struct config_endpoint *ep, const char *path)
{
	return (list_has(&ep->paths, ep->paths.n, path));
}

static const struct config_endpoint *
find_path(const struct config *cfg, const char *path)
{
	return (config_endpoint_at(cfg, path, strlen(path)));
}

/* -- Paths -- */

static void
check_paths(struct config_draft *d, const struct config_endpoint *ep)
{
	const struct config_endpoint *first;

	config_key_require(d, ep->line, "endpoint.path", ep->name);
	for (size_t i = 0; i < ep->paths.n; i++) {
		const char *path = ep->paths.items[i];

		if (list_has(&ep->paths, i, path))
			config_key_error(d, ep->line, "endpoint.path",
			    "%s is listed twice", path);
		else if ((first = find_path(d->cfg, path)) != ep)
			config_key_error(d, ep->line, "endpoint.path",
			    "%s is taken already, by [endpoint %s] on line %u",
			    path, first->name, first->line);
	}
	if (strcmp(ep->name, CONFIG_ENDPOINT) == 0 && ep->paths.n > 0 &&
	    !has_path(ep, CONFIG_WEBHOOK_PATH))
		config_key_error(d, ep->line, "endpoint.path",
		    "[endpoint " CONFIG_ENDPOINT "]: this name is that of the "
		    "endpoint with " CONFIG_WEBHOOK_PATH "; list that path, or "
		    "choose another name");
}

/* -- Secrets -- */

static void
no_secret(struct config_draft *d, const struct config_endpoint *ep,
    const char *name)
{
	struct nearest n;

	if (strcmp(name, "default") == 0) {
		config_key_error(d, ep->line, "endpoint.secrets",
		    "there is no secret default: set " CONFIG_ENV_SECRET
		    ", or name its file by klikit.secret_file");
		return;
	}
	nearest_init(&n, name);
	for (size_t i = 0; i < d->cfg->nsecrets; i++)
		nearest_offer(&n, d->cfg->secrets[i].name);
	config_key_error(d, ep->line, "endpoint.secrets",
	    "there is no [secret %s]%s", log_text(name),
	    nearest_hint(&n, "", ""));
}

/* The secret of that name opens ep, and nothing else. */
static void
bind_secret(struct config_draft *d, const struct config_endpoint *ep,
    const char *name)
{
	struct config_secret *secret =
	    config_named_find(d->cfg, &config_secrets, name);

	if (secret == NULL)
		no_secret(d, ep, name);
	else if (secret->endpoint == ep->name)
		config_key_error(d, ep->line, "endpoint.secrets",
		    "%s is listed twice", name);
	else if (secret->endpoint != NULL)
		config_key_error(d, ep->line, "endpoint.secrets",
		    "%s opens [endpoint %s] already, and a secret opens one "
		    "endpoint: list the paths of both in one section, or have "
		    "klikit use another secret",
		    name, secret->endpoint);
	else
		secret->endpoint = ep->name;
}

static void
check_secrets(struct config_draft *d, const struct config_endpoint *ep)
{
	config_key_require(d, ep->line, "endpoint.secrets", ep->name);
	for (size_t i = 0; i < ep->secrets.n; i++)
		bind_secret(d, ep, ep->secrets.items[i]);
	if (ep->events.n == 0)
		config_key_error(d, ep->line, "endpoint.events",
		    "names none, so that nothing would be taken; * is every "
		    "event");
}

/*
 * What no section names opens the usual path, unless a section has that. With
 * no secret and no section it is there all the same, and nothing opens it.
 */
static void
add_default(struct config_draft *d)
{
	const bool taken = find_path(d->cfg, CONFIG_WEBHOOK_PATH) != NULL;
	struct config_endpoint *ep = NULL;

	if (d->cfg->nsecrets == 0 && d->cfg->nendpoints == 0 &&
	    (ep = config_named_add(d, &config_endpoints, CONFIG_ENDPOINT, 0)) ==
		NULL)
		return;
	for (size_t i = 0; i < d->cfg->nsecrets; i++) {
		struct config_secret *s = &d->cfg->secrets[i];

		if (s->endpoint != NULL)
			continue;
		if (taken) {
			config_draft_warn(d,
			    "secret %s: no [endpoint] names it, so it opens "
			    "nothing",
			    s->name);
			continue;
		}
		if (ep == NULL && (ep = config_named_add(d, &config_endpoints,
				       CONFIG_ENDPOINT, 0)) == NULL)
			return;
		s->endpoint = ep->name;
		if (config_list_add(&ep->secrets, s->name, strlen(s->name)) ==
		    -1)
			config_draft_error(d, "out of memory");
	}
	if (ep != NULL && config_list_add(&ep->paths, CONFIG_WEBHOOK_PATH,
			      strlen(CONFIG_WEBHOOK_PATH)) == -1)
		config_draft_error(d, "out of memory");
}

/* -- Scopes -- */

/* What has no scope of its own has its endpoint's. */
static void
set_scopes(struct config_draft *d)
{
	for (size_t i = 0; i < d->cfg->nsecrets; i++) {
		struct config_secret *s = &d->cfg->secrets[i];
		char *scope;

		if (s->endpoint == NULL || s->scope[0] != '\0' ||
		    has_path(config_endpoint_find(d->cfg, s->endpoint),
			CONFIG_WEBHOOK_PATH))
			continue;
		if ((scope = strdup(s->endpoint)) == NULL) {
			config_draft_error(d, "out of memory");
			return;
		}
		free(s->scope);
		s->scope = scope;
	}
}

/* Can they be told apart, and what they sign, as far as that is meant? */
static void
check_apart(struct config_draft *d, const struct config_secret *a,
    const struct config_secret *b)
{
	bool same_bytes = a->bytes != NULL && b->bytes != NULL &&
			  a->len == b->len &&
			  memcmp(a->bytes, b->bytes, a->len) == 0;
	bool same_scope = strcmp(a->scope, b->scope) == 0;

	if (a->endpoint == NULL || b->endpoint == NULL)
		return;
	if (a->endpoint != b->endpoint && same_bytes)
		config_draft_error(d,
		    "secret %s: has the same bytes as secret %s, which opens "
		    "endpoint %s: a secret opens one endpoint",
		    b->name, a->name, a->endpoint);
	else if (a->endpoint != b->endpoint && same_scope)
		config_draft_error(d,
		    "secret %s: has the scope \"%s\", which endpoint %s has by "
		    "secret %s: an id that came through one would be a "
		    "duplicate at the other; choose another scope",
		    b->name, b->scope, a->endpoint, a->name);
	else if (a->endpoint == b->endpoint && same_bytes && !same_scope)
		config_draft_error(d,
		    "secret %s: has the same bytes as secret %s, but another "
		    "scope (\"%s\", not \"%s\"): which one is meant could not "
		    "be said",
		    b->name, a->name, b->scope, a->scope);
}

/* -- Handlers -- */

static void
check_handler(struct config_draft *d, const struct config_handler *h)
{
	struct nearest n;

	for (size_t i = 0; i < h->endpoints.n; i++) {
		const char *name = h->endpoints.items[i];

		if (config_endpoint_find(d->cfg, name) != NULL)
			continue;
		nearest_init(&n, name);
		for (size_t j = 0; j < d->cfg->nendpoints; j++)
			nearest_offer(&n, d->cfg->endpoints[j].name);
		config_key_error(d, h->line, "handler.endpoints",
		    "there is no [endpoint %s]%s", log_text(name),
		    nearest_hint(&n, "", ""));
	}
}

void
config_check_endpoints(struct config_draft *d)
{
	const struct config *cfg = d->cfg;

	for (size_t i = 0; i < cfg->nendpoints; i++) {
		check_paths(d, &cfg->endpoints[i]);
		check_secrets(d, &cfg->endpoints[i]);
	}
	add_default(d);
	set_scopes(d);
	for (size_t i = 0; i < cfg->nsecrets; i++) {
		for (size_t j = 0; j < i; j++)
			check_apart(d, &cfg->secrets[j], &cfg->secrets[i]);
	}
	for (size_t i = 0; i < cfg->nhandlers; i++)
		check_handler(d, &cfg->handlers[i]);
}

/* -- Asked for -- */

const struct config_endpoint *
config_endpoint_at(const struct config *cfg, const char *path, size_t len)
{
	for (size_t i = 0; i < cfg->nendpoints; i++) {
		const struct key_list *paths = &cfg->endpoints[i].paths;

		for (size_t j = 0; j < paths->n; j++)
			if (strlen(paths->items[j]) == len &&
			    memcmp(paths->items[j], path, len) == 0)
				return (&cfg->endpoints[i]);
	}
	return (NULL);
}

const struct config_endpoint *
config_endpoint_usual(const struct config *cfg)
{
	const struct config_endpoint *ep = find_path(cfg, CONFIG_WEBHOOK_PATH);

	return (ep != NULL ? ep : &cfg->endpoints[0]);
}

size_t
config_endpoint_secret(const struct config *cfg,
    const struct config_endpoint *ep)
{
	size_t i = 0;

	while (i < cfg->nsecrets && cfg->secrets[i].endpoint != ep->name)
		i++;
	return (i);
}
