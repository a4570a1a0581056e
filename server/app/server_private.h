/*
 * server_private.h -- what the files of server.c share.
 */
#ifndef SERVER_SERVER_PRIVATE_H
#define SERVER_SERVER_PRIVATE_H

#include <event2/event.h>

#include "handlers/handler.h"
#include "server/admin/admin_listener.h"
#include "server/app/server.h"
#include "server/app/signals.h"
#include "server/auth/secrets.h"
#include "server/diagnosis/diagnosis_keys.h"
#include "server/dispatch/dispatch.h"
#include "server/dispatch/journal.h"
#include "server/http/http.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/ingest.h"
#include "server/intake/janitor.h"
#include "server/intake/rejections.h"
#include "server/tls/cert_watch.h"
#include "server/tls/tls.h"
#include "store/store_read.h"

struct admin;
struct begin;
struct entity_live;
struct admin_status;
struct admin_times;
struct clock_watch;
struct metrics;
struct stream;
struct reload;
struct resolver;
struct tls_engine;

struct server {
	struct config *cfg;
	const struct config_source *source;
	struct event_base *base;
	struct signals *signals;
	struct store *st;
	struct event *store_ev;
	struct event *flush_ev;   /* the end of a turn that gave it work */
	enum store_health health; /* as it was last logged */
	char reason[STORE_REASON_MAX];
	struct handler_env env;
	struct tls_engine *env_tls; /* of outgoing connections */
	struct resolver *resolver;  /* env.resolver */
	struct clock_watch *clock;
	struct journal *journal;
	struct rejections *rej;
	struct dispatch *dispatch;
	struct ingest *ingest;
	struct janitor *janitor;
	struct secrets *secrets;
	struct tls_context *tls;          /* NULL: http.listen is without */
	struct diagnosis_keys *diag_keys; /* of the same secrets */
	struct diagnosis_queue *diag;
	struct http *http;
	struct cert_watch *certs;
	struct admin *admin;     /* NULL: there is no listener for it */
	struct stream *stream;   /* the same */
	struct metrics *metrics; /* the same */
	struct admin_listener *admin_listener; /* the same */
	char admin_url[HTTP_URL_MAX];
	int64_t started_at_ms;
	bool dev;
	const char *ca_file; /* for the commands below; or NULL */
	char **webhooks;     /* URLs of its public listeners, with the path */
	size_t nwebhooks;
	char *trigger; /* commands that send it an event; or NULL */
	char *sign;
	char *curl;
	bool rescuing;          /* the store's data is being saved */
	char rescued[PATH_MAX]; /* to this file */
	struct event *drain_timer;
	struct reload *reload;     /* under way; NULL: none */
	struct begin *begin;       /* under way; NULL: none */
	struct event *begin_timer; /* for the next try */
	bool begun;                /* handlers work, deliveries are taken */
	bool hopeless;             /* what was begun cannot be */
	bool listening;
	const char *check; /* of an unclean store; NULL: none */
	bool closing;
	bool draining;
	unsigned undrained; /* listeners with connections left */
	int exit_code;
};

/* -- server_admin.c -- */

/*
 * Open the admin listener, unless the configuration wants none, and leave its
 * address beside the store (that it cannot is only warned of). Returns 0, or
 * -1, logged.
 */
int server_open_admin(struct server *s);

/* Print its line on stdout, if there is one. */
void server_print_admin(const struct server *s);

/* -- server_metrics.c -- */

/* The metrics of this server; NULL when out of memory. */
struct metrics *server_metrics(struct server *s);

/*
 * Give ingest and secrets the times that the newest events were received at,
 * with which branch and secret. Needs the secrets.
 */
void server_seed(struct server *s);

/* -- server_status.c: what the operator is shown of it -- */

/* A public listener is open at url. Short of memory it is not shown. */
void server_note_url(struct server *s, const char *url);

/* The status codes that end an order, valid as long as cfg; how many. */
size_t server_ends(const struct config *cfg, const char *const **ret_ends);

/* admin_fns */
void server_status_cb(void *arg, struct admin_status *ret_status);

/* What is known of damage: none (not looked for), running, sound, failed (could
 * not be looked for), repaired, damaged. */
const char *server_check_word(const struct server *s);
void server_times_cb(void *arg, int64_t event, struct admin_times *ret_times);
void server_live_cb(void *arg, int64_t handler, struct entity_live *ret_live);
size_t server_ends_cb(void *arg, const char *const **ret_ends);

void server_close_status(struct server *s);

/* Only when the store has finished what it was asked. */
void server_close_admin(struct server *s);

/* -- server_http.c -- */

/* Warns, if fewer connections are possible than cfg wants. */
struct http_options server_http_limits(const struct config *cfg);

/*
 * The certificate and key of cfg, ready for use, owned by the caller; NULL if
 * it names none. Returns 0, or -1 with a reason.
 */
int server_load_tls(const struct config *cfg, struct tls_context **ret_ctx,
    char reason[TLS_REASON_MAX]);

/* Print the line that says where a listener is; log it, if that fails. */
void server_announce(const char *what, const char *url);

/* Open the public listeners and print their lines. Returns 0, or -1, logged. */
int server_open_http(struct server *s, const struct server_options *opt);

/* -- server_reload.c -- */

/*
 * The secrets of cfg, ready for use; logs a line on each. Returns NULL when
 * out of memory.
 */
struct secrets *server_secrets(const struct server *s,
    const struct config *cfg);

/* Log what is odd about a configuration that comes into force. */
void server_warn(const struct config *cfg);

/* HUP: read the configuration again and put what changed into force. */
void server_reload(struct server *s);

/* -- server_handlers.c -- */

/* What the store knows of a configured handler. */
struct server_handler {
	int64_t number;
	bool paused;
};

/*
 * Put the handlers of cfg to work; known is what the store knows of them, in
 * the same order. Returns 0, or -1 and a reason; then the old ones go on.
 */
int server_set_handlers(struct server *s, const struct config *cfg,
    const struct server_handler *known, char reason[HANDLER_REASON_MAX]);

/* Note in known, by number, which of them are paused. */
void server_note_paused(struct server_handler *known, size_t nknown,
    const struct store_handler_info *rows, size_t n);

/* -- server_rescue.c -- */

/*
 * The store's file is no longer under its name, but still open: copy all of it
 * to PATH.rescued-TIME. A stop waits for that.
 */
void server_rescue(struct server *s);

/* -- server_certs.c -- */

/*
 * Watch the certificates of s->cfg, telling in the log what is odd about them.
 * Returns 0, or -1, logged, when out of memory; then the old ones are watched.
 */
int server_watch_certs(struct server *s);

/* -- server_env.c -- */

/* Fill s->env. Returns 0, or -1, and logs why. */
int server_open_env(struct server *s);

/* When no handler lives any more. */
void server_close_env(struct server *s);

/* -- server_begin.c -- */

/*
 * Put the handlers to work and take deliveries, at once if the store is ready
 * for that. Returns 0, or -1, logged.
 */
int server_open_work(struct server *s);

/* The store is ready, or may be: begin, unless that is done. */
void server_begin(struct server *s);

void server_close_work(struct server *s);

#endif /* SERVER_SERVER_PRIVATE_H */
