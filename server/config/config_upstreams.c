/*
 * What only all upstreams show: what is missing, and the tokens, which are read
 * here; and the one that does not stand in the file.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/auth/admin_token.h"
#include "server/config/config_check.h"
#include "server/config/config_draft.h"

static const struct config_given *
find_given(const struct config_draft *d, const struct config_upstream *up,
    const char *name)
{
	return (config_given_find(d, up->line,
	    config_key_find(config_upstream_keys, "upstream", name)));
}

/* An error about one of its keys, given or not. */
static void __attribute__((format(printf, 4, 5)))
upstream_error(struct config_draft *d, const struct config_upstream *up,
    const char *name, const char *fmt, ...)
{
	const struct config_given *g = find_given(d, up, name);
	char reason[KEY_REASON_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (g != NULL)
		config_draft_error(d, "%s%s", g->where, reason);
	else
		config_draft_error(d, "%s:%u: upstream.%s: %s", d->src->path,
		    up->line, name, reason);
}

static void
check_given(struct config_draft *d, const struct config_upstream *up,
    const char *name)
{
	if (find_given(d, up, name) == NULL)
		upstream_error(d, up, name, "is missing in [upstream %s]",
		    up->name);
}

static void
check_url(struct config_draft *d, const struct config_upstream *up)
{
	const struct config *cfg = d->cfg;

	check_given(d, up, "url");
	for (const struct config_upstream *other = cfg->upstreams;
	     other < up && up->url != NULL; other++) {
		if (other->url != NULL && strcmp(other->url, up->url) == 0)
			upstream_error(d, up, "url",
			    "is that of [upstream %s] already", other->name);
	}
}

static void
read_token(struct config_draft *d, struct config_upstream *up)
{
	char reason[ADMIN_TOKEN_REASON_MAX];

	if (d->src->need != CONFIG_SERVER || up->token_file == NULL ||
	    up->token != NULL)
		return;
	if ((up->token = admin_token_read(up->token_file, reason)) == NULL)
		upstream_error(d, up, "token_file", "%s", reason);
}

/* The one of klikitd listen. */
static void
add_hub(struct config_draft *d, const struct config_hub *hub)
{
	struct config_upstream *up;

	if (config_upstream_find(d->cfg, hub->name) != NULL) {
		config_draft_error(d,
		    "the configuration has an [upstream %s] already",
		    hub->name);
		return;
	}
	up = config_draft_upstream(d, hub->name, 0);
	for (const struct config_hub_key *k = hub->keys;
	     up != NULL && k->name != NULL; k++) {
		const struct key *key =
		    config_key_find(config_upstream_keys, "upstream", k->name);

		config_given_add(d, &(struct config_given){ .key = key,
					.where = (char *)k->where });
		config_draft_set(d, key, up, k->where, k->value);
	}
	if (up == NULL || hub->token == NULL)
		return;
	up->token = admin_token_take(hub->token, strlen(hub->token));
	if (up->token == NULL)
		config_draft_error(d,
		    CONFIG_ENV_TOKEN ": holds no token: " ADMIN_TOKEN_FORM);
}

void
config_check_upstreams(struct config_draft *d)
{
	if (d->src->hub != NULL)
		add_hub(d, d->src->hub);
	for (size_t i = 0; i < d->cfg->nupstreams; i++) {
		struct config_upstream *up = &d->cfg->upstreams[i];

		check_url(d, up);
		if (up->line != 0 || d->src->hub->token == NULL)
			check_given(d, up, "token_file");
		read_token(d, up);
	}
}

const struct config_upstream *
config_upstream_find(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->nupstreams; i++) {
		if (strcmp(cfg->upstreams[i].name, name) == 0)
			return (&cfg->upstreams[i]);
	}
	return (NULL);
}
