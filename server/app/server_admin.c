/*
 * server_admin.c -- the operator's way in: the admin API, its listener, and
 * the file by which verbs find it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin.h"
#include "server/admin/admin_listener.h"
#include "server/admin/metrics.h"
#include "server/admin/stream.h"
#include "server/app/server_admin.h"
#include "server/app/server_http.h"
#include "server/app/server_metrics.h"
#include "server/app/server_order_ask.h"
#include "server/app/server_parts.h"
#include "server/app/server_sockets.h"
#include "server/app/server_status.h"
#include "server/app/server_upkeep.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/cli/admin_link.h"

/* admin_fns: jobs of that handler may run. */
static void
server_look_cb(void *arg, int64_t handler)
{
	struct server *s = arg;

	dispatch_look(s->dispatch, handler);
}

/* admin_fns: a handler was paused, or goes on. */
static void
server_paused_cb(void *arg, int64_t handler, bool paused)
{
	struct server *s = arg;

	dispatch_pause(s->dispatch, handler, paused);
	journal_note(s->journal, JOURNAL_HANDLER, handler);
}

/* admin_fns: rejections are wanted on disk. */
static void
server_flush_cb(void *arg)
{
	struct server *s = arg;

	rejections_flush(s->rej);
}

/* admin_fns: something was done to a job. */
static void
server_acted_cb(void *arg, int64_t job)
{
	struct server *s = arg;

	journal_note(s->journal, JOURNAL_JOB, job);
}

/* admin_listener_options: would a delivery be taken now? */
static bool
server_ready_cb(void *arg, struct admin_ready *ret_why)
{
	struct server *s = arg;

	ret_why->check = server_check_word(s);
	if (strcmp(ret_why->check, "none") == 0)
		ret_why->check = NULL;
	switch (store_health(s->st)) {
	case STORE_READY:
		if (!s->work.begun) {
			ret_why->why = "store recovering";
			return (false);
		}
		break;
	case STORE_NOSPACE:
		ret_why->why = "store full";
		return (false);
	case STORE_FILE_LOST:
		ret_why->why = "store file lost";
		return (false);
	case STORE_DAMAGED:
		ret_why->why = "store damaged";
		ret_why->advice = "stop klikitd, run klikitd restore BACKUP, "
				  "and ask klikit to replay";
		return (false);
	case STORE_UNREACHABLE:
		ret_why->why = "store unreachable";
		return (false);
	case STORE_RECOVERING:
		ret_why->why = "store recovering";
		return (false);
	}
	ret_why->why = "queue full";
	return (store_queued(s->st) < (size_t)s->cfg->store_queue_max);
}

/* admin_listener_options: is the clock believed? */
static const char *
server_clock_cb(void *arg)
{
	const struct server *s = arg;
	enum steady_doubt doubt = clock_watch_steady(s->clock)->doubt;

	return (doubt == STEADY_FINE ? NULL : steady_doubt_name(doubt));
}

/* admin_fns: the steady clock. */
static struct steady_time
server_now_cb(void *arg)
{
	const struct server *s = arg;

	return (steady_now(clock_watch_steady(s->clock)));
}

static int
server_listen_admin(struct server *s)
{
	char socket[SERVER_ADDRESS_MAX];
	size_t n = 0;
	const struct admin_listener_options opt = {
		.address = s->cfg->admin_listen.items[0],
		.socket = socket,
		.token = s->cfg->admin_token,
		.stream = s->admin.stream,
		.metrics = s->admin.metrics,
		.ready = server_ready_cb,
		.clock = server_clock_cb,
		.arg = s,
	};
	char reason[256];

	(void)server_sockets_next(s, LISTEN_ADMIN, &s->cfg->admin_listen, &n,
	    socket);
	s->admin.listener = admin_listener_new(s->base, s->admin.api, &opt,
	    s->admin.url, reason);
	if (s->admin.listener == NULL)
		log_error("admin.listen: %s", reason);
	return (s->admin.listener == NULL ? -1 : 0);
}

int
server_open_admin(struct server *s)
{
	const struct admin_fns fns = {
		.status = server_status_cb,
		.now = server_now_cb,
		.times = server_times_cb,
		.live = server_live_cb,
		.acted = server_acted_cb,
		.ends = server_ends_cb,
		.status_name = server_status_name_cb,
		.status_names = server_status_names_cb,
		.deadline = server_deadline_cb,
		.flush = server_flush_cb,
		.look = server_look_cb,
		.paused = server_paused_cb,
		.probe = server_probe_cb,
		.words = server_order_words_cb,
		.ask = server_order_ask_cb,
		.stats = s->upkeep.stats,
		.arg = s,
	};
	const struct stream_fns live = { server_live_cb, s };
	char reason[ADMIN_LINK_REASON_MAX];
	int rc;

	admin_link_remove(s->cfg->store_url); /* a killed server's */
	if (s->cfg->admin_listen.n == 0)
		return (0);
	if ((s->admin.api = admin_new(s->st, &fns)) == NULL ||
	    (s->admin.stream = stream_new(s->base, s->st, s->journal, &live)) ==
		NULL ||
	    (s->admin.metrics = server_metrics(s)) == NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	rc = server_listen_admin(s);
	/* A full disk is no reason not to serve. */
	if (rc == 0 &&
	    admin_link_write(s->cfg->store_url, s->admin.url, reason) == -1)
		log_warn("admin: verbs will not find this server: %s", reason);
	return (rc);
}

void
server_print_admin(const struct server *s)
{
	if (s->admin.listener == NULL)
		return;
	server_announce("admin", s->admin.url);
}

void
server_close_admin(struct server *s)
{
	if (s->admin.listener != NULL)
		admin_link_remove(s->cfg->store_url);
	/* Each answer may ask the store for the next thing. */
	while (s->admin.api != NULL && admin_pending(s->admin.api) > 0)
		store_wait(s->st);
	metrics_flush(s->admin.metrics);
	admin_listener_free(s->admin.listener);
	stream_stop(s->admin.stream);
	if (s->admin.stream != NULL)
		store_wait(s->st);
	metrics_free(s->admin.metrics);
	stream_free(s->admin.stream);
	admin_free(s->admin.api);
}
