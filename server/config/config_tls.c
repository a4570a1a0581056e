/*
 * The files of certificates and keys that a configuration names: can they be
 * used? What is found is reported with the key that names the file.
 */
#include "server/config/config_check.h"
#include "server/config/config_draft.h"

#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/tls/tls_cert.h"

/* Whose files are looked at. */
struct check {
	struct config_draft *d;
	char where[TLS_PART_CA + 1][CONFIG_WHERE_MAX];
};

/* tls_found_fn */
static void
found_cb(enum tls_level level, enum tls_part part, const char *text, void *arg)
{
	struct check *c = arg;

	if (level == TLS_BAD || (level == TLS_DATE && c->d->src->dates))
		config_draft_error(c->d, "%s%s", c->where[part], text);
}

/* Where a global key was given, with what follows in an error. */
static void
set_where(struct check *c, enum tls_part part, const char *key)
{
	const struct config_given *g = config_given_find(c->d, 0, key);

	(void)snprintf(c->where[part], CONFIG_WHERE_MAX, "%s",
	    g == NULL ? "" : g->where);
}

static void
check_pair(struct check *c, const struct tls_pair_files *files)
{
	tls_pair_free(tls_pair_load(files, clock_wall_ms(), found_cb, c));
}

/* What one trusts who calls by TLS. The keys are those of a section. */
static void
check_roots(struct check *c, unsigned section, const char *url_key,
    const char *ca_key, const char *ca_file)
{
	char *where = c->where[TLS_PART_CA];
	size_t len = strlen(config_key_where(c->d, section,
	    ca_file == NULL ? url_key : ca_key, where));

	if (ca_file == NULL)
		(void)snprintf(where + len, CONFIG_WHERE_MAX - len,
		    "https needs trusted certificates, of the system or a "
		    "ca_file: ");
	tls_roots_free(tls_roots_load(ca_file, clock_wall_ms(), found_cb, c));
}

/* The key that has the handler call by TLS. */
static const char *
url_key(const struct config_handler *h)
{
	for (const struct key *key = h->type->keys; key->name != NULL; key++) {
		if (key->kind == KEY_URL)
			return (key->name);
	}
	return ("handler.type");
}

/* What a handler shows, and whom it trusts. */
static void
check_handler(struct check *c, const struct config_handler *h,
    const struct handler_tls_files *files)
{
	const struct tls_pair_files pair = { files->client_certificate,
		files->client_key, TLS_USE_CLIENT };

	(void)config_key_where(c->d, h->line, "handler.client_certificate",
	    c->where[TLS_PART_CERTIFICATE]);
	(void)config_key_where(c->d, h->line, "handler.client_key",
	    c->where[TLS_PART_KEY]);
	if (pair.certificate != NULL && pair.key != NULL)
		check_pair(c, &pair);
	check_roots(c, h->line, url_key(h), "handler.ca_file", files->ca_file);
}

static bool
is_https(const char *url)
{
	return (url != NULL && strncmp(url, "https:", 6) == 0);
}

static void
check_server(struct config_draft *d)
{
	const struct config *cfg = d->cfg;
	const struct tls_pair_files files = { cfg->tls_certificate,
		cfg->tls_key, TLS_USE_SERVER };
	struct check c = { .d = d };

	set_where(&c, TLS_PART_CERTIFICATE, "tls.certificate");
	set_where(&c, TLS_PART_KEY, "tls.key");
	if (cfg->tls_certificate != NULL && cfg->tls_key == NULL)
		config_draft_error(d, "%sneeds tls.key, the file with its key",
		    c.where[TLS_PART_CERTIFICATE]);
	else if (cfg->tls_certificate == NULL && cfg->tls_key != NULL)
		config_draft_error(d,
		    "%sneeds tls.certificate, the file with its certificate",
		    c.where[TLS_PART_KEY]);
	else if (cfg->tls_certificate != NULL && d->src->need == CONFIG_SERVER)
		check_pair(&c, &files);
}

void
config_check_tls(struct config_draft *d)
{
	const struct config *cfg = d->cfg;
	const struct config_reconcile *r = &cfg->reconcile;
	const struct handler_tls_files *files;
	struct check c = { .d = d };

	check_server(d);
	if (d->src->need != CONFIG_SERVER)
		return;
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		files = config_handler_tls(&cfg->handlers[i]);
		if (files != NULL)
			check_handler(&c, &cfg->handlers[i], files);
	}
	for (size_t i = 0; i < cfg->nupstreams; i++) {
		const struct config_upstream *up = &cfg->upstreams[i];

		if (is_https(up->url))
			check_roots(&c, up->line, "upstream.url",
			    "upstream.ca_file", up->ca_file);
	}
	if (is_https(r->url))
		check_roots(&c, 0, "reconcile.url", "reconcile.ca_file",
		    r->ca_file);
}
