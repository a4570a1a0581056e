/*
 * server_parts.h -- private to server*.c: a server and its parts.
 */
#ifndef SERVER_SERVER_PARTS_H
#define SERVER_SERVER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "server/admin/admin_listener.h"
#include "server/app/server_rescue.h"
#include "server/app/server_webhooks.h"
#include "server/app/signals.h"
#include "server/auth/secrets.h"
#include "server/cli/lent_env.h"
#include "server/config/config.h"
#include "server/diagnosis/diagnosis_keys.h"
#include "server/dispatch/dispatch.h"
#include "server/dispatch/journal.h"
#include "server/http/http.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/endpoint.h"
#include "server/intake/ingest.h"
#include "server/intake/janitor.h"
#include "server/intake/rejections.h"
#include "server/intake/webhook.h"
#include "server/service/listen_fds.h"
#include "server/service/notify.h"
#include "server/service/watchdog.h"
#include "server/tls/cert_watch.h"
#include "server/tls/tls.h"
#include "store/store_read.h"

struct admin;
struct alert_watch;
struct alerts;
struct backups;
struct begin;
struct clock_watch;
struct hub;
struct pull_route;
struct metrics;
struct probe;
struct reconcile;
struct stats;
struct stream;
struct reload;
struct upstreams;

/* What faces klikit, pullers and hubs; a reload may replace the first four. */
struct server_front {
	struct secrets *secrets;
	struct endpoints *endpoints;      /* with these secrets */
	struct tls_context *tls;          /* NULL: http.listen is without */
	struct diagnosis_keys *diag_keys; /* of the same secrets */
	struct diagnosis_queue *diag;
	struct webhook *webhook;
	struct hub *hub; /* the jobs that wait for pullers */
	struct pull_route *pulls;
	struct http *http;
	struct cert_watch *certs;
	struct upstreams *upstreams;
	struct reconcile *reconcile;
};

/* What faces the operator; all NULL if there is no listener for it. */
struct server_admin {
	struct admin *api;
	struct stream *stream;
	struct metrics *metrics;
	struct admin_listener *listener;
	char url[HTTP_URL_MAX];
};

/* The work that needs a store which can be written: server_begin.c. */
struct server_work {
	struct begin *begin; /* under way; NULL: none */
	struct event *timer; /* for the next try */
	bool begun;          /* handlers work, deliveries are taken */
	bool hopeless;       /* what was begun cannot be */
	bool listening;
	bool closing;
	const char *check; /* of an unclean store; NULL: none */
};

/* What the service manager lends and is told: server_service.c. */
struct server_service {
	struct listen_fds sockets; /* that are not in use yet */
	struct notify notify;
	struct event *look; /* at the watchdog; NULL: nobody watches */
	struct timeval every;
	struct watchdog dog;
	char url[HTTP_URL_MAX]; /* of a listener; "": not ready yet */
	bool reloading;
	bool refused;   /* the last reload was */
	bool sandboxed; /* it has entered its sandbox */
	bool starved;   /* the watchdog was not fed at the last look */
};

/* What is done by a clock: server_upkeep.c. */
struct server_upkeep {
	struct janitor *janitor;
	struct backups *backups;
	struct probe *probe;
	struct stats *stats;
};

struct server_stop {
	struct event *timer;
	bool draining;
	unsigned undrained; /* listeners with connections left */
	int exit_code;
};

/* Of the store. */
struct server_store_events {
	struct event *finished; /* it has something to collect */
	struct event *flush;    /* the end of a turn that gave it work */
	struct event *news;     /* a timer; NULL: it is not shared */
};

/* What calls for help. */
struct server_alerts {
	struct alerts *all;
	struct alert_watch *watch;
};

struct server {
	struct config *cfg;
	const struct config_source *source;
	struct event_base *base;
	struct signals *signals;
	int64_t started_at_ms;

	struct store *st;
	struct server_store_events store_events;
	enum store_health health; /* as it was last logged */
	char reason[STORE_REASON_MAX];
	struct server_rescue rescue;

	struct lent_env lent;
	struct clock_watch *clock;
	struct journal *journal;
	struct rejections *rej;
	struct dispatch *dispatch;
	struct ingest *ingest;
	struct server_alerts alerts;
	struct server_upkeep upkeep;
	struct server_front front;
	struct server_webhooks webhooks;
	struct server_admin admin;
	struct server_work work;
	struct reload *reload; /* under way; NULL: none */
	struct server_stop stop;
	struct server_service service;
};

#endif /* SERVER_SERVER_PARTS_H */
