#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include <event2/event.h>

#include "handlers/hub/hub.h"
#include "server/alert/alert_watch.h"
#include "server/app/server.h"
#include "server/app/server_admin.h"
#include "server/app/server_alerts.h"
#include "server/app/server_begin.h"
#include "server/app/server_certs.h"
#include "server/app/server_http.h"
#include "server/app/server_metrics.h"
#include "server/app/server_news.h"
#include "server/app/server_parts.h"
#include "server/app/server_process.h"
#include "server/app/server_reload.h"
#include "server/app/server_service.h"
#include "server/app/server_upkeep.h"
#include "server/app/server_reconcile.h"
#include "server/app/server_upstreams.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/keyboard.h"
#include "server/base/log.h"
#include "server/cli/open_files.h"
#include "server/cli/proc.h"
#include "server/cli/process_guard.h"
#include "server/cli/start_check.h"
#include "server/devtools/dev_keys.h"
#include "server/pull/pull_route.h"
#include "server/stats/stats.h"
#include "server/reconcile/reconcile.h"
#include "server/upstream/upstreams.h"

/* How long a first TERM waits for what is under way. */
#define SERVER_DRAIN_S 10

/*
 * So long after its last pull jobs are kept in memory for a box; and where
 * other receivers could have them, since it may come to one of these next.
 */
#define AWAY_MS 120000
#define AWAY_SHARED_MS 2000

/* -- Stopping -- */

/* Has everything that is under way come to its end? Then leave the loop. */
static void
server_pump(struct server *s)
{
	if (!s->stop.draining || s->stop.undrained > 0 || s->reload != NULL ||
	    s->rescue.running || ingest_pending(s->ingest) > 0 ||
	    dispatch_busy(s->dispatch) > 0 ||
	    upstreams_busy(s->front.upstreams))
		return;
	(void)event_base_loopbreak(s->base);
}

/* upstreams_options: all that was fetched is reported. */
static void
server_unfetched_cb(void *arg)
{
	server_pump(arg);
}

/* http_drain: the last connection of a listener is gone. */
static void
server_drained_cb(void *arg)
{
	struct server *s = arg;

	if (--s->stop.undrained == 0) {
		hub_end(s->front.hub);
		dispatch_stop(s->dispatch);
	}
	server_pump(s);
}

static void
server_arm_drain(struct server *s)
{
	static const struct timeval limit = { SERVER_DRAIN_S, 0 };

	(void)evtimer_add(s->stop.timer, &limit);
}

/* At once; only the log's last lines are waited for. */
static _Noreturn void
server_leave(void)
{
	keyboard_restore(); /* _exit() does not */
	log_stop();
	_exit(1);
}

/* evtimer: the drain takes too long. */
static void
server_drain_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (s->rescue.running) {
		log_warn("stopping: the store's data is being saved first");
		server_arm_drain(s);
		return;
	}
	log_warn("stopping: not done after %d s, leaving: %zu connections, "
		 "%zu deliveries and %zu jobs are under way",
	    SERVER_DRAIN_S, http_connections(s->front.http),
	    ingest_pending(s->ingest), dispatch_busy(s->dispatch));
	dispatch_stop(s->dispatch);
	dispatch_cancel(s->dispatch);
	if (ingest_pending(s->ingest) > 0 ||
	    dispatch_recording(s->dispatch) > 0)
		server_leave(); /* the disk hangs: to wait is to hang too */

	/* Calls that take longer than that are begun anew: no failure. */
	if (s->stop.undrained > 0 || dispatch_busy(s->dispatch) > 0)
		s->stop.exit_code = 1;
	(void)event_base_loopbreak(s->base);
}

/* signals_fns: TERM or INT. */
static void
server_stop_cb(void *arg)
{
	struct server *s = arg;

	if (s->stop.draining) {
		log_warn("stopping: second signal, leaving at once");
		server_leave();
	}
	log_info("stopping: finishing what is under way");
	s->stop.draining = true;
	server_service_stopping(s);
	server_stop_upkeep(s); /* an operator may wait for a probe */
	upstreams_stop(s->front.upstreams);
	reconcile_stop(s->front.reconcile);
	server_arm_drain(s);
	s->stop.undrained = 1;
	http_drain(s->front.http, server_drained_cb, s);
	hub_stop(s->front.hub);
	if (s->admin.listener != NULL) {
		s->stop.undrained++;
		admin_listener_drain(s->admin.listener, server_drained_cb, s);
	}
}

/* signals_fns: HUP. */
static void
server_hup_cb(void *arg)
{
	server_reload(arg);
}

/* -- The store's side of the loop -- */

static void
server_watch_health(struct server *s)
{
	enum store_health health = store_health(s->st);

	if (health == s->health) {
		if ((health == STORE_RECOVERING ||
			health == STORE_UNREACHABLE) &&
		    strcmp(s->reason, store_reason(s->st)) != 0)
			log_error("store: still %s: %s",
			    health == STORE_RECOVERING ? "recovering"
						       : "unreachable",
			    store_reason(s->st));
		(void)strcpy(s->reason, store_reason(s->st));
		return;
	}
	(void)strcpy(s->reason, store_reason(s->st));
	s->health = health;
	server_service_tell(s);
	switch (health) {
	case STORE_READY:
		log_info("store: works again");
		server_begin(s);
		break;
	case STORE_DAMAGED:
		if (s->work.check == NULL && store_was_unclean(s->st))
			s->work.check = "damaged"; /* known without the check */
		log_error("store: damaged: deliveries are answered 503: %s",
		    store_reason(s->st));
		break;
	case STORE_NOSPACE:
		log_error("store: no space: deliveries are answered 503 until "
			  "there is some: %s",
		    store_reason(s->st));
		break;
	case STORE_FILE_LOST:
		log_error("store: file lost: deliveries are answered 503 until "
			  "it is back: %s",
		    store_reason(s->st));
		server_rescue_begin(&s->rescue, s->st, s->cfg->store_url);
		break;
	case STORE_UNREACHABLE:
		log_error("store: unreachable: deliveries are answered 503 "
			  "until it is there again: %s",
		    store_reason(s->st));
		break;
	case STORE_RECOVERING:
		log_error("store: recovering: deliveries are answered 503 "
			  "until that is done: %s",
		    store_reason(s->st));
		break;
	}
}

/* event: the store has finished something. */
static void
server_store_cb(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	store_collect(s->st);
	server_watch_health(s);
	server_pump(s);
}

/* store_gather: the store was given work; more may come in this turn. */
static void
server_gather_cb(void *arg)
{
	struct server *s = arg;

	/* Runs after all that is active by now, so at the end of the turn. */
	event_active(s->store_events.flush, EV_TIMEOUT, 0);
}

/* event: the turn that gave the store work is over. */
static void
server_flush_cb(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	store_flush(s->st);
}

/* store_note_fn */
static void
server_note_cb(enum store_note_level level, const char *text, void *arg)
{
	(void)arg;
	switch (level) {
	case STORE_NOTE_INFO:
		log_info("store: %s", text);
		break;
	case STORE_NOTE_WARN:
		log_warn("store: %s", text);
		break;
	}
}

/* clock_watch_on_move: the machine has slept. */
static void
server_slept_cb(void *arg)
{
	struct server *s = arg;

	dispatch_slept(s->dispatch);
}

/* -- Starting: each step logs why it failed -- */

static int
server_open_loop(struct server *s)
{
	const struct signals_fns fns = {
		.stop = server_stop_cb,
		.reload = server_hup_cb,
		.arg = s,
	};
	struct event_config *ec;

	/* No fd here is ever dup'ed, which the changelist could not bear. */
	if ((ec = event_config_new()) != NULL) {
		(void)event_config_set_flag(ec,
		    EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
		s->base = event_base_new_with_config(ec);
		event_config_free(ec);
	}
	if (s->base == NULL ||
	    (s->signals = signals_new(s->base, &fns)) == NULL ||
	    (s->stop.timer = evtimer_new(s->base, server_drain_timer_cb, s)) ==
		NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	return (0);
}

static int
server_open_store(struct server *s)
{
	char receiver[PROC_RECEIVER_MAX];
	const struct store_options opt = {
		.url = s->cfg->store_url,
		.mode = STORE_SERVE,
		.queue_max = (size_t)s->cfg->store_queue_max,
		.receiver = receiver,
		.version = KLIKITD_VERSION,
		.lease_ms = (unsigned)s->cfg->store_lease_ms,
		.now_ms = clock_wall_ms(),
		.note = server_note_cb,
	};
	char reason[STORE_REASON_MAX];
	sigset_t all;
	sigset_t old;
	enum store_rc rc;

	proc_receiver_name(receiver);
	/* Signals are for the loop's thread, not for those made here. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = store_open(&opt, &s->st, reason);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != STORE_OK) {
		log_error("%s", reason);
		return (-1);
	}
	log_info("store: %s", s->cfg->store_name);
	s->store_events.finished = event_new(s->base, store_fd(s->st),
	    EV_READ | EV_PERSIST, server_store_cb, s);
	s->store_events.flush = event_new(s->base, -1, 0, server_flush_cb, s);
	if (s->store_events.finished == NULL ||
	    event_add(s->store_events.finished, NULL) == -1 ||
	    s->store_events.flush == NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	store_gather(s->st, server_gather_cb, s);
	s->health = store_health(s->st);
	(void)strcpy(s->reason, store_reason(s->st));
	if (s->health != STORE_READY)
		log_info("store: %s: deliveries are answered 503 until then",
		    store_reason(s->st));
	return (0);
}

/* handler_env.finish */
static void
server_finish_cb(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	(void)arg;
	dispatch_finish(call, result);
}

/* handler_env.may_call */
static bool
server_may_call_cb(void *arg, const struct handler_call *call)
{
	(void)arg;
	return (dispatch_may_call(call));
}

/* hub: somebody has come for jobs. */
static void
server_pulled_cb(void *arg)
{
	struct server *s = arg;

	dispatch_has_room(s->dispatch);
}

static int
server_open_pipeline(struct server *s)
{
	bool shared = store_traits(s->cfg->store_url)->is_shared;

	if (lent_env_open(&s->lent, s->base) == -1 ||
	    (s->front.hub = hub_new(s->base, shared ? AWAY_SHARED_MS : AWAY_MS,
		 server_pulled_cb, s)) == NULL ||
	    (s->clock = clock_watch_new(s->base, s->st)) == NULL ||
	    (s->journal = journal_new()) == NULL ||
	    (s->rej = rejections_new(s->base, s->st)) == NULL ||
	    (s->front.diag_keys = diagnosis_keys_new(s->cfg)) == NULL ||
	    (s->front.diag = diagnosis_queue_new(s->base, s->rej,
		 s->front.diag_keys)) == NULL ||
	    (s->dispatch = dispatch_new(s->base, s->st, &s->lent.env,
		 clock_watch_steady(s->clock))) == NULL ||
	    (s->ingest = ingest_new(s->base, s->st, s->dispatch, s->rej)) ==
		NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	s->lent.env.child_files = open_files_raise();
	s->lent.env.finish = server_finish_cb;
	s->lent.env.may_call = server_may_call_cb;
	s->lent.env.hub = s->front.hub;
	rejections_set_journal(s->rej, s->journal);
	rejections_set_clock(s->rej, clock_watch_steady(s->clock));
	dispatch_set_journal(s->dispatch, s->journal);
	ingest_set_journal(s->ingest, s->journal);
	clock_watch_on_move(s->clock, server_slept_cb, s);
	if (server_open_alerts(s) == -1 || server_open_upkeep(s) == -1)
		return (-1);
	if (server_open_upstreams(s, server_unfetched_cb) == -1)
		return (-1);
	return (server_open_reconcile(s));
}

/* What is seen of the listeners, and of their certificates. */
static int
server_open_watch(struct server *s)
{
	server_seed(s);
	server_print_admin(s);
	if ((s->front.certs = cert_watch_new(s->base)) == NULL ||
	    server_certs_watch(s->front.certs, s->cfg) == -1) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	alert_watch_set_certs(s->alerts.watch, s->front.certs);
	return (0);
}

/* One batch after the other, as long as the store takes them. */
static void
server_flush_rejections(struct server *s)
{
	size_t before = SIZE_MAX;
	size_t left;

	if (s->front.diag != NULL)
		diagnosis_queue_flush(s->front.diag);
	while (s->rej != NULL && (left = rejections_waiting(s->rej)) > 0 &&
	       left < before) {
		before = left;
		rejections_flush(s->rej);
		store_wait(s->st);
	}
}

/* The same steps, backwards; what is in the store's hands ends first. */
static void
server_close(struct server *s)
{
	dev_keys_close();
	server_stop_upkeep(s);
	reconcile_stop(s->front.reconcile);
	server_stop_alerts(s);
	server_close_news(s);
	clock_watch_keep(s->clock);
	if (s->dispatch != NULL) {
		dispatch_stop(s->dispatch);
		dispatch_cancel(s->dispatch);
	}
	if (s->st != NULL) {
		server_close_work(s);
		store_wait(s->st);
		stats_stop(s->upkeep.stats);
	}
	hub_close(s->front.hub);
	http_free(s->front.http);
	cert_watch_free(s->front.certs);
	webhook_free(s->front.webhook);
	pull_route_free(s->front.pulls);
	s->front.http = NULL; /* the metrics ask for these */
	s->front.webhook = NULL;
	s->front.pulls = NULL;
	s->front.certs = NULL;
	server_close_admin(s);
	server_webhooks_fini(&s->webhooks);
	upstreams_free(s->front.upstreams);
	reconcile_free(s->front.reconcile);
	server_flush_rejections(s);
	server_close_alerts(s);
	ingest_free(s->ingest);
	dispatch_free(s->dispatch);
	hub_free(s->front.hub);
	clock_watch_free(s->clock);
	lent_env_close(&s->lent);
	server_close_upkeep(s);
	diagnosis_queue_free(s->front.diag);
	rejections_free(s->rej);
	journal_free(s->journal);
	if (s->store_events.finished != NULL)
		event_free(s->store_events.finished);
	store_close(s->st);
	if (s->store_events.flush != NULL)
		event_free(s->store_events.flush);
	endpoints_free(s->front.endpoints);
	secrets_free(s->front.secrets);
	tls_context_unref(s->front.tls);
	diagnosis_keys_free(s->front.diag_keys);
	if (s->stop.timer != NULL)
		event_free(s->stop.timer);
	server_close_service(s);
	signals_free(s->signals);
	if (s->base != NULL)
		event_base_free(s->base);
	config_free(s->cfg);
	libevent_global_shutdown();
}

/* config_error_fn: with that a start is hopeless. */
static void
server_check_cb(const char *line, void *arg)
{
	(void)arg;
	log_error("%s", line);
}

int
server_run(const struct server_options *opt)
{
	char url[HTTP_URL_MAX] = "";
	struct server s = {
		.cfg = opt->cfg,
		.source = opt->source,
		.webhooks = { .dev = opt->dev, .ca_file = opt->ca_file },
		.started_at_ms = clock_wall_ms(),
		.stop = { .exit_code = 1 },
		.service = { .notify = { -1 } },
	};

	log_setup(s.cfg->log_level, s.cfg->log_format);
	if (server_open_process(&s) == -1) /* sockets, user, sandbox */
		goto out;
	if (log_start() == -1) {
		log_error("cannot start: out of memory");
		goto out;
	}
	if (s.cfg->path != NULL)
		log_info("configuration: %s", log_text(s.cfg->path));
	server_warn(s.cfg);
	if (start_check(s.cfg, &s.service.sockets, server_check_cb, NULL) > 0 ||
	    server_open_loop(&s) == -1 ||      /* event base, signals */
	    server_open_service(&s) == -1 ||   /* who started us */
	    server_open_store(&s) == -1 ||     /* database, schema */
	    server_open_pipeline(&s) == -1 ||  /* dispatch, then ingest */
	    server_open_work(&s) == -1 ||      /* handlers, subscriptions */
	    server_open_admin(&s) == -1 ||     /* the operator's listener */
	    server_open_http(&s, url) == -1 || /* secrets, TLS, listeners */
	    server_open_watch(&s) == -1 ||     /* of certificates */
	    server_open_news(&s) == -1)        /* of other receivers */
		goto out;

	if (opt->ready != NULL)
		opt->ready(&(struct server_ready){ url, s.admin.url,
		    opt->ca_file, s.cfg,
		    s.webhooks.dev &&
			dev_keys_open(s.base, s.admin.api, s.admin.url) == 0 });
	if (!s.webhooks.dev && process_is_root())
		log_warn("running as root, with power over the whole machine: "
			 "give klikitd a user of its own");
	s.work.listening = true;
	server_service_ready(&s, url);
	s.stop.exit_code = 0;
	if (event_base_dispatch(s.base) == -1) {
		log_error("the event loop failed");
		s.stop.exit_code = 1;
	}
	if (s.stop.exit_code == 0)
		log_info("stopped");
out:
	server_close(&s);
	log_stop();
	return (s.stop.exit_code);
}
