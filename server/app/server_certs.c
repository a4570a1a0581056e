/*
 * The certificates that the configuration names, handed to the watch.
 */
#include <stdio.h>
#include <stdlib.h>

#include "server/app/server_certs.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/tls/cert_watch.h"
#include "server/tls/tls_cert.h"

#define NAME_MAX_LEN 128

/* What is to be watched, as it is found. */
struct certs {
	struct cert_watched *list;
	char (*names)[NAME_MAX_LEN];
	size_t n;
};

/* tls_found_fn: what cannot be used was refused before; dates are watched. */
static void
certs_found_cb(enum tls_level level, enum tls_part part, const char *text,
    void *arg)
{
	(void)part;
	(void)arg;
	if (level == TLS_WARN)
		log_warn("%s", text);
}

static void
certs_add(struct certs *c, const struct tls_pair_files *files)
{
	struct tls_pair_info info;
	struct tls_pair *pair;

	pair = tls_pair_load(files, clock_wall_ms(), certs_found_cb, NULL);
	if (pair == NULL)
		return;
	tls_pair_info(pair, &info);
	tls_pair_free(pair);
	c->list[c->n] = (struct cert_watched){ .name = c->names[c->n],
		.file = files->certificate,
		.from_ms = info.from_ms,
		.until_ms = info.until_ms };
	c->n++;
}

int
server_certs_watch(struct cert_watch *watch, const struct config *cfg)
{
	struct certs c = { 0 };
	int rc = -1;

	c.list = calloc(1 + cfg->nhandlers, sizeof(*c.list));
	c.names = calloc(1 + cfg->nhandlers, sizeof(*c.names));
	if (c.list == NULL || c.names == NULL)
		goto out;
	if (cfg->tls_certificate != NULL) {
		(void)snprintf(c.names[c.n], NAME_MAX_LEN, "server");
		certs_add(&c, &(struct tls_pair_files){ cfg->tls_certificate,
				  cfg->tls_key, TLS_USE_SERVER });
	}
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct config_handler *h = &cfg->handlers[i];
		const struct handler_tls_files *files = config_handler_tls(h);

		if (files == NULL || files->client_certificate == NULL)
			continue;
		(void)snprintf(c.names[c.n], NAME_MAX_LEN, "handler %s",
		    h->name);
		certs_add(&c,
		    &(struct tls_pair_files){ files->client_certificate,
			files->client_key, TLS_USE_CLIENT });
	}
	rc = cert_watch_set(watch, c.list, c.n);
out:
	if (rc == -1)
		log_error("certificates are not watched: out of memory");
	free(c.list);
	free(c.names);
	return (rc);
}
