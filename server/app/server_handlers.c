/*
 * The handlers of the configuration, put to work: their numbers from the
 * store, their settings to dispatch, their subs to ingest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/app/server_handlers.h"
#include "server/app/server_parts.h"
#include "server/app/server_status.h"
#include "server/base/clock.h"
#include "server/base/log.h"

/* The longest deadline whose alarm the handler of that name is; 0: none. */
static int64_t
alarm_max_ms(const struct config *cfg, const char *name)
{
	int64_t max_ms = 0;

	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct config_handler *ch = &cfg->handlers[i];

		if (ch->on_deadline != NULL &&
		    strcmp(ch->on_deadline, name) == 0 &&
		    ch->deadline_ms > max_ms)
			max_ms = ch->deadline_ms;
	}
	return (max_ms);
}

static struct dispatch_handler
handler_of(const struct config *cfg, size_t i,
    const struct server_handler *known)
{
	const struct config_handler *ch = &cfg->handlers[i];

	return ((struct dispatch_handler){
	    .number = known[i].number,
	    .name = ch->name,
	    .type = ch->type,
	    .options = config_handler_options(cfg, ch),
	    .retry_ms = ch->retry.ms,
	    .nretry = ch->retry.n,
	    .max_age_ms = ch->max_age_ms,
	    .alarm_max_ms = alarm_max_ms(cfg, ch->name),
	    .paused = known[i].paused,
	    .concurrency = (size_t)ch->concurrency,
	    .once_per_order = ch->once_per_order,
	    .shared = store_traits(cfg->store_url)->is_shared,
	    .sends_repeats = ch->sends_repeats,
	    .logs_answers = ch->logs_answers,
	});
}

struct selection
server_handler_takes(const struct config_handler *ch)
{
	return ((struct selection){
	    .events = (const char *const *)ch->events.items,
	    .nevents = ch->events.n,
	    .brands = (const char *const *)ch->brands.items,
	    .nbrands = ch->brands.n,
	    .branches = (const char *const *)ch->branches.items,
	    .nbranches = ch->branches.n,
	    .endpoints = (const char *const *)ch->endpoints.items,
	    .nendpoints = ch->endpoints.n,
	    .origins = (const char *const *)ch->origins.items,
	    .norigins = ch->origins.n,
	});
}

static struct subscription
subscription_of(const struct config *cfg, size_t i,
    const struct server_handler *known)
{
	const struct config_handler *ch = &cfg->handlers[i];
	struct subscription sub = {
		.handler = known[i].number,
		.takes = server_handler_takes(ch),
		.ordered = ch->ordered,
		.per_order = ch->per_order,
		.once_per_order = ch->once_per_order,
		.deadline_ms = ch->deadline_ms,
	};

	for (size_t j = 0; ch->on_deadline != NULL && j < cfg->nhandlers; j++) {
		if (strcmp(cfg->handlers[j].name, ch->on_deadline) == 0)
			sub.alarm = known[j].number;
	}
	return (sub);
}

/* store_done_fn: the alarms that nobody wants are gone. */
static void
server_unguarded_cb(const struct store_result *res, void *arg)
{
	(void)arg;
	if (res->rc != STORE_OK)
		log_warn("alarms of a deadline that was removed may still "
			 "ring: %s",
		    res->reason);
	else if (res->id > 0)
		log_info("%" PRId64 " alarms are cancelled: their deadline was "
			 "removed",
		    res->id);
}

/* Alarms are for those deadlines that there are. */
static void
server_unguard(struct server *s, const struct config *cfg,
    const struct server_handler *known)
{
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if (cfg->handlers[i].deadline_ms == 0 &&
		    store_unguard(s->st, known[i].number, clock_wall_ms(),
			server_unguarded_cb, s) == -1)
			log_warn("alarms of a deadline that was removed may "
				 "still ring: out of memory");
	}
}

int
server_set_handlers(struct server *s, const struct config *cfg,
    const struct server_handler *known, char reason[HANDLER_REASON_MAX])
{
	struct dispatch_handler *handlers;
	struct subscription *subs;
	struct status_codes codes = {
		.order = (const char *const *)cfg->status_order.items,
		.norder = cfg->status_order.n,
	};
	int rc = -1;

	handlers = calloc(cfg->nhandlers, sizeof(*handlers));
	subs = calloc(cfg->nhandlers, sizeof(*subs));
	if (handlers == NULL || subs == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		handlers[i] = handler_of(cfg, i, known);
		subs[i] = subscription_of(cfg, i, known);
	}
	if (dispatch_set_handlers(s->dispatch, handlers, cfg->nhandlers,
		reason) == -1)
		goto out;
	codes.nterminal = config_ends(cfg, &codes.terminal);
	if (ingest_subscribe(s->ingest, subs, cfg->nhandlers, &codes) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		goto out;
	}
	server_unguard(s, cfg, known);
	rc = 0;
out:
	free(handlers);
	free(subs);
	return (rc);
}

void
server_note_paused(struct server_handler *known, size_t nknown,
    const struct store_handler_info *rows, size_t n)
{
	for (size_t i = 0; i < nknown; i++) {
		for (size_t j = 0; j < n; j++) {
			if (rows[j].number == known[i].number)
				known[i].paused = rows[j].paused_at_ms != 0;
		}
	}
}
