/*
 * server_rescue.c -- the store's file was deleted, moved or replaced. It is
 * still open, so what is in it can be saved, but only by this process.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "server/app/server_private.h"
#include "server/base/clock.h"
#include "server/base/log.h"

/* store_done_fn */
static void
rescued_cb(const struct store_result *res, void *arg)
{
	struct server *s = arg;

	s->rescuing = false;
	if (res->rc == STORE_OK)
		log_error("store: all that was in the lost file is saved as "
			  "%s: if the file cannot be put back, stop klikitd "
			  "and run klikitd restore %s",
		    s->rescued, s->rescued);
	else
		log_error("store: what is in the lost file cannot be saved: "
			  "%s. As long as klikitd runs it can be copied from "
			  "/proc/%d/fd, the file and its -wal",
		    res->reason, (int)getpid());
}

void
server_rescue(struct server *s)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char path[PATH_MAX], stamp[32];
	struct tm tm;
	int n = -1;

	if (s->rescuing)
		return;
	if (gmtime_r(&now, &tm) != NULL &&
	    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm) > 0 &&
	    store_locate(s->cfg->store_url, path) == 0)
		n = snprintf(s->rescued, sizeof(s->rescued), "%s.rescued-%s",
		    path, stamp);
	if (n < 0 || (size_t)n >= sizeof(s->rescued) ||
	    store_backup(s->st, s->rescued, NULL, rescued_cb, s) == -1) {
		log_error("store: what is in the lost file cannot be saved: "
			  "out of memory");
		return;
	}
	s->rescuing = true;
}
