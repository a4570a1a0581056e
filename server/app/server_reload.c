#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/app/server_alerts.h"
#include "server/app/server_certs.h"
#include "server/app/server_endpoints.h"
#include "server/app/server_handlers.h"
#include "server/app/server_http.h"
#include "server/app/server_parts.h"
#include "server/app/server_process.h"
#include "server/app/server_reload.h"
#include "server/app/server_secrets.h"
#include "server/app/server_service.h"
#include "server/app/server_upkeep.h"
#include "server/app/server_reconcile.h"
#include "server/app/server_upstreams.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/pull/pull_route.h"
#include "server/stats/stats.h"

/* A reload waits here for its handlers' numbers from the store. */
struct reload {
	struct server *s;
	struct config *cfg;
	struct secrets *secrets;
	struct endpoints *endpoints;
	struct http_route *routes; /* to these */
	size_t nroutes;
	struct tls_context *tls;
	struct http_trust trust;
	struct diagnosis_keys *diag_keys;
	size_t missing; /* numbers not there yet */
	bool failed;
	struct server_handler known[];
};

static void
reload_free(struct reload *r)
{
	free(r->routes);
	endpoints_free(r->endpoints);
	secrets_free(r->secrets);
	tls_context_unref(r->tls);
	http_trust_fini(&r->trust);
	diagnosis_keys_free(r->diag_keys);
	config_free(r->cfg);
	free(r);
}

/*
 * What faces klikit; the old goes with r. Requests that have come whole were
 * routed by now, and have copied what they need of it.
 */
static void
reload_front(struct reload *r)
{
	struct server_front *front = &r->s->front;
	struct diagnosis_keys *old_keys = front->diag_keys;
	struct endpoints *old_endpoints = front->endpoints;
	struct secrets *old = front->secrets;
	struct tls_context *old_tls = front->tls;

	front->tls = r->tls;
	r->tls = old_tls;
	secrets_inherit(r->secrets, old);
	front->secrets = r->secrets;
	r->secrets = old;
	http_set_routes(front->http, r->routes, r->nroutes);
	r->routes = NULL;
	endpoints_inherit(r->endpoints, old_endpoints);
	front->endpoints = r->endpoints;
	r->endpoints = old_endpoints;
	front->diag_keys = r->diag_keys;
	diagnosis_queue_set_keys(front->diag, front->diag_keys);
	r->diag_keys = old_keys;
}

/* It is over, done or refused. */
static void
reload_end(struct reload *r)
{
	struct server *s = r->s;

	s->reload = NULL;
	reload_free(r);
	server_service_reloaded(s);
}

/* Everything new is there and sound: let it replace the old. */
static void
reload_apply(struct reload *r)
{
	struct server *s = r->s;
	const struct http_options limits = server_http_limits(r->cfg);
	char reason[HANDLER_REASON_MAX];

	if (r->tls != NULL && http_set_tls(s->front.http, r->tls) == -1) {
		log_error("reload: refused: out of memory");
		return;
	}
	stats_take(s->upkeep.stats); /* of handlers that may be gone */
	if (server_set_handlers(s, r->cfg, r->known, reason) == -1) {
		log_error("reload: refused: %s", reason);
		if (r->tls != NULL)
			(void)http_set_tls(s->front.http, s->front.tls);
		return;
	}
	reload_front(r);
	webhook_set_limit(s->front.webhook, r->cfg->http_max_failures,
	    r->cfg->http_failure_work);
	webhook_forgive(s->front.webhook);
	pull_route_forgive(s->front.pulls);
	http_set_limits(s->front.http, &limits);
	http_set_trust(s->front.http, r->trust);
	r->trust = (struct http_trust){ 0 };
	store_set_repeat_window(s->st, r->cfg->repeat_window_ms);
	server_set_upkeep(s, r->cfg);
	if (server_set_upstreams(s, r->cfg, reason) == -1)
		log_error("reload: %s: the old upstreams stay", reason);
	if (server_set_reconcile(s, r->cfg, reason) == -1)
		log_error("reload: %s: the old list of orders stays", reason);
	server_set_alerts(s, r->cfg);
	log_setup(r->cfg->log_level, r->cfg->log_format);
	server_warn(r->cfg);
	config_free(s->cfg);
	s->cfg = r->cfg;
	r->cfg = NULL;
	server_webhooks_set(&s->webhooks, s->cfg);
	(void)server_certs_watch(s->front.certs, s->cfg);
	s->service.refused = false;
	log_info("reload: done");
}

/* store_handlers_fn: which handlers are paused. */
static void
reload_listed_cb(enum store_rc rc, const struct store_handler_info *rows,
    size_t n, const char *reason, void *arg)
{
	struct reload *r = arg;

	if (rc != STORE_OK)
		log_error("reload: refused: %s", reason);
	else if (!r->s->stop.draining) {
		server_note_paused(r->known, r->cfg->nhandlers, rows, n);
		reload_apply(r);
	}
	reload_end(r);
}

/* A number that reload_registered_cb() is to fill in. */
struct reload_slot {
	struct reload *r;
	size_t i;
};

/* store_done_fn: a handler of the new configuration has its number. */
static void
reload_registered_cb(const struct store_result *res, void *arg)
{
	struct reload_slot *slot = arg;
	struct reload *r = slot->r;

	if (res->rc == STORE_OK) {
		r->known[slot->i].number = res->id;
	} else if (!r->failed) {
		r->failed = true;
		log_error("reload: refused: %s", res->reason);
	}
	free(slot);
	if (--r->missing > 0)
		return;
	if (!r->failed &&
	    store_list_handlers(r->s->st, reload_listed_cb, r) == 0)
		return;
	if (!r->failed)
		log_error("reload: refused: out of memory");
	reload_end(r);
}

void
server_warn(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->warnings.n; i++)
		log_warn("configuration: %s", cfg->warnings.items[i]);
}

/* config_error_fn: one thing is wrong with the new configuration. */
static void
reload_error_cb(const char *line, void *arg)
{
	bool *denied = arg;

	*denied = *denied || strstr(line, strerror(EACCES)) != NULL;
	log_error("reload: %s", line);
}

/* A configuration that may replace the present one; NULL, and logs why not. */
static struct config *
reload_config(struct server *s)
{
	struct config_source source = *s->source;
	bool denied = false;
	struct config *cfg;
	const char *key;

	/* A new certificate that has expired is no better than an old one. */
	source.dates = cert_watch_sound(s->front.certs, clock_wall_ms());
	if ((cfg = config_load(&source, reload_error_cb, &denied)) == NULL) {
		if (denied && s->service.sandboxed)
			log_error("reload: what was denied may be for the "
				  "sandbox that was entered at the start: "
				  "programs, and folders that were not used "
				  "then, need a restart");
		log_error("reload: refused: the configuration has errors; the "
			  "old one stays in force");
		return (NULL);
	}
	if (config_needs_restart(s->cfg, cfg, &key)) {
		log_error("reload: refused: %s cannot change without a "
			  "restart; the old configuration stays in force",
		    key);
		config_free(cfg);
		return (NULL);
	}
	if (!server_process_allows(s, cfg)) {
		config_free(cfg);
		return (NULL);
	}
	return (cfg);
}

/* Read it, and ask the store for what it needs; s->reload goes on from there.
 */
static void
reload_begin(struct server *s)
{
	struct config *cfg;
	struct reload *r;
	struct reload_slot *slot;
	char reason[TLS_REASON_MAX];

	if ((cfg = reload_config(s)) == NULL)
		return;
	r = calloc(1, sizeof(*r) + cfg->nhandlers * sizeof(r->known[0]));
	if (r == NULL) {
		log_error("reload: refused: out of memory");
		config_free(cfg);
		return;
	}
	r->s = s;
	r->cfg = cfg;
	(void)strcpy(reason, "out of memory");
	if ((r->secrets = server_secrets_new(cfg,
		 clock_watch_wall(s->clock).ms)) == NULL ||
	    (r->endpoints = server_endpoints_new(cfg, s->front.webhook,
		 r->secrets)) == NULL ||
	    (r->routes = server_endpoints_routes(cfg, r->endpoints,
		 s->front.pulls, &r->nroutes)) == NULL ||
	    (r->diag_keys = diagnosis_keys_new(cfg)) == NULL ||
	    server_http_trust(cfg, &r->trust) == -1 ||
	    server_load_tls(cfg, &r->tls, reason) == -1) {
		log_error("reload: refused: %s; the old configuration stays in "
			  "force",
		    reason);
		reload_free(r);
		return;
	}
	r->missing = 1; /* this function's own */
	s->reload = r;
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if ((slot = malloc(sizeof(*slot))) != NULL)
			*slot = (struct reload_slot){ .r = r, .i = i };
		if (slot == NULL ||
		    store_register(s->st, cfg->handlers[i].name,
			clock_wall_ms(), reload_registered_cb, slot) == -1) {
			log_error("reload: refused: out of memory");
			free(slot);
			r->failed = true;
			break;
		}
		r->missing++;
	}
	if (--r->missing == 0) { /* none could be asked for */
		s->reload = NULL;
		reload_free(r);
	}
}

void
server_reload(struct server *s)
{
	if (s->stop.draining || s->reload != NULL || !s->work.begun) {
		log_warn("reload: refused: %s",
		    s->stop.draining ? "stopping"
		    : s->work.begun  ? "another one is under way"
				     : "the store is not ready yet");
		return;
	}
	server_service_reloading(s);
	reload_begin(s);
	if (s->reload == NULL)
		server_service_reloaded(s);
}
