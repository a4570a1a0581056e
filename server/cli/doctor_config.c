/*
 * The checks of what is configured: keys, secrets, certificates, limits.
 */
#include <sys/resource.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/auth/secret_shape.h"
#include "server/base/exposure.h"
#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/open_files.h"
#include "server/tls/tls_cert.h"
#include "store/base/parse.h"

#define DAY_MS INT64_C(86400000)
#define SOON_MS (21 * DAY_MS)
#define ADVICE_MAX 256
#define SECRET_SHORT 16 /* bytes; klikit's are longer */

/* -- The configuration as such -- */

/* config_error_fn */
static void
configuration_error_cb(const char *line, void *arg)
{
	doctor_report(arg, DOCTOR_FAIL,
	    "put it right; klikitd check-config says when it is", "%s", line);
}

/* config_error_fn: it was reported before. */
static void
configuration_again_cb(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

void
doctor_configuration(struct doctor *d)
{
	struct config_source source = *d->opt->source;

	source.need = CONFIG_SERVER;
	d->cfg = config_load(&source, configuration_error_cb, d);
	d->whole = d->cfg != NULL;
	for (size_t i = 0; d->whole && i < d->cfg->warnings.n; i++)
		doctor_report(d, DOCTOR_WARN,
		    "put it right, or ignore it if it is meant so", "%s",
		    d->cfg->warnings.items[i]);
	if (d->whole) {
		doctor_report(d, DOCTOR_OK, NULL, "%s",
		    d->cfg->path == NULL ? "no file: the defaults"
					 : log_text(d->cfg->path));
		return;
	}
	/* The rest may be in order, and can then be looked at. */
	source.need = CONFIG_STORE;
	d->cfg = config_load(&source, configuration_again_cb, d);
}

/* -- Secrets -- */

static bool
all_of(const struct config_secret *s, const char *digits)
{
	return (strspn(s->bytes, digits) == s->len);
}

/* Something that stands for bytes, and is taken as it stands. */
static const char *
secret_encoding(const struct config_secret *s)
{
	if (s->len >= 32 && s->len % 2 == 0 &&
	    all_of(s, "0123456789abcdefABCDEF"))
		return ("hex");
	if (s->len >= 24 && s->len % 4 == 0 && s->bytes[s->len - 1] == '=' &&
	    all_of(s, "0123456789+/=abcdefghijklmnopqrstuvwxyz"
		      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return ("base64");
	return (NULL);
}

/* A file that nobody else is to read; why: what who reads it can do. */
static void
file_look(struct doctor *d, const char *name, const char *path, const char *why)
{
	enum exposure what = path == NULL ? EXPOSURE_NONE : exposure_look(path);
	char advice[ADVICE_MAX];

	if (what == EXPOSURE_NONE)
		return;
	(void)snprintf(advice, sizeof(advice), "%s: %s", exposure_advice(what),
	    why);
	doctor_report(d, DOCTOR_WARN, advice, "%s: %s: others can read it",
	    name, log_text(path));
}

static void
secret_file(struct doctor *d, const struct config_secret *s)
{
	if (s->source[0] != '/')
		return;
	file_look(d, s->name, s->source, "who reads it can sign deliveries");
	if (s->newline_dropped)
		doctor_report(d, DOCTOR_WARN,
		    "nothing, if klikit's secret does not end with a newline; "
		    "to be sure write the file with printf, not echo",
		    "%s: the newline at the end of %s is not taken as a part "
		    "of it",
		    log_text(s->name), log_text(s->source));
}

static void
secret_look(struct doctor *d, const struct config_secret *s)
{
	const char *name = log_text(s->name), *odd, *encoding;
	char stamp[FORMAT_TIME_MAX];

	secret_file(d, s);
	if (s->valid_until_ms != 0 && s->valid_until_ms <= d->now_ms)
		doctor_report(d, DOCTOR_WARN,
		    "remove its section, or move valid_until",
		    "%s: not accepted any more since %s", name,
		    format_time(s->valid_until_ms, stamp));
	if ((odd = secret_shape_warning(s->bytes, s->len)) != NULL)
		doctor_report(d, DOCTOR_WARN,
		    "compare it with what klikit gave you, and write it "
		    "without that: every byte of it counts",
		    "%s: %s", name, odd);
	else if (s->len < SECRET_SHORT)
		doctor_report(d, DOCTOR_WARN,
		    "compare it with what klikit gave you: it may be cut off, "
		    "or a sample",
		    "%s: has only %zu bytes", name, s->len);
	else if ((encoding = secret_encoding(s)) != NULL)
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: %zu bytes from %s; looks like %s, and is used as it "
		    "stands, not decoded, as klikit does",
		    name, s->len, log_text(s->source), encoding);
	else
		doctor_report(d, DOCTOR_OK, NULL, "%s: %zu bytes from %s", name,
		    s->len, log_text(s->source));
}

/* The files that are secret of a handler, as its type says. */
static void
secret_handler(struct doctor *d, const struct config_handler *h)
{
	for (const struct key *key = h->type->keys;
	     key != NULL && key->name != NULL; key++) {
		if (key->exposed != NULL)
			file_look(d, h->name, config_file_of(key, h->settings),
			    key->exposed);
	}
}

/* What else is secret; that it can be read was seen with the configuration. */
static void
secret_others(struct doctor *d)
{
	const struct config *cfg = d->cfg;

	file_look(d, "admin.token_file", cfg->admin_token_file,
	    "who reads it can replay and purge");
	file_look(d, "tls.key", cfg->tls_key,
	    "who reads it can pass for this server");
	for (size_t i = 0; i < cfg->nhandlers; i++)
		secret_handler(d, &cfg->handlers[i]);
}

void
doctor_secrets(struct doctor *d)
{
	if (d->cfg->nsecrets == 0)
		doctor_report(d, DOCTOR_OK, NULL,
		    "none: events come from hubs only, by their word, and "
		    "every delivery is answered 401");
	for (size_t i = 0; i < d->cfg->nsecrets; i++)
		secret_look(d, &d->cfg->secrets[i]);
	secret_others(d);
}

/* -- Certificates -- */

/* tls_found_fn */
static void
certificate_found_cb(enum tls_level level, enum tls_part part, const char *text,
    void *arg)
{
	struct doctor *d = arg;

	(void)part;
	switch (level) {
	case TLS_BAD:
		doctor_report(d, DOCTOR_FAIL,
		    "put the file right: klikitd does not start with it", "%s",
		    text);
		break;
	case TLS_DATE:
		doctor_report(d, DOCTOR_FAIL,
		    "get a new one, put it in place and reload (HUP); or set "
		    "the clock",
		    "%s", text);
		break;
	case TLS_WARN:
		doctor_report(d, DOCTOR_WARN,
		    "get one that all clients take, or put the file right",
		    "%s", text);
		break;
	}
}

static void
certificate_look(struct doctor *d, const struct tls_pair_files *files)
{
	char stamp[FORMAT_TIME_MAX];
	struct tls_pair_info info;
	struct tls_pair *pair;
	long long days;

	pair = tls_pair_load(files, d->now_ms, certificate_found_cb, d);
	if (pair == NULL)
		return;
	tls_pair_info(pair, &info);
	tls_pair_free(pair);
	if (info.until_ms < d->now_ms || info.from_ms > d->now_ms)
		return; /* reported */
	days = (long long)((info.until_ms - d->now_ms) / DAY_MS);
	format_time(info.until_ms, stamp);
	if (info.until_ms - d->now_ms <= SOON_MS)
		doctor_report(d, DOCTOR_WARN,
		    "get a new one, put it in place and reload (HUP)",
		    "%s: expires in %lld days, at %s",
		    log_text(files->certificate), days, stamp);
	else
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: for %s, valid for %lld more days",
		    log_text(files->certificate), info.subject, days);
}

void
doctor_certificates(struct doctor *d)
{
	const struct config *cfg = d->cfg;
	const struct handler_tls_files *files;

	if (cfg->tls_certificate != NULL && cfg->tls_key != NULL)
		certificate_look(d,
		    &(struct tls_pair_files){ cfg->tls_certificate,
			cfg->tls_key, TLS_USE_SERVER });
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		files = config_handler_tls(&cfg->handlers[i]);
		if (files == NULL)
			continue;
		if (files->client_certificate != NULL)
			certificate_look(d,
			    &(struct tls_pair_files){ files->client_certificate,
				files->client_key, TLS_USE_CLIENT });
		if (files->ca_file != NULL)
			tls_roots_free(tls_roots_load(files->ca_file, d->now_ms,
			    certificate_found_cb, d));
	}
}

/* -- Limits -- */

void
doctor_limits(struct doctor *d)
{
	size_t kept = open_files_kept(d->cfg);
	uint64_t needed = (uint64_t)d->cfg->http_max_connections + kept;
	struct rlimit limit;

	/* Of the server, if one runs and lets itself be asked. */
	if ((d->holder == 0 ||
		prlimit(d->holder, RLIMIT_NOFILE, NULL, &limit) == -1) &&
	    getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	/* A server raises its limit by itself up to the hard one. */
	if (limit.rlim_max < needed)
		doctor_report(d, DOCTOR_WARN,
		    "raise it (ulimit -Hn, LimitNOFILE= of systemd), or lower "
		    "http.max_connections",
		    "%llu open files are allowed, %zu are kept for all else, "
		    "so "
		    "there are not %lld connections but %zu",
		    (unsigned long long)limit.rlim_max, kept,
		    (long long)d->cfg->http_max_connections,
		    open_files_connections(d->cfg, limit.rlim_max));
	else
		doctor_report(d, DOCTOR_OK, NULL,
		    "open files: %llu may be needed, and are allowed",
		    (unsigned long long)needed);
}
