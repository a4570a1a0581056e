#include <stdio.h>
#include <stdlib.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/server_private.h"

/* A reload waits here for its handlers' numbers from the store. */
struct reload {
	struct server *s;
	struct config *cfg;
	struct secrets *secrets;
	size_t missing; /* numbers not there yet */
	bool failed;
	int64_t numbers[];
};

static void
secret_tell(const struct config_secret *cs, const struct secrets_info *info)
{
	log_info("secret %s: %zu bytes, fingerprint %s, from %s",
	    log_text(info->name), info->len, info->fingerprint,
	    log_text(cs->source));
	if (cs->newline_dropped)
		log_info("secret %s: the newline at the end of %s is not part "
			 "of it",
		    log_text(info->name), log_text(cs->source));
	if (info->valid_until_ms != 0 &&
	    info->valid_until_ms <= clock_wall_ms())
		log_warn("secret %s: no longer valid: past its valid_until",
		    log_text(info->name));
}

struct secrets *
server_secrets(const struct config *cfg)
{
	struct secrets *sec;
	struct secrets_info info;

	if ((sec = secrets_new()) == NULL)
		return (NULL);
	for (size_t i = 0; i < cfg->nsecrets; i++) {
		const struct config_secret *cs = &cfg->secrets[i];

		if (secrets_add(sec, cs->name, cs->bytes, cs->len,
			cs->valid_until_ms) == -1) {
			secrets_free(sec);
			return (NULL);
		}
		secrets_info(sec, i, &info);
		secret_tell(cs, &info);
	}
	return (sec);
}

int
server_set_handlers(struct server *s, const struct config *cfg,
    const int64_t *numbers, char reason[HANDLER_REASON_MAX])
{
	struct dispatch_handler *handlers;
	struct ingest_route *routes;
	int rc = -1;

	handlers = calloc(cfg->nhandlers, sizeof(*handlers));
	routes = calloc(cfg->nhandlers, sizeof(*routes));
	if (handlers == NULL || routes == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct config_handler *ch = &cfg->handlers[i];

		handlers[i] = (struct dispatch_handler){
			.number = numbers[i],
			.name = ch->name,
			.type = handler_find(ch->type),
			.options = {
				.name = ch->name,
				.terminal =
				    (const char *const *)ch->terminal.items,
				.nterminal = ch->terminal.n,
			},
			.retry_ms = ch->retry_ms,
			.nretry = ch->nretry,
			.max_age_ms = ch->max_age_ms,
		};
		routes[i] = (struct ingest_route){
			.handler = numbers[i],
			.events = (const char *const *)ch->events.items,
			.nevents = ch->events.n,
			.brands = (const char *const *)ch->brands.items,
			.nbrands = ch->brands.n,
			.branches = (const char *const *)ch->branches.items,
			.nbranches = ch->branches.n,
			.ordered = ch->ordered,
		};
	}
	if (dispatch_set_handlers(s->dispatch, handlers, cfg->nhandlers,
		reason) == -1)
		goto out;
	if (ingest_route(s->ingest, routes, cfg->nhandlers) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		goto out;
	}
	rc = 0;
out:
	free(handlers);
	free(routes);
	return (rc);
}

/* Where server_register() collects one number. */
struct registration {
	int64_t number;
	char reason[HANDLER_REASON_MAX];
};

/* store_done_fn: a handler has its number, or has none. */
static void
server_registered_cb(const struct store_result *res, void *arg)
{
	struct registration *reg = arg;

	if (res->rc == STORE_OK)
		reg->number = res->id;
	else
		(void)snprintf(reg->reason, sizeof(reg->reason), "%s",
		    res->reason);
}

int
server_register(struct server *s, const struct config *cfg,
    int64_t *ret_numbers, char reason[HANDLER_REASON_MAX])
{
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		struct registration reg = { .number = -1 };

		if (store_register(s->st, cfg->handlers[i].name,
			clock_wall_ms(), server_registered_cb, &reg) == -1) {
			(void)snprintf(reason, HANDLER_REASON_MAX,
			    "out of memory");
			return (-1);
		}
		store_wait(s->st);
		if (reg.number == -1) {
			(void)snprintf(reason, HANDLER_REASON_MAX, "%s",
			    reg.reason);
			return (-1);
		}
		ret_numbers[i] = reg.number;
	}
	return (0);
}

/* -- HUP -- */

static void
reload_free(struct reload *r)
{
	secrets_free(r->secrets);
	config_free(r->cfg);
	free(r);
}

/* Everything new is there and sound: let it replace the old. */
static void
reload_apply(struct reload *r)
{
	struct server *s = r->s;
	struct secrets *old = s->secrets;
	char reason[HANDLER_REASON_MAX];

	if (server_set_handlers(s, r->cfg, r->numbers, reason) == -1) {
		log_error("reload: refused: %s", reason);
		return;
	}
	s->secrets = r->secrets;
	http_set_secrets(s->http, s->secrets);
	r->secrets = old;
	http_set_limits(s->http,
	    &(struct http_options){
		.max_body = (size_t)r->cfg->http_max_body,
		.max_connections = (size_t)r->cfg->http_max_connections,
		.request_timeout_ms = r->cfg->http_request_timeout_ms,
		.idle_timeout_ms = r->cfg->http_idle_timeout_ms,
	    });
	log_setup(r->cfg->log_level, r->cfg->log_format);
	config_free(s->cfg);
	s->cfg = r->cfg;
	r->cfg = NULL;
	log_info("reload: done");
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
		r->numbers[slot->i] = res->id;
	} else if (!r->failed) {
		r->failed = true;
		log_error("reload: refused: %s", res->reason);
	}
	free(slot);
	if (--r->missing > 0)
		return;
	if (!r->failed && !r->s->draining)
		reload_apply(r);
	r->s->reload = NULL;
	reload_free(r);
}

/* config_error_fn: one thing is wrong with the new configuration. */
static void
reload_error_cb(const char *line, void *arg)
{
	(void)arg;
	log_error("reload: %s", line);
}

/* A configuration that may replace the present one; NULL and told if not. */
static struct config *
reload_config(struct server *s)
{
	struct config *cfg;
	const char *key;

	if ((cfg = config_load(s->source, reload_error_cb, NULL)) == NULL) {
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
	return (cfg);
}

void
server_reload(struct server *s)
{
	struct config *cfg;
	struct reload *r;
	struct reload_slot *slot;

	if (s->draining || s->reload != NULL) {
		log_warn("reload: refused: %s",
		    s->draining ? "stopping" : "another one is under way");
		return;
	}
	if ((cfg = reload_config(s)) == NULL)
		return;
	r = calloc(1, sizeof(*r) + cfg->nhandlers * sizeof(r->numbers[0]));
	if (r == NULL || (r->secrets = server_secrets(cfg)) == NULL) {
		log_error("reload: refused: out of memory");
		config_free(cfg);
		free(r);
		return;
	}
	r->s = s;
	r->cfg = cfg;
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
