/*
 * server_service.c -- what the service manager is told of the server as a
 * whole, and when its watchdog is fed.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "server/app/server_parts.h"
#include "server/app/server_service.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/config/config_env.h"
#include "store/base/timeval.h"

/* One line for who asks how the service is. */
static void
describe(const struct server *s, char ret_line[NOTIFY_MAX])
{
	const struct server_service *v = &s->service;

	if (s->stop.draining)
		(void)snprintf(ret_line, NOTIFY_MAX,
		    "Stopping: finishing what is under way");
	else if (v->url[0] == '\0')
		(void)snprintf(ret_line, NOTIFY_MAX, "Opening the store");
	else if (v->reloading)
		(void)snprintf(ret_line, NOTIFY_MAX,
		    "Reading the configuration again");
	else if (store_health(s->st) != STORE_READY)
		(void)snprintf(ret_line, NOTIFY_MAX,
		    "Deliveries are answered 503: %s", store_reason(s->st));
	else
		(void)snprintf(ret_line, NOTIFY_MAX, "Receiving on %s%s",
		    v->url,
		    v->refused ? "; the last reload was refused, see the log"
			       : "");
}

static void
tell(struct server *s, enum notify_what what)
{
	char line[NOTIFY_MAX];

	describe(s, line);
	notify_send(&s->service.notify, what, clock_mono_us(),
	    what == NOTIFY_WATCHDOG ? NULL : line);
}

/* evtimer: a quarter of the watchdog's limit has passed. */
static void
service_look_cb(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	enum store_health health = store_health(s->st);
	uint64_t answers;
	bool behind = store_is_behind(s->st, &answers);

	(void)fd;
	(void)what;
	if (watchdog_look(&s->service.dog,
		health == STORE_READY || health == STORE_NOSPACE, behind,
		answers)) {
		if (s->service.starved)
			log_info("watchdog: fed again: the store answers");
		s->service.starved = false;
		tell(s, NOTIFY_WATCHDOG);
		return;
	}
	if (!s->service.starved)
		log_error("watchdog: not fed: the store does not answer, its "
			  "disk or its server hangs; unless that passes, the "
			  "service manager ends klikitd");
	s->service.starved = true;
}

int
server_open_service(struct server *s)
{
	const char *const *env = s->source->env;
	const char *socket = config_env_get(env, "NOTIFY_SOCKET");
	int64_t every_ms =
	    watchdog_every_ms(config_env_get(env, "WATCHDOG_USEC"),
		config_env_get(env, "WATCHDOG_PID"), getpid());

	if (!notify_open(&s->service.notify, socket))
		log_warn("NOTIFY_SOCKET: %s cannot be written to: the service "
			 "manager is told nothing",
		    log_text(socket));
	s->service.every = timeval_of_ms(every_ms);
	if (every_ms > 0 && (s->service.look = event_new(s->base, -1,
				 EV_PERSIST, service_look_cb, s)) == NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	server_service_tell(s);
	return (0);
}

void
server_service_ready(struct server *s, const char *url)
{
	(void)snprintf(s->service.url, sizeof(s->service.url), "%s", url);
	tell(s, NOTIFY_READY);
	if (s->service.look != NULL)
		(void)event_add(s->service.look, &s->service.every);
}

void
server_service_reloading(struct server *s)
{
	s->service.reloading = true;
	s->service.refused = true;
	tell(s, NOTIFY_RELOADING);
}

void
server_service_reloaded(struct server *s)
{
	s->service.reloading = false;
	if (!s->stop.draining)
		tell(s, NOTIFY_READY);
}

void
server_service_tell(struct server *s)
{
	tell(s, NOTIFY_STATUS);
}

void
server_service_stopping(struct server *s)
{
	tell(s, NOTIFY_STOPPING);
}

void
server_close_service(struct server *s)
{
	listen_fds_close(&s->service.sockets);
	notify_close(&s->service.notify);
	if (s->service.look != NULL)
		event_free(s->service.look);
}
