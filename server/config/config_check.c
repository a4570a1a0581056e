/*
 * What only the whole configuration shows: what is missing, what excludes
 * another, and the secrets, which are read last.
 */
#include "server/config/config_address.h"
#include "server/config/config_check.h"
#include "server/config/config_credential.h"
#include "server/config/config_draft.h"
#include "server/config/config_env.h"
#include "server/config/config_named.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/auth/admin_token.h"
#include "server/auth/secrets.h"
#include "server/base/log.h"
#include "server/base/network.h"

#define LISTENERS_MAX 64
#define ENV_SECRET_FILE "KLIKIT_WEBHOOK_SECRET_FILE"

/* An address of a listener, and the key that names it. */
struct listener {
	const char *key;
	const char *address;
};

/* One for which no file is named. Not for dev, which is no service. */
static char *
credential(const struct config_draft *d, const char *name)
{
	return (
	    d->src->dev ? NULL : config_credential_find(d->credentials, name));
}

/* The token, and the certificate with its key; the secret comes later. */
static void
find_credentials(struct config_draft *d)
{
	struct config *cfg = d->cfg;

	if (cfg->admin_token_file == NULL)
		cfg->admin_token_file = credential(d, CONFIG_CREDENTIAL_TOKEN);
	if (cfg->tls_certificate == NULL && cfg->tls_key == NULL)
		cfg->tls_certificate =
		    credential(d, CONFIG_CREDENTIAL_CERTIFICATE);
	if (cfg->tls_certificate != NULL && cfg->tls_key == NULL)
		cfg->tls_key = credential(d, CONFIG_CREDENTIAL_KEY);
}

/* Can the kernel give both what they ask for? */
static void
check_two(struct config_draft *d, const struct listener *a,
    const struct listener *b)
{
	if (!config_addresses_collide(a->address, b->address))
		return;
	if (strcmp(a->key, b->key) == 0 && strcmp(a->address, b->address) == 0)
		config_draft_error(d, "%s: %s is listed twice", a->key,
		    a->address);
	else
		config_draft_error(d,
		    "%s: %s is taken already, by %s = %s; choose another port",
		    b->key, b->address, a->key, a->address);
}

static void
check_listen(struct config_draft *d)
{
	const struct config *cfg = d->cfg;
	const struct {
		const char *key;
		const struct key_list *list;
	} keys[] = {
		{ "http.listen", &cfg->http_listen },
		{ "http.plain_listen", &cfg->http_plain_listen },
		{ "http.proxy_listen", &cfg->http_proxy_listen },
		{ "admin.listen", &cfg->admin_listen },
	};
	struct listener all[LISTENERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		for (size_t j = 0; j < keys[i].list->n; j++) {
			if (n == LISTENERS_MAX) {
				config_draft_error(d,
				    "%s: more than %d addresses", keys[i].key,
				    LISTENERS_MAX);
				return;
			}
			all[n] = (struct listener){ keys[i].key,
				keys[i].list->items[j] };
			for (size_t k = 0; k < n; k++)
				check_two(d, &all[k], &all[n]);
			n++;
		}
	}
}

/* Is everybody in it? That is hardly ever meant. */
static void
check_networks(struct config_draft *d, const char *key,
    const struct key_list *list, const char *advice)
{
	struct network network;

	for (size_t i = 0; i < list->n; i++) {
		if (network_parse(list->items[i], &network) == NETWORK_OK &&
		    network_is_every(&network))
			config_draft_warn(d, "%s: %s is everybody: %s", key,
			    list->items[i], advice);
	}
}

/* Who reaches the admin listener may replay and purge. */
static void
check_admin(struct config_draft *d)
{
	const struct key_list *list = &d->cfg->admin_listen;

	if (list->n == 1 && d->cfg->admin_token_file == NULL &&
	    !config_is_loopback(list->items[0]))
		config_draft_error(d,
		    "admin.listen: %s can be reached from other machines: "
		    "name a file with a token by admin.token_file",
		    list->items[0]);
}

/* The operator's token, as the server will have it. */
static void
read_token(struct config_draft *d)
{
	char reason[ADMIN_TOKEN_REASON_MAX];
	struct config *cfg = d->cfg;

	if (cfg->admin_listen.n == 0 || cfg->admin_token_file == NULL)
		return;
	cfg->admin_token = admin_token_read(cfg->admin_token_file, reason);
	if (cfg->admin_token == NULL)
		config_draft_error(d, "admin.token_file: %s", reason);
}

static void
check_queue(struct config_draft *d)
{
	if (d->cfg->store_queue_max < d->cfg->http_max_body)
		config_draft_error(d,
		    "store.queue: is smaller than http.max_body: the largest "
		    "body could never be stored");
}

static void
check_store(struct config_draft *d)
{
	const char *url = d->cfg->store_url, *advice = NULL;
	char reason[STORE_REASON_MAX];

	if (url == NULL || store_check_url(url, &advice, reason) == -1 ||
	    advice == NULL)
		return;
	if (d->store_flag)
		config_draft_error(d,
		    "--store.url: everybody on this machine sees a password in "
		    "it: %s",
		    advice);
	else
		config_draft_warn(d, "store.url: %s", advice);
}

static void
check_retention(struct config_draft *d)
{
	if (d->cfg->retention_ids_ms < d->cfg->retention_bodies_ms)
		config_draft_error(d,
		    "retention.ids: is shorter than retention.bodies: a body "
		    "is not kept without its id");
}

/* Legal, but hardly what is meant. */
static void
check_backup(struct config_draft *d)
{
	const struct config *cfg = d->cfg;
	bool every = cfg->backup_every_ms != 0, dir = cfg->backup_dir != NULL;
	const struct store_traits *traits =
	    cfg->store_url == NULL ? NULL : store_traits(cfg->store_url);

	if (every != dir)
		config_draft_warn(d,
		    "backup.%s: none are made without "
		    "backup.%s",
		    every ? "every" : "dir", every ? "dir" : "every");
	if (!every || !dir)
		return;
	if (traits != NULL && traits->backup_with != NULL)
		config_draft_warn(d,
		    "backup.every: none are made of this store; it is backed "
		    "up by %s",
		    traits->backup_with);
	if (cfg->backup_keep > cfg->retention_bodies_ms / cfg->backup_every_ms)
		config_draft_warn(d,
		    "backup.keep: some would be older than retention.bodies; "
		    "these are removed, since customers' data is in them");
}

static void
check_probe(struct config_draft *d)
{
	bool url = d->cfg->probe_url != NULL,
	     every = d->cfg->probe_every_ms != 0;

	if (url != every)
		config_draft_warn(d,
		    "probe.%s: nothing is probed without probe.%s",
		    url ? "url" : "every", url ? "every" : "url");
}

/* A code, a blank, a name; each code once. */
static void
check_status_names(struct config_draft *d)
{
	const struct key_list *list = &d->cfg->status_names;

	for (size_t i = 0; i < list->n; i++) {
		const char *item = list->items[i];
		size_t len = strcspn(item, " ");

		if (len == 0 || len > 32 || item[len] == '\0' ||
		    strlen(item) > 96)
			config_draft_error(d,
			    "status.names: \"%s\" is no code with its name, "
			    "such as 1 placed",
			    log_text(item));
		for (size_t j = 0; j < i; j++) {
			if (strncmp(list->items[j], item, len + 1) == 0)
				config_draft_error(d,
				    "status.names: %.*s has two names",
				    (int)len, item);
		}
	}
}

static void
check_status(struct config_draft *d)
{
	const struct key_list *list = &d->cfg->status_order;

	for (size_t i = 0; i < list->n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(list->items[i], list->items[j]) == 0)
				config_draft_error(d,
				    "status.order: %s is listed twice",
				    list->items[i]);
		}
	}
}

static void
check_named_secrets(struct config_draft *d)
{
	for (size_t i = 0; i < d->cfg->nsecrets; i++) {
		const struct config_secret *s = &d->cfg->secrets[i];

		if (s->source == NULL)
			config_key_error(d, s->line, "secret.file",
			    "is missing in [secret %s]", s->name);
	}
}

/* The default secret stands before the named ones. */
static struct config_secret *
add_default(struct config_draft *d)
{
	struct config *cfg = d->cfg;
	struct config_secret last;

	if (config_named_add(d, &config_secrets, "default", 0) == NULL)
		return (NULL);
	last = cfg->secrets[cfg->nsecrets - 1];
	memmove(cfg->secrets + 1, cfg->secrets,
	    (cfg->nsecrets - 1) * sizeof(*cfg->secrets));
	cfg->secrets[0] = last;
	return (&cfg->secrets[0]);
}

/* Without one nothing can be authentic but what a hub vouches for. */
static void
report_no_secret(struct config_draft *d)
{
	const struct config *cfg = d->cfg;
	size_t trusted = 0;

	for (size_t i = 0; i < cfg->nupstreams; i++)
		trusted += cfg->upstreams[i].trust;
	if (trusted > 0 && trusted == cfg->nupstreams &&
	    (!d->src->dev || d->src->hub != NULL)) /* dev always has one */
		return;
	config_draft_error(d,
	    "no webhook secret: set " CONFIG_ENV_SECRET " or " ENV_SECRET_FILE
	    ", name its file by klikit.secret_file in the configuration, or "
	    "have the service manager hand it over as the "
	    "credential " CONFIG_CREDENTIAL_SECRET "%s",
	    cfg->nupstreams == 0 ? ""
				 : "; a box that only fetches needs none if "
				   "each [upstream] has trust = hub");
}

/*
 * A flag's file, then the two variables, then the configured file, then what
 * the service manager hands over.
 */
static void
find_default(struct config_draft *d)
{
	const char *text = config_env_get(d->src->env, CONFIG_ENV_SECRET);
	const char *file = config_env_get(d->src->env, ENV_SECRET_FILE);
	struct config *cfg = d->cfg;
	struct config_secret *secret;

	if (d->secret_flag)
		text = file = NULL;
	if (text != NULL && file != NULL) {
		config_draft_error(d, CONFIG_ENV_SECRET
		    ": " ENV_SECRET_FILE " is set as well; unset one of them");
		return;
	}
	if (text == NULL && file == NULL && cfg->secret_file == NULL)
		cfg->secret_file = credential(d, CONFIG_CREDENTIAL_SECRET);
	if (text == NULL && file == NULL && cfg->secret_file == NULL) {
		if (cfg->nsecrets == 0)
			report_no_secret(d);
		return;
	}
	if ((secret = add_default(d)) == NULL)
		return;
	free(secret->scope);
	secret->scope = strdup(cfg->secret_scope);
	if (text != NULL) {
		secret->source = strdup(CONFIG_ENV_SECRET);
		secret->bytes = strdup(text);
		secret->len = strlen(text);
	} else if (file != NULL)
		secret->source = config_path_join(cfg->dir, file);
	else
		secret->source = strdup(cfg->secret_file);
	if (secret->source == NULL || secret->scope == NULL ||
	    (text != NULL && secret->bytes == NULL))
		config_draft_error(d, "out of memory");
}

static void
read_secrets(struct config_draft *d)
{
	struct config_secret *secret;
	char reason[256];

	for (size_t i = 0; i < d->cfg->nsecrets; i++) {
		secret = &d->cfg->secrets[i];
		if (secret->bytes != NULL || secret->source == NULL)
			continue;
		if (d->src->dev && secret->source[0] == '/' &&
		    strcmp(secret->name, "default") == 0 &&
		    access(secret->source, F_OK) == -1) {
			config_draft_error(d,
			    "%s: is not there: klikitd dev makes it when it "
			    "starts; or set " CONFIG_ENV_SECRET,
			    secret->source);
			continue;
		}
		if (secrets_read_file(secret->source, &secret->bytes,
			&secret->len, &secret->newline_dropped, reason) == -1)
			config_draft_error(d, "secret %s: %s", secret->name,
			    reason);
	}
}

void
config_check(struct config_draft *d)
{
	find_credentials(d);
	check_listen(d);
	check_networks(d, "http.trusted_proxies", &d->cfg->http_trusted_proxies,
	    "whoever connects can then say that he is somebody else; name your "
	    "proxies only");
	if (d->cfg->http_proxy_listen.n > 0 &&
	    d->cfg->http_trusted_proxies.n == 0)
		config_draft_error(d,
		    "http.proxy_listen: nobody may speak there: name the "
		    "balancers by http.trusted_proxies");
	check_networks(d, "http.allow", &d->cfg->http_allow,
	    "leave the key out, if that is meant");
	check_admin(d);
	check_queue(d);
	check_store(d);
	check_retention(d);
	check_backup(d);
	check_probe(d);
	check_status(d);
	check_status_names(d);
	config_check_handlers(d);
	config_check_tls(d);
	check_named_secrets(d);
	config_check_upstreams(d);
	config_check_reconcile(d);
	if (d->src->need == CONFIG_SERVER) {
		read_token(d);
		find_default(d);
		read_secrets(d);
		config_check_endpoints(d);
		config_check_user(d);
	}
}
