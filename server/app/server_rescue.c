/*
 * server_rescue.c -- the store's file was deleted, moved or replaced. It is
 * still open, so what is in it can be saved, but only by this process.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "server/app/server_rescue.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "store/store_read.h"

/* store_done_fn */
static void
rescued_cb(const struct store_result *res, void *arg)
{
	struct server_rescue *r = arg;

	r->running = false;
	if (res->rc == STORE_OK)
		log_error("store: all data of the lost file is saved as "
			  "%s: if the file cannot be put back, stop klikitd "
			  "and run klikitd restore %s",
		    r->path, r->path);
	else
		log_error("store: the data of the lost file cannot be saved: "
			  "%s. As long as klikitd runs it can be copied from "
			  "/proc/%d/fd, the file and its -wal",
		    res->reason, (int)getpid());
}

void
server_rescue_begin(struct server_rescue *r, struct store *st, const char *url)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char path[PATH_MAX], stamp[32];
	struct tm tm;
	int n = -1;

	if (r->running)
		return;
	if (gmtime_r(&now, &tm) != NULL &&
	    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm) > 0 &&
	    store_locate(url, path) == 0)
		n = snprintf(r->path, sizeof(r->path), "%s.rescued-%s", path,
		    stamp);
	if (n < 0 || (size_t)n >= sizeof(r->path) ||
	    store_backup(st, r->path, NULL, rescued_cb, r) == -1) {
		log_error("store: the data of the lost file cannot be saved: "
			  "out of memory");
		return;
	}
	r->running = true;
}
