/*
 * What only all upstreams show: what is missing, and the tokens, which are read
 * here; and the one that does not stand in the file.
 */
#include <string.h>

#include "server/auth/admin_token.h"
#include "server/config/config_check.h"
#include "server/config/config_draft.h"
#include "server/config/config_named.h"

static void
check_url(struct config_draft *d, const struct config_upstream *up)
{
	const struct config *cfg = d->cfg;

	config_key_require(d, up->line, "upstream.url", up->name);
	for (const struct config_upstream *other = cfg->upstreams;
	     other < up && up->url != NULL; other++) {
		if (other->url != NULL && strcmp(other->url, up->url) == 0)
			config_key_error(d, up->line, "upstream.url",
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
		config_key_error(d, up->line, "upstream.token_file", "%s",
		    reason);
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
	up = config_named_add(d, &config_upstreams, hub->name, 0);
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
			config_key_require(d, up->line, "upstream.token_file",
			    up->name);
		read_token(d, up);
	}
}
