/*
 * server_upkeep.c -- what the server does by itself, by a clock.
 */
#include "server/app/server_upkeep.h"

#include "server/app/server_parts.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/upkeep/backups.h"

int
server_open_upkeep(struct server *s)
{
	s->upkeep.janitor =
	    janitor_new(s->base, s->st, clock_watch_steady(s->clock));
	s->upkeep.backups = backups_new(s->base, s->clock);
	return (
	    s->upkeep.janitor == NULL || s->upkeep.backups == NULL ? -1 : 0);
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

void
server_set_upkeep(struct server *s, const struct config *cfg)
{
	janitor_set(s->upkeep.janitor, cfg->retention_bodies_ms,
	    cfg->retention_ids_ms);
	set_backups(s, cfg);
}

void
server_stop_upkeep(struct server *s)
{
	janitor_stop(s->upkeep.janitor);
	backups_stop(s->upkeep.backups);
}

void
server_close_upkeep(struct server *s)
{
	janitor_free(s->upkeep.janitor);
	backups_free(s->upkeep.backups);
}
