/*
 * The checks of the store and of what it stands on: its file, the disk, the
 * clock.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock_watch.h"
#include "server/base/exposure.h"
#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/proc.h"
#include "store/base/parse.h"
#include "store/store_read.h"

#define MIB (INT64_C(1024) * 1024)
#define SPACE_FAIL (64 * MIB)
#define SPACE_WARN (1024 * MIB)
#define WAL_WARN (64 * MIB)                 /* it is cut far below that */
#define CLOCK_MIN_MS INT64_C(1735689600000) /* 2025: no klikitd is older */

/* -- The file -- */

void
doctor_store_dir(const struct doctor *d, char ret_dir[PATH_MAX])
{
	char *slash;

	(void)snprintf(ret_dir, PATH_MAX, "%s", d->store_path);
	if ((slash = strrchr(ret_dir, '/')) == ret_dir)
		slash++;
	*slash = '\0';
}

/* What a store is good for is known only when its files can be used. */
static void
store_permissions(struct doctor *d)
{
	enum exposure what = exposure_look(d->store_path);

	if (what != EXPOSURE_NONE)
		doctor_report(d, DOCTOR_WARN, exposure_advice(what),
		    "%s: others can read it: customers' data is in it",
		    log_text(d->store_path));
}

static void
store_missing(struct doctor *d)
{
	doctor_report(d, DOCTOR_OK, NULL,
	    "%s: is not there yet: the first start makes it",
	    log_text(d->store_path));
}

/* Would a server start with it? Then, is it one that can be read? */
static bool
store_is_usable(struct doctor *d)
{
	char reason[STORE_REASON_MAX];
	enum store_found found;

	if (store_would_open(d->cfg->store_url, &found, reason) != STORE_OK) {
		doctor_report(d, DOCTOR_FAIL,
		    "do what is said there, and run doctor again as klikitd's "
		    "user",
		    "%s", reason);
		return (false);
	}
	if (!store_traits(d->cfg->store_url)->is_file)
		return (true);
	if (found == STORE_FOUND_NONE)
		store_missing(d);
	else
		store_permissions(d);
	if (found == STORE_FOUND_OLDER)
		doctor_report(d, DOCTOR_WARN,
		    "start klikitd, which copies it and brings it up to date; "
		    "no backup is needed for that",
		    "%s: was written by an older klikitd; what is in it is not "
		    "looked at before that",
		    log_text(d->store_path));
	return (found == STORE_FOUND);
}

/*
 * It is one, and cannot be opened or read. Only where it is damaged another
 * one can take its place: by STORE_NOTADB that is what the reason says.
 */
static void
store_unread(struct doctor *d, enum store_rc rc, const char *reason)
{
	static const char *const advice = "do what is said there; put no "
					  "backup in its place: nothing shows "
					  "that it is damaged";

	doctor_report(d, DOCTOR_FAIL,
	    rc == STORE_NOTADB
		? "do what is said there, and ask klikit to replay; look at "
		  "the disk as well"
	    : rc == STORE_BUSY ? "do what is said there; the store is whole"
	    : !store_traits(d->cfg->store_url)->is_file
		? "do what is said there; until then deliveries are "
		  "answered 503, and come again"
		: advice,
	    "%s", reason);
}

/* The store's clock: the first that is read, so it shows whether that goes. */
static void
store_clock(struct doctor *d)
{
	char reason[STORE_REASON_MAX];
	enum store_rc rc = clock_watch_read(d->st, &d->clock, reason);

	if (rc != STORE_OK)
		store_unread(d, rc, reason);
}

static void
store_wal(struct doctor *d)
{
	char path[PATH_MAX + 8];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s-wal", d->store_path);
	if (stat(path, &st) == 0 && st.st_size > WAL_WARN)
		doctor_report(d, DOCTOR_WARN,
		    "end what reads the file for long (a backup, an SQL "
		    "shell), or start klikitd again: it is cut then",
		    "%s: the log of changes has grown to %lld MiB",
		    log_text(path), (long long)(st.st_size / MIB));
}

/* store_set_aside_fn */
static void
store_aside_cb(const char *path, const char *what, int64_t at_ms, void *arg)
{
	struct doctor *d = arg;
	char at[FORMAT_TIME_MAX];

	doctor_report(d, DOCTOR_WARN,
	    "when nothing in it is needed any more (events that are nowhere "
	    "else): klikitd purge --set-aside",
	    "%s: %s, with customers' data until %s, which no retention removes",
	    log_text(path), what, format_time(at_ms, at));
}

/* store_receivers_fn: who serves from a store that several share. */
static void
store_receivers_cb(enum store_rc rc, const struct store_receiver_info *rows,
    size_t n, const char *reason, void *arg)
{
	struct doctor *d = arg;
	size_t alive = 0;

	if (rc != STORE_OK) {
		store_unread(d, rc, reason);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].alive)
			continue;
		alive++;
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: receiver %s serves from it (klikitd %s)",
		    log_text(d->store_path), log_text(rows[i].name),
		    log_text(rows[i].version));
	}
	if (alive == 0)
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: nobody serves from it now", log_text(d->store_path));
}

/* Of a shared store it must be open. */
static void
store_find_servers(struct doctor *d)
{
	served_find(d->cfg, d->st, &d->servers);
	if (d->servers.n > 0)
		d->holder = d->servers.pids[0];
}

/* Who has the file's lock. */
static void
store_holder(struct doctor *d)
{
	const char *name = d->holder == 0 ? NULL : proc_name(d->holder);

	if (name == NULL)
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: nobody serves from it now", log_text(d->store_path));
	else
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: %s serves from it (pid %d)", log_text(d->store_path),
		    name, (int)d->holder);
}

void
doctor_store(struct doctor *d)
{
	bool shared = store_traits(d->cfg->store_url)->is_shared;
	const struct store_options opt = {
		.url = d->cfg->store_url,
		.mode = STORE_READ,
		.queue_max = (size_t)d->cfg->store_queue_max,
		.now_ms = d->now_ms,
	};
	char reason[STORE_REASON_MAX];
	enum store_rc rc;

	(void)snprintf(d->store_path, sizeof(d->store_path), "%s",
	    config_store_place(d->cfg));
	if (!shared)
		store_find_servers(d);
	store_set_aside(d->cfg->store_url, store_aside_cb, d);
	if (!store_is_usable(d))
		return;
	if ((rc = store_open(&opt, &d->st, reason)) != STORE_OK) {
		d->st = NULL;
		if (shared && rc == STORE_NOTFOUND)
			store_missing(d);
		else
			store_unread(d, rc, reason);
		return;
	}
	store_clock(d);
	if (!shared) {
		store_wal(d);
		store_holder(d);
	} else {
		store_find_servers(d);
		if (store_list_receivers(d->st, store_receivers_cb, d) == 0)
			store_wait(d->st);
	}
}

/* -- What is in it -- */

struct integrity {
	struct doctor *d;
	bool done;
};

/* store_done_fn */
static void
integrity_cb(const struct store_result *res, void *arg)
{
	struct integrity *it = arg;
	struct doctor *d = it->d;

	it->done = true;
	if (res->rc == STORE_OK)
		doctor_report(d, DOCTOR_OK, NULL, "%s: sound",
		    log_text(d->store_path));
	else if (res->rc != STORE_NOTADB)
		doctor_report(d, DOCTOR_FAIL, "run doctor again",
		    "%s: cannot be checked: %s", log_text(d->store_path),
		    res->reason);
	else if (!store_traits(d->cfg->store_url)->is_file)
		doctor_report(d, DOCTOR_FAIL, "do what is said there",
		    "%s: damaged: %s", log_text(d->store_path), res->reason);
	else
		doctor_report(d, DOCTOR_FAIL,
		    "start klikitd, which makes damaged indexes anew; if it "
		    "says that more is damaged, stop it, run klikitd restore "
		    "BACKUP, which keeps this one aside, and ask klikit to "
		    "replay; look at the disk as well",
		    "%s: damaged: %s", log_text(d->store_path), res->reason);
}

void
doctor_integrity(struct doctor *d)
{
	struct integrity it = { .d = d };
	struct pollfd fd = { .events = POLLIN };

	if (d->st == NULL || store_check(d->st, integrity_cb, &it) == -1)
		return;
	/* It reads the whole file: who waits hears that it goes on. */
	fd.fd = store_fd(d->st);
	store_flush(d->st);
	for (unsigned seconds = 1; !it.done; seconds++) {
		if (poll(&fd, 1, 1000) == 0)
			doctor_go_on(d, seconds);
		store_collect(d->st);
	}
}

/* -- What it stands on -- */

/* What is set aside for a purge when the disk is full, in KiB. */
static long long
space_reserve(const struct doctor *d)
{
	char path[PATH_MAX], name[PATH_MAX + 16];
	struct stat st;

	if (store_locate(d->cfg->store_url, path) == -1)
		return (0);
	(void)snprintf(name, sizeof(name), "%s.reserve", path);
	return (stat(name, &st) == -1 ? 0 : (long long)st.st_size / 1024);
}

void
doctor_space(struct doctor *d)
{
	const char *advice =
	    "make room, purge, or lower retention.bodies: with less than "
	    "64 MiB, or a sixteenth of a small disk, deliveries are answered "
	    "503; what is stored is still worked off";
	struct statvfs fs;
	char dir[PATH_MAX];
	int64_t left;

	if (!store_traits(d->cfg->store_url)->is_file)
		return; /* the server's disk is not ours to see */
	doctor_store_dir(d, dir);
	if (statvfs(dir, &fs) == -1)
		return; /* reported by the check of the store */
	left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if ((fs.f_flag & ST_RDONLY) != 0)
		doctor_report(d, DOCTOR_FAIL,
		    "mount it for writing; a file system becomes read-only by "
		    "itself when its disk fails",
		    "%s: is mounted read-only", log_text(dir));
	else if (left < SPACE_WARN)
		doctor_report(d, left < SPACE_FAIL ? DOCTOR_FAIL : DOCTOR_WARN,
		    advice, "%s: %lld MiB are free, and %lld KiB in reserve",
		    log_text(dir), (long long)(left / MIB), space_reserve(d));
	else if (fs.f_files > 0 && fs.f_favail == 0)
		doctor_report(d, DOCTOR_FAIL, "remove files from that disk",
		    "%s: no file can be made (out of inodes)", log_text(dir));
	else
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: %lld MiB are free, and %lld KiB in reserve",
		    log_text(dir), (long long)(left / MIB), space_reserve(d));
}

/* Does anything keep the clock right? False if that is not known. */
static bool
clock_drifts(void)
{
	struct timex tx = { .modes = 0 };
	int state = adjtimex(&tx);

	return (state == TIME_ERROR ||
		(state != -1 && (tx.status & STA_UNSYNC) != 0));
}

void
doctor_clock(struct doctor *d)
{
	char now[FORMAT_TIME_MAX];

	format_time(d->now_ms, now);
	if (d->now_ms < CLOCK_MIN_MS)
		doctor_report(d, DOCTOR_FAIL,
		    "set it (timedatectl, or a battery for the clock): "
		    "certificates and retention go by it",
		    "it is %s here: the clock was never set", now);
	else if (d->clock.doubt != STEADY_FINE)
		doctor_report(d, DOCTOR_WARN,
		    "set it, by NTP best; if it is right, it is believed after "
		    "a week",
		    "it is %s here, which is not believed: %s", now,
		    steady_doubt_name(d->clock.doubt));
	else if (clock_drifts())
		doctor_report(d, DOCTOR_WARN,
		    "run a time service (timedatectl set-ntp true)",
		    "it is %s here, and nothing keeps the clock right (NTP)",
		    now);
	else
		doctor_report(d, DOCTOR_OK, NULL, "it is %s here", now);
}
