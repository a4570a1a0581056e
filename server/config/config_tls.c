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
	const struct config_given *g = config_given_find(c->d, 0,
	    config_key_find(config_global_keys, "tls", key));

	(void)snprintf(c->where[part], CONFIG_WHERE_MAX, "%s",
	    g == NULL ? "" : g->where);
}

static void
check_pair(struct check *c, const struct tls_pair_files *files)
{
	tls_pair_free(tls_pair_load(files, clock_wall_ms(), found_cb, c));
}

/* The key that has the handler call by TLS. */
static const char *
url_key(const struct config_handler *h)
{
	for (const struct key *key = h->type->keys; key->name != NULL; key++) {
		if (key->kind == KEY_URL)
			return (config_key_short(key));
	}
	return ("type");
}

/* What a handler shows, and whom it trusts. */
static void
check_handler(struct check *c, const struct config_handler *h,
    const struct handler_tls_files *files)
{
	const struct tls_pair_files pair = { files->client_certificate,
		files->client_key, TLS_USE_CLIENT };
	char *roots = c->where[TLS_PART_CA];
	size_t len;

	(void)config_handler_where(c->d, h, "client_certificate",
	    c->where[TLS_PART_CERTIFICATE]);
	(void)config_handler_where(c->d, h, "client_key",
	    c->where[TLS_PART_KEY]);
	len = strlen(config_handler_where(c->d, h,
	    files->ca_file == NULL ? url_key(h) : "ca_file", roots));
	if (files->ca_file == NULL)
		(void)snprintf(roots + len, CONFIG_WHERE_MAX - len,
		    "https needs trusted certificates, of the system or a "
		    "ca_file: ");
	if (pair.certificate != NULL && pair.key != NULL)
		check_pair(c, &pair);
	tls_roots_free(
	    tls_roots_load(files->ca_file, clock_wall_ms(), found_cb, c));
}

/* Where one of an upstream's keys was given. */
static const char *
upstream_where(const struct config_draft *d, const struct config_upstream *up,
    const char *key)
{
	const struct config_given *g = config_given_find(d, up->line,
	    config_key_find(config_upstream_keys, "upstream", key));

	return (g == NULL ? "" : g->where);
}

/* Who may vouch for a hub. */
static void
check_upstream(struct check *c, const struct config_upstream *up)
{
	if (up->url == NULL || strncmp(up->url, "https:", 6) != 0)
		return;
	if (up->ca_file != NULL)
		(void)snprintf(c->where[TLS_PART_CA], CONFIG_WHERE_MAX, "%s",
		    upstream_where(c->d, up, "ca_file"));
	else
		(void)snprintf(c->where[TLS_PART_CA], CONFIG_WHERE_MAX,
		    "%.300shttps needs trusted certificates, of the system or "
		    "a ca_file: ",
		    upstream_where(c->d, up, "url"));
	tls_roots_free(
	    tls_roots_load(up->ca_file, clock_wall_ms(), found_cb, c));
}

/* Who may vouch for klikit's API. */
static void
check_reconcile(struct check *c)
{
	const struct config_reconcile *r = &c->d->cfg->reconcile;

	if (r->url == NULL || strncmp(r->url, "https:", 6) != 0)
		return;
	(void)snprintf(c->where[TLS_PART_CA], CONFIG_WHERE_MAX, "%s",
	    r->ca_file != NULL
		? "reconcile.ca_file: "
		: "reconcile.url: https needs trusted certificates, of the "
		  "system or a ca_file: ");
	tls_roots_free(
	    tls_roots_load(r->ca_file, clock_wall_ms(), found_cb, c));
}

static void
check_server(struct config_draft *d)
{
	const struct config *cfg = d->cfg;
	const struct tls_pair_files files = { cfg->tls_certificate,
		cfg->tls_key, TLS_USE_SERVER };
	struct check c = { .d = d };

	set_where(&c, TLS_PART_CERTIFICATE, "certificate");
	set_where(&c, TLS_PART_KEY, "key");
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
	const struct handler_tls_files *files;
	struct check c = { .d = d };

	check_server(d);
	for (size_t i = 0; i < d->cfg->nhandlers; i++) {
		const struct config_handler *h = &d->cfg->handlers[i];

		files = config_handler_tls(h);
		if (files != NULL && d->src->need == CONFIG_SERVER)
			check_handler(&c, h, files);
	}
	for (size_t i = 0;
	     i < d->cfg->nupstreams && d->src->need == CONFIG_SERVER; i++)
		check_upstream(&c, &d->cfg->upstreams[i]);
	if (d->src->need == CONFIG_SERVER)
		check_reconcile(&c);
}
