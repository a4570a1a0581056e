/*
 * The files of certificates and keys that a configuration names: can they be
 * used? What is found is told with the key that names the file.
 */
#include "server/config/config_draft.h"

#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/tls/tls_cert.h"

#define WHERE_MAX 512

/* Whose files are looked at. */
struct check {
	struct config_draft *d;
	char where[TLS_PART_CA + 1][WHERE_MAX];
};

/* tls_found_fn */
static void
tell_cb(enum tls_level level, enum tls_part part, const char *text, void *arg)
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

	(void)snprintf(c->where[part], WHERE_MAX, "%s",
	    g == NULL ? "" : g->where);
}

static void
check_pair(struct check *c, const struct tls_pair_files *files)
{
	tls_pair_free(tls_pair_load(files, clock_wall_ms(), tell_cb, c));
}

static void
set_handler_where(struct check *c, enum tls_part part,
    const struct config_handler *h, const char *key)
{
	if (h->line == 0) /* of klikitd dev, which has only a url */
		(void)snprintf(c->where[part], WHERE_MAX, "--forward-to: ");
	else
		(void)snprintf(c->where[part], WHERE_MAX,
		    "%s:%u: handler.%s: ", c->d->src->path,
		    config_handler_line(c->d, h, key), key);
}

/* Without a ca_file of its own the system's store is the url's affair. */
static void
set_roots_where(struct check *c, const struct config_handler *h)
{
	char *where = c->where[TLS_PART_CA];
	size_t len;

	set_handler_where(c, TLS_PART_CA, h,
	    h->ca_file == NULL ? "url" : "ca_file");
	len = strlen(where);
	if (h->ca_file == NULL)
		(void)snprintf(where + len, WHERE_MAX - len,
		    "https needs trusted certificates, of the system or a "
		    "ca_file: ");
}

/* What a handler shows, and whom it trusts. */
static void
check_handler(struct check *c, const struct config_handler *h)
{
	const struct tls_pair_files files = { h->client_certificate,
		h->client_key, TLS_USE_CLIENT };

	set_handler_where(c, TLS_PART_CERTIFICATE, h, "client_certificate");
	set_handler_where(c, TLS_PART_KEY, h, "client_key");
	set_roots_where(c, h);
	if (h->client_certificate != NULL && h->client_key != NULL)
		check_pair(c, &files);
	tls_roots_free(tls_roots_load(h->ca_file, clock_wall_ms(), tell_cb, c));
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
	struct check c = { .d = d };

	check_server(d);
	for (size_t i = 0; i < d->cfg->nhandlers; i++) {
		if (d->src->need == CONFIG_SERVER &&
		    config_handler_is_tls(&d->cfg->handlers[i]))
			check_handler(&c, &d->cfg->handlers[i]);
	}
}
