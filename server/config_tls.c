/*
 * The files of certificates and keys that a configuration names: can they be
 * used? What is found is told with the key that names the file.
 */
#include "server/config_draft.h"

#include <stdio.h>
#include <string.h>

#include "server/clock.h"
#include "server/tls_cert.h"

#define WHERE_MAX 512

/* Whose files are looked at. */
struct check {
	struct config_draft *d;
	char where[TLS_PART_CA + 1][WHERE_MAX];
};

/* tls_tell_fn */
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
	const char *where =
	    c->d->where[config_key_find("tls", key) - config_key_at(0)];

	(void)snprintf(c->where[part], WHERE_MAX, "%s",
	    where == NULL ? "" : where);
}

static void
check_pair(struct check *c, const struct tls_pair_files *files)
{
	tls_pair_free(tls_pair_load(files, clock_wall_ms(), tell_cb, c));
}

void
config_check_tls(struct config_draft *d)
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
