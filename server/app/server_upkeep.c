/*
 * server_upkeep.c -- what the server does by itself, by a clock.
 */
#include "server/app/server_upkeep.h"

#include <sys/uio.h>

#include <string.h>

#include "handlers/net/http_client.h"
#include "server/app/server_parts.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/stats/stats.h"
#include "server/upkeep/backups.h"
#include "server/upkeep/probe.h"
#include "store/base/hex.h"

/* The endpoint that the URL's path leads to; the usual one, if to none. */
static const struct config_endpoint *
endpoint_of(const struct config *cfg, const char *url)
{
	const struct config_endpoint *ep = NULL;
	char reason[HANDLER_REASON_MAX];
	struct http_client_url parts;

	if (http_client_url_parse(url, &parts, reason) == 0) {
		ep = config_endpoint_at(cfg, parts.path,
		    strcspn(parts.path, "?"));
		http_client_url_fini(&parts);
	}
	return (ep == NULL ? config_endpoint_usual(cfg) : ep);
}

/* probe_options: by the first secret that opens the endpoint and is valid. */
static int
sign_cb(void *arg, const char *url, const void *body, size_t len,
    char ret_hex[SIGNATURE_TEXT_LEN + 1])
{
	const struct iovec seg = { (void *)body, len };
	const struct server *s = arg;
	const struct config_endpoint *ep = endpoint_of(s->cfg, url);
	int64_t now_ms = clock_watch_wall(s->clock).ms;
	unsigned char mac[SIGNATURE_LEN];

	for (size_t i = 0; ep != NULL && i < s->cfg->nsecrets; i++) {
		const struct config_secret *secret = &s->cfg->secrets[i];

		if (secret->endpoint != ep->name ||
		    (secret->valid_until_ms != 0 &&
			secret->valid_until_ms <= now_ms))
			continue;
		if (secrets_mac(s->front.secrets, i, &seg, 1, mac) == -1)
			return (-1);
		hex_encode(mac, sizeof(mac), ret_hex);
		return (0);
	}
	return (-1);
}

int
server_open_upkeep(struct server *s)
{
	struct server_upkeep *u = &s->upkeep;

	u->janitor = janitor_new(s->base, s->st, clock_watch_steady(s->clock));
	u->backups = backups_new(s->base, s->clock, s->alerts.all);
	u->probe = probe_new(&(struct probe_options){
	    .env = &s->lent.env,
	    .st = s->st,
	    .alerts = s->alerts.all,
	    .sign = sign_cb,
	    .arg = s,
	});
	u->stats = stats_new(&(struct stats_options){
	    .base = s->base,
	    .st = s->st,
	    .in = s->ingest,
	    .rej = s->rej,
	    .d = s->dispatch,
	    .clock = s->clock,
	});
	if (u->janitor != NULL && u->backups != NULL && u->probe != NULL &&
	    u->stats != NULL)
		return (0);
	log_error("cannot start: out of memory");
	return (-1);
}

/* webhook_probe */
static bool
take_cb(void *arg, const unsigned char *nonce, const char *peer,
    void (*done)(bool committed, void *done_arg), void *done_arg)
{
	struct server *s = arg;

	return (probe_take(s->upkeep.probe, nonce, peer, done, done_arg));
}

/* webhook_probe */
static void
refused_cb(void *arg)
{
	struct server *s = arg;

	probe_refused(s->upkeep.probe);
}

void
server_watch_probes(struct server *s)
{
	webhook_set_probe(s->front.webhook,
	    &(struct webhook_probe){ take_cb, refused_cb, s });
}

int
server_probe_cb(void *arg, const char *url, probe_done_fn *done, void *done_arg,
    char reason[HANDLER_REASON_MAX])
{
	struct server *s = arg;

	return (probe_start(s->upkeep.probe, url, done, done_arg, reason));
}

/* None of a store for which there is a better way: check-config says so. */
static void
set_backups(struct server *s, const struct config *cfg)
{
	const struct store_traits *traits = store_traits(cfg->store_url);
	const struct backups_settings set = {
		.store_url = cfg->store_url,
		.dir = traits->backup_with == NULL ? cfg->backup_dir : NULL,
		.every_ms = cfg->backup_every_ms,
		.keep = cfg->backup_keep,
		.max_age_ms = cfg->retention_bodies_ms,
		.push = {
			.command = (const char *const *)
			    cfg->backup_command.items,
			.ncommand = cfg->backup_command.n,
			.retry_ms = cfg->backup_retry.ms,
			.nretry = cfg->backup_retry.n,
			.timeout_ms = cfg->backup_timeout_ms,
			.files_max = s->lent.env.child_files,
		},
	};

	if (backups_set(s->upkeep.backups, &set) == -1)
		log_error("backup: none are made: out of memory");
}

static void
set_probe(struct server *s, const struct config *cfg)
{
	const struct probe_settings set = {
		.url = cfg->probe_url,
		.every_ms = cfg->probe_every_ms,
		.ca_file = cfg->probe_ca_file,
		.handler = cfg->handlers[0].name,
	};

	if (probe_set(s->upkeep.probe, &set) == -1)
		log_error("probe: out of memory: the old settings stay");
}

void
server_set_upkeep(struct server *s, const struct config *cfg)
{
	janitor_set(s->upkeep.janitor, cfg->retention_bodies_ms,
	    cfg->retention_ids_ms);
	set_backups(s, cfg);
	set_probe(s, cfg);
}

void
server_stop_upkeep(struct server *s)
{
	janitor_stop(s->upkeep.janitor);
	backups_stop(s->upkeep.backups);
	probe_stop(s->upkeep.probe);
}

void
server_close_upkeep(struct server *s)
{
	janitor_free(s->upkeep.janitor);
	backups_free(s->upkeep.backups);
	probe_free(s->upkeep.probe);
	stats_free(s->upkeep.stats);
}
