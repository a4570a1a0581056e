/*
 * The check of the scheduled backups: are there any, are they new, would the
 * loss of one disk take them along?
 */
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/upkeep/backup_dir.h"
#include "store/base/parse.h"
#include "store/store.h"

#define MIB (INT64_C(1024) * 1024)

/* None are made by klikitd: how then? */
static bool
backups_are_off(struct doctor *d)
{
	const struct store_traits *traits = store_traits(d->cfg->store_url);

	if (traits->backup_with != NULL)
		doctor_report(d, DOCTOR_OK, NULL,
		    "this store is backed up by %s", traits->backup_with);
	else if (d->cfg->backup_every_ms == 0 || d->cfg->backup_dir == NULL)
		doctor_report(d, DOCTOR_OK, NULL,
		    "none are scheduled; backup.every and backup.dir do that");
	else
		return (false);
	return (true);
}

/* Returns whether klikitd could make one there. */
static bool
backups_place(struct doctor *d)
{
	const char *dir = d->cfg->backup_dir;
	struct stat there, store;

	if (stat(dir, &there) == -1 || access(dir, R_OK | W_OK | X_OK) == -1) {
		doctor_report(d, DOCTOR_FAIL,
		    "make it, mount it, or give it to klikitd's user: no "
		    "backups are made until then",
		    "%s: %s", log_text(dir), strerror(errno));
		return (false);
	}
	if (stat(d->store_path, &store) == 0 && store.st_dev == there.st_dev)
		doctor_report(d, DOCTOR_WARN,
		    "choose a directory on another disk, or bring each "
		    "elsewhere by backup.command",
		    "%s: is on the store's own disk: when that fails both are "
		    "lost",
		    log_text(dir));
	return (true);
}

/* What time it is, as a server would have it. */
static int64_t
backups_now(const struct doctor *d)
{
	return (d->st == NULL ? d->now_ms
			      : steady_wall(&d->clock, clock_wall(),
				    steady_now(&d->clock))
				    .ms);
}

static void
backups_report(struct doctor *d, const struct backup_dir_look *look)
{
	const char *dir = log_text(d->cfg->backup_dir);
	char at[FORMAT_TIME_MAX];

	if (look->n == 0)
		doctor_report(d, DOCTOR_WARN,
		    "start klikitd, or run klikitd backup --scheduled; the "
		    "server's log says why it makes none",
		    "%s: there is no backup of this store yet", dir);
	else if (look->age_ms > 2 * d->cfg->backup_every_ms)
		doctor_report(d, DOCTOR_FAIL,
		    "the server's log says why none is made; klikitd backup "
		    "--scheduled tries it now",
		    "%s: the newest of %zu backups is of %s, older than "
		    "backup.every twice",
		    dir, look->n, format_time(look->newest_ms, at));
	else
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: %zu verified backups, %lld MiB; the newest is of %s",
		    dir, look->n, (long long)(look->bytes / MIB),
		    format_time(look->newest_ms, at));
	if (look->n > 0 && d->cfg->backup_command.n > 0 && !look->sent)
		doctor_report(d, DOCTOR_WARN,
		    "the server's log says what backup.command answers",
		    "%s: the newest was not handed on yet", dir);
}

void
doctor_backups(struct doctor *d)
{
	char reason[BACKUP_REASON_MAX];
	struct backup_dir_look look;
	struct backup_dir *dir;

	if (backups_are_off(d) || !backups_place(d))
		return;
	dir = backup_dir_open(d->cfg->backup_dir, d->cfg->store_url, false,
	    reason);
	if (dir == NULL) {
		doctor_report(d, DOCTOR_FAIL, "make it readable to klikitd",
		    "%s", reason);
		return;
	}
	backup_dir_look(dir, backups_now(d), &look);
	backups_report(d, &look);
	backup_dir_close(dir);
}
