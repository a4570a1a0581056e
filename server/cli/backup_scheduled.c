#include "server/cli/backup_scheduled.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/json.h"
#include "server/base/log.h"
#include "server/upkeep/backup_dir.h"
#include "store/store_read.h"

#define MIB (INT64_C(1) << 20)

struct scheduled {
	const struct backup_order *order;
	struct store *st;
	struct backup_dir *dir;
	int64_t now_ms;
	char path[PATH_MAX];
	char half[PATH_MAX];
	int64_t needed;            /* bytes; -1: not known */
	int64_t floor;             /* without which the store takes nothing */
	struct store_restored got; /* of the verified copy */
	bool made;
	size_t removed;
	char reason[BACKUP_REASON_MAX];
};

static int
fail(struct scheduled *s, const char *reason)
{
	(void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
	return (-1);
}

/* -- What is there before -- */

static int
open_store(struct scheduled *s)
{
	const struct store_options opt = {
		.url = s->order->cfg->store_url,
		.mode = STORE_READ,
		.queue_max = 1,
		.now_ms = clock_wall_ms(),
	};
	char reason[STORE_REASON_MAX];

	if (store_open(&opt, &s->st, reason) == STORE_OK)
		return (0);
	s->st = NULL;
	return (fail(s, reason));
}

/* The time to go by: a clock that was set wrong would remove backups. */
static int
find_time(struct scheduled *s)
{
	char reason[STORE_REASON_MAX];
	struct steady clock;

	s->now_ms = s->order->at_ms;
	if (s->now_ms != 0)
		return (0);
	if (clock_watch_read(s->st, &clock, reason) != STORE_OK)
		return (fail(s, reason));
	s->now_ms = steady_wall(&clock, clock_wall(), steady_now(&clock)).ms;
	return (0);
}

/* store_figures_fn */
static void
figures_cb(enum store_rc rc, const struct store_figures *f, const char *reason,
    void *arg)
{
	struct scheduled *s = arg;

	(void)reason;
	if (rc != STORE_OK)
		return;
	s->needed = f->bytes + f->log_bytes;
	s->floor = f->floor_bytes;
}

/*
 * A copy that finds no room is only a failure; one on the store's own disk
 * that takes the last room makes the store refuse deliveries.
 */
static int
check_room(struct scheduled *s)
{
	const char *dir = s->order->cfg->backup_dir;
	char store[PATH_MAX];
	struct stat a, b;
	struct statvfs fs;
	int64_t left;

	s->needed = -1;
	if (store_measure(s->st, figures_cb, s) == 0)
		store_wait(s->st);
	if (s->needed < 0 || statvfs(dir, &fs) == -1)
		return (0);
	if (store_locate(s->order->cfg->store_url, store) == 0 &&
	    stat(store, &a) == 0 && stat(dir, &b) == 0 && a.st_dev == b.st_dev)
		s->needed += 2 * s->floor;
	left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (left >= s->needed)
		return (0);
	(void)snprintf(s->reason, sizeof(s->reason),
	    "%.300s: no space: %" PRId64 " MiB are free, %" PRId64
	    " MiB are needed",
	    log_text(dir), left / MIB, (s->needed + MIB - 1) / MIB);
	return (-1);
}

/* -- Making it -- */

/* store_done_fn */
static void
copied_cb(const struct store_result *res, void *arg)
{
	struct scheduled *s = arg;

	s->made = res->rc == STORE_OK;
	if (!s->made)
		(void)fail(s, res->reason);
}

static int
copy(struct scheduled *s)
{
	(void)fail(s, "out of memory");
	if (store_backup(s->st, s->half, NULL, copied_cb, s) == 0)
		store_wait(s->st);
	return (s->made ? 0 : -1);
}

/* Read what is on the disk as a restore would, before it counts. */
static int
verify(struct scheduled *s)
{
	const struct store_restore what = {
		.url = s->order->cfg->store_url,
		.backup = s->half,
		.now_ms = s->now_ms,
		.only_check = true,
	};
	char reason[STORE_REASON_MAX];

	s->made = store_restore(&what, &s->got, reason) == STORE_OK;
	if (s->made)
		return (0);
	(void)unlink(s->half);
	return (fail(s, reason));
}

static int
make(struct scheduled *s)
{
	if (check_room(s) == -1)
		return (-1);
	if (backup_dir_name(s->dir, s->now_ms, s->path, s->half) == -1)
		return (fail(s, "no name is free for it, or the path of the "
				"directory is too long"));
	if (copy(s) == -1 || verify(s) == -1)
		return (-1);
	s->made = backup_dir_keep(s->dir, s->half, s->path, s->reason) == 0;
	return (s->made ? 0 : -1);
}

/* -- What came of it -- */

static void
say_json(const struct scheduled *s, const struct backup_dir_look *look)
{
	json_t *o = json_object();
	char *text = NULL;
	int bad = 0;

	if (look == NULL) {
		bad |= json_set_text(o, "error", s->reason);
	} else {
		bad |= json_object_set_new(o, "made", json_boolean(s->made));
		bad |= json_object_set_new(o, "sent", json_boolean(look->sent));
		bad |= json_set_text(o, "newest",
		    look->n == 0 ? NULL : look->newest);
		bad |= json_set_time(o, "newest_at", look->newest_ms);
		bad |= json_set_int(o, "newest_bytes", look->newest_bytes);
		bad |= json_set_int(o, "age_ms", look->age_ms);
		bad |= json_set_int(o, "events", s->got.events);
		bad |= json_set_int(o, "backups", (int64_t)look->n);
		bad |= json_set_int(o, "bytes", look->bytes);
		bad |= json_set_int(o, "removed", (int64_t)s->removed);
	}
	if (bad == 0)
		text = json_text(o);
	printf("%s\n", text == NULL ? "{}" : text);
	free(text);
	json_decref(o);
}

static void
say(const struct scheduled *s, const struct backup_dir_look *look)
{
	if (s->order->json)
		say_json(s, look);
	else if (look == NULL)
		fprintf(stderr, "klikitd backup: %s\n", s->reason);
	else if (s->made)
		printf("%s: %" PRId64 " bytes, %" PRId64 " events, verified; "
		       "%zu backups are there, %zu older ones were removed\n",
		    log_text(s->path), look->newest_bytes, s->got.events,
		    look->n, s->removed);
	else
		printf("not due: the newest is %s/%s\n",
		    log_text(s->order->cfg->backup_dir), look->newest);
}

/* The directory is open and ours. */
static int
run(struct scheduled *s)
{
	const struct config *cfg = s->order->cfg;
	const struct backup_rule rule = {
		.now_ms = s->now_ms,
		.keep = (size_t)cfg->backup_keep,
		.max_age_ms = cfg->retention_bodies_ms,
	};
	struct backup_dir_look look;

	if (s->order->sent != NULL) {
		backup_dir_sent(s->dir, s->order->sent);
		return (0);
	}
	backup_dir_sweep(s->dir);
	backup_dir_look(s->dir, s->now_ms, &look);
	if ((!s->order->if_due || look.age_ms >= cfg->backup_every_ms) &&
	    make(s) == -1)
		return (-1);
	s->removed = backup_dir_prune(s->dir, &rule);
	backup_dir_look(s->dir, s->now_ms, &look);
	say(s, &look);
	return (0);
}

int
backup_scheduled(const struct backup_order *order)
{
	struct scheduled s = { .order = order };
	int rc = -1;

	if (open_store(&s) == 0 && find_time(&s) == 0 &&
	    (s.dir = backup_dir_open(order->cfg->backup_dir,
		 order->cfg->store_url, true, s.reason)) != NULL)
		rc = run(&s);
	if (rc == -1)
		say(&s, NULL);
	backup_dir_close(s.dir);
	store_close(s.st);
	return (rc);
}
