/*
 * server_status.c -- what the operator is shown of the server as a whole.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/admin.h"
#include "server/admin/entity.h"
#include "server/app/server_private.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/cli/commands.h"

_Static_assert(REJECT_NCAUSES <= ADMIN_CAUSES_MAX, "room for every cause");
_Static_assert(SECRETS_MAX <= ADMIN_SECRETS_MAX, "room for every secret");

/* The commands that send something to its first listener. */
static void
make_commands(struct server *s)
{
	const char *source = s->cfg->secrets[0].source;
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	const struct commands_place place = {
		.program = n > 0 ? program : "klikitd",
		.secret_file = source[0] == '/' ? source : NULL,
		.url = s->webhooks[0],
		.ca_file = s->ca_file,
		.certificate = strncmp(s->webhooks[0], "https:", 6) == 0
				   ? s->cfg->tls_certificate
				   : NULL,
	};

	program[n > 0 ? n : 0] = '\0';
	s->trigger = commands_trigger(&place);
	s->sign = commands_sign(&place);
	s->curl = commands_curl(&place);
	if (!s->dev && s->trigger != NULL)
		log_info("to send a test event: %s", s->trigger);
}

void
server_note_url(struct server *s, const char *url)
{
	char **grown;
	char *copy;

	grown = realloc(s->webhooks, (s->nwebhooks + 1) * sizeof(*grown));
	if (grown == NULL)
		return;
	s->webhooks = grown;
	if (asprintf(&copy, "%s" HTTP_WEBHOOK_PATH, url) == -1)
		return;
	s->webhooks[s->nwebhooks++] = copy;
	if (s->nwebhooks == 1)
		make_commands(s);
}

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
	return (s->check == NULL ? "none" : s->check);
}

static void
status_secrets(const struct server *s, struct admin_status *st)
{
	struct secrets_info info;

	st->nsecrets = secrets_count(s->secrets);
	for (size_t i = 0; i < st->nsecrets; i++) {
		secrets_info(s->secrets, i, &info);
		st->secrets[i].name = info.name;
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
	ret_status->dev = s->dev;
	ret_status->started_at_ms = s->started_at_ms;
	ret_status->webhooks = (const char *const *)s->webhooks;
	ret_status->nwebhooks = s->nwebhooks;
	ret_status->store_url = s->cfg->store_url;
	ret_status->health = health_word(store_health(s->st));
	ret_status->check = server_check_word(s);
	ret_status->clock =
	    steady_doubt_name(clock_watch_steady(s->clock)->doubt);
	ret_status->queue_bytes = store_queued(s->st);
	ret_status->queue_max = (uint64_t)s->cfg->store_queue_max;
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
	ret_status->trigger = s->trigger;
	ret_status->sign = s->sign;
	ret_status->curl = s->curl;
}

void
server_times_cb(void *arg, int64_t event, struct admin_times *ret_times)
{
	const struct server *s = arg;

	ret_times->stored_ms = journal_stored_ms(s->journal, event);
	ret_times->acked_ms = journal_acked_ms(s->journal, event);
}

void
server_live_cb(void *arg, int64_t handler, struct entity_live *ret_live)
{
	const struct server *s = arg;
	struct dispatch_live live;

	*ret_live = (struct entity_live){ 0 };
	for (size_t i = 0; dispatch_live(s->dispatch, i, &live) == 0; i++) {
		if (live.number != handler)
			continue;
		ret_live->configured = true;
		ret_live->probing = live.probing;
		ret_live->under_way = live.under_way;
	}
}

size_t
server_ends(const struct config *cfg, const char *const **ret_ends)
{
	const struct key_list *ends;

	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct config_handler *ch = &cfg->handlers[i];

		if (ch->type->ends != NULL) {
			ends = ch->type->ends(ch->settings);
			*ret_ends = (const char *const *)ends->items;
			return (ends->n);
		}
	}
	return (0);
}

size_t
server_ends_cb(void *arg, const char *const **ret_ends)
{
	const struct server *s = arg;

	return (server_ends(s->cfg, ret_ends));
}

void
server_close_status(struct server *s)
{
	for (size_t i = 0; i < s->nwebhooks; i++)
		free(s->webhooks[i]);
	free(s->webhooks);
	free(s->trigger);
	free(s->sign);
	free(s->curl);
}
