/*
 * server_status.c -- what the operator is shown of the server as a whole.
 */
#include <string.h>

#include "server/admin/admin.h"
#include "server/admin/entity.h"
#include "server/app/server_parts.h"
#include "server/app/server_status.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/reconcile/reconcile.h"

_Static_assert(REJECT_NCAUSES <= ADMIN_CAUSES_MAX, "room for every cause");
_Static_assert(SECRETS_MAX <= ADMIN_SECRETS_MAX, "room for every secret");

static const char *
health_word(enum store_health health)
{
	switch (health) {
	case STORE_READY:
		return ("ready");
	case STORE_NOSPACE:
		return ("no space");
	case STORE_FILE_LOST:
		return ("file lost");
	case STORE_DAMAGED:
		return ("damaged");
	case STORE_UNREACHABLE:
		return ("unreachable");
	case STORE_RECOVERING:
		break;
	}
	return ("recovering");
}

const char *
server_check_word(const struct server *s)
{
	struct store_stats stats;

	store_stats(s->st, &stats);
	if (store_health(s->st) == STORE_DAMAGED)
		return ("damaged");
	if (stats.repairs > 0)
		return ("repaired");
	return (s->work.check == NULL ? "none" : s->work.check);
}

static void
status_secrets(const struct server *s, struct admin_status *st)
{
	struct secrets_info info;

	st->nsecrets = secrets_count(s->front.secrets);
	for (size_t i = 0; i < st->nsecrets; i++) {
		secrets_info(s->front.secrets, i, &info);
		st->secrets[i].name = info.name;
		st->secrets[i].endpoint = s->cfg->secrets[i].endpoint;
		st->secrets[i].valid_until_ms = info.valid_until_ms;
		st->secrets[i].last_used_ms = info.last_used_ms;
	}
}

void
server_status_cb(void *arg, struct admin_status *ret_status)
{
	const struct server *s = arg;
	struct ingest_stats in;

	ingest_stats(s->ingest, &in);
	ret_status->dev = s->webhooks.dev;
	ret_status->started_at_ms = s->started_at_ms;
	ret_status->webhooks = (const char *const *)s->webhooks.urls;
	ret_status->endpoints = (const char *const *)s->webhooks.names;
	ret_status->nwebhooks = s->webhooks.n;
	ret_status->store_url = s->cfg->store_name;
	ret_status->admin_url = s->admin.listener == NULL ? NULL : s->admin.url;
	ret_status->health = health_word(store_health(s->st));
	ret_status->check = server_check_word(s);
	ret_status->clock = clock_watch_steady(s->clock)->doubt;
	ret_status->queue.bytes = store_queued(s->st);
	ret_status->queue.max = (uint64_t)s->cfg->store_queue_max;
	ret_status->received = in.received;
	ret_status->repeats = in.repeats;
	ret_status->duplicates = in.duplicates;
	ret_status->conflicts = in.conflicts;
	for (int i = 0; i < REJECT_NCAUSES; i++) {
		ret_status->refused[i].name =
		    reject_cause_name((enum reject_cause)i);
		ret_status->refused[i].n =
		    rejections_count(s->rej, (enum reject_cause)i);
		ret_status->refused[i].not_kept =
		    rejections_not_kept(s->rej, (enum reject_cause)i);
	}
	ret_status->nrefused = REJECT_NCAUSES;
	status_secrets(s, ret_status);
	ret_status->alerts = s->alerts.all;
	backups_status(s->upkeep.backups, &ret_status->backup);
	probe_status(s->upkeep.probe, &ret_status->probe);
	ret_status->commands.trigger = s->webhooks.trigger;
	ret_status->commands.sign = s->webhooks.sign;
	ret_status->commands.curl = s->webhooks.curl;
	ret_status->upstreams = s->front.upstreams;
	reconcile_status(s->front.reconcile, &ret_status->reconcile);
}

void
server_times_cb(void *arg, int64_t event, struct admin_times *ret_times)
{
	const struct server *s = arg;

	ret_times->stored_ms = journal_stored_ms(s->journal, event);
	ret_times->acked_ms = journal_acked_ms(s->journal, event);
	ret_times->answered =
	    ingest_find_answer(s->ingest, event, &ret_times->answer) == 0;
}

void
server_live_cb(void *arg, const struct store_handler_info *h,
    struct entity_live *ret_live)
{
	const struct server *s = arg;
	struct dispatch_live live;
	int64_t seen_ms;

	*ret_live = (struct entity_live){ 0 };
	for (size_t i = 0; dispatch_live(s->dispatch, i, &live) == 0; i++) {
		if (live.number != h->number)
			continue;
		ret_live->configured = true;
		ret_live->probing = live.probing;
		ret_live->under_way = live.under_way;
		ret_live->lasting = live.lasting;
		ret_live->connected = live.connected;
		if (live.failing_since.ms != 0)
			ret_live->failing_ms =
			    clock_wall_ms() -
			    steady_since(dispatch_now(s->dispatch),
				live.failing_since);
		if (live.next_try_ms >= 0 && h->unfinished > 0)
			ret_live->next_try_ms =
			    clock_wall_ms() + live.next_try_ms;
		if (live.error != NULL) {
			(void)strcpy(ret_live->error, live.error);
			ret_live->error_ms = live.error_ms;
		}
	}
	seen_ms = dispatch_pullers(s->dispatch, h->number, ret_live->target);
	ret_live->pulled = seen_ms != -1;
	ret_live->pulled_ms = ret_live->pulled ? seen_ms : 0;
	if (ret_live->target[0] == '\0')
		config_target(s->cfg, h->name, ret_live->target);
	ret_live->type = config_takes(s->cfg, h->name, ret_live->takes);
}

const char *
server_status_name_cb(void *arg, const char *status)
{
	const struct server *s = arg;

	return (config_status_name(s->cfg, status));
}

size_t
server_status_names_cb(void *arg, const char *const **ret_names)
{
	const struct server *s = arg;

	*ret_names = (const char *const *)s->cfg->status_names.items;
	return (s->cfg->status_names.n);
}

int64_t
server_deadline_cb(void *arg, const char *handler)
{
	const struct server *s = arg;

	return (config_deadline(s->cfg, handler));
}

size_t
server_ends_cb(void *arg, const char *const **ret_ends)
{
	const struct server *s = arg;

	return (config_ends(s->cfg, ret_ends));
}
