/*
 *              +--------------------------------------------+
 *              v                                            |
 *   PAUSE -> asks -> a batch: taken in slices -> all settled -> reports
 *     ^       |           ^ |                                |
 *     |       |           +-+ the store is not well: a second later
 *     +-------+----------------------------------------------+ it failed
 *
 * Callbacks record what has happened; upstream_pump() runs from the loop and
 * decides. What is to be reported outlives a failed call, and is reported when
 * the hub is there again.
 */
#include "server/upstream/upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/net/http_client.h"
#include "handlers/net/link_facts.h"
#include "handlers/net/resolver.h"
#include "server/auth/signature.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/rate.h"
#include "server/upstream/upstream_report.h"
#include "server/upstream/upstream_round.h"
#include "server/upstream/upstream_words.h"
#include "store/base/base64.h"
#include "store/base/timeval.h"

#define BATCH_BYTES ((size_t)5 << 20) /* a hub stops at 4, but for one job */
#define HEAD_BYTES ((size_t)64 << 10) /* of an answer */
#define REPORT_BYTES ((size_t)64 << 10)
#define FIRST_MAX 16     /* jobs asked for at first */
#define WAY_MS 30000     /* look-up, connect, TLS */
#define SILENCE_MS 15000 /* beyond what the hub waits by itself */
#define HOLD_MS 1000
#define AFTER_MAX_MS (5 * 60000) /* that a hub may keep one waiting */
#define SELDOM 8                 /* as if it had failed so often */
#define LOG_EVERY_S 60

/* What was last said in the log. */
struct said {
	struct rate rate;
	char text[HANDLER_REASON_MAX];
};

struct upstream {
	struct upstream_options opt;
	char *name, *url, *target, *token_line, *ca_file;
	struct upstream_settings set; /* of the above */
	struct handler_tls *tls;
	struct http_client *client;
	char *host;

	struct event *timer;           /* the pump's: now, or later */
	struct http_client_call *call; /* NULL: none is under way */
	bool reporting;                /* it is a report */
	bool waits;                    /* the hub is to wait for a job */
	int64_t asked_boot;            /* when it was asked */
	char *room;                    /* of its answer */

	struct upstream_round *round;
	size_t max;         /* jobs to ask for */
	int64_t not_before; /* clock_boot_ms(): a pause */
	unsigned failures;  /* in a row */
	bool finishing;

	struct upstream_status status;
	char error[HANDLER_REASON_MAX];
	struct said said;
};

static void upstream_wake(struct upstream *u, int64_t ms);

static const char *const ends[] = {
	[UPSTREAM_END_STORED] = "stored",
	[UPSTREAM_END_DUPLICATE] = "duplicate",
	[UPSTREAM_END_REFUSED] = "refused",
	[UPSTREAM_END_LEFT] = "left",
};
_Static_assert(sizeof(ends) / sizeof(ends[0]) == UPSTREAM_NENDS,
    "every end has a word");

const char *
upstream_end_name(enum upstream_end end)
{
	return (ends[end]);
}

/* -- Is it there? -- */

static void
set_connected(struct upstream *u, bool connected)
{
	u->status.connected = connected;
	u->status.since_ms = clock_wall_ms();
	u->status.since_boot = clock_boot_ms();
}

/* It has answered as a hub does. */
static void
upstream_works(struct upstream *u)
{
	u->failures = 0;
	if (u->status.connected)
		return;
	log_info("upstream %s: connected to %s", log_text(u->name),
	    log_text(u->url));
	u->status.reconnects += u->error[0] != '\0';
	u->error[0] = '\0';
	u->said.text[0] = '\0';
	set_connected(u, true);
}

/* A call was of no use: a pause, and it is cut until one is. */
static void
upstream_failed(struct upstream *u, const struct http_client_answer *answer,
    const char *why)
{
	char more[RATE_MORE_MAX];
	int64_t pause_ms, after_ms = answer->retry_after_ms;
	uint32_t rnd = 0;

	upstream_words(answer, why, u->error);
	u->status.advice = upstream_advice(answer);
	u->status.error_ms = clock_wall_ms();
	if (u->status.connected)
		set_connected(u, false);
	u->failures++;
	if (upstream_is_lasting(answer) && u->failures < SELDOM)
		u->failures = SELDOM;
	(void)signature_random(&rnd, sizeof(rnd));
	pause_ms = link_pause_after(u->failures, rnd);
	if (after_ms > AFTER_MAX_MS)
		after_ms = AFTER_MAX_MS;
	if (pause_ms < after_ms) /* and not all at once */
		pause_ms = after_ms + (int64_t)(rnd % 1000);
	u->not_before = clock_boot_ms() + pause_ms;
	/* The next look-up asks: the hub may have another address by now. */
	resolver_doubt(u->opt.env->resolver, u->host);
	if (strcmp(u->said.text, u->error) == 0 ||
	    !rate_ask_every(&u->said.rate, LOG_EVERY_S, more))
		return;
	(void)strcpy(u->said.text, u->error);
	log_warn("upstream %s: cut: %s: events wait at the hub%s",
	    log_text(u->name), u->error, more);
}

/* -- Calls -- */

/* What was asked is answered. Returns why that is not the protocol, or NULL. */
static const char *
take_batch(struct upstream *u, const struct http_client_answer *answer,
    char reason[HANDLER_REASON_MAX])
{
	char *bytes = u->room;
	int64_t now_boot = clock_boot_ms();

	u->room = NULL;
	if (upstream_round_read(u->round, bytes, answer->body_len, reason) ==
	    -1)
		return (reason);
	/* One that does not wait is not asked without end. */
	if (upstream_round_jobs(u->round) == 0 && u->waits &&
	    now_boot - u->asked_boot < HOLD_MS)
		u->not_before = now_boot + HOLD_MS;
	return (NULL);
}

/* A report is answered: that batch is over. */
static const char *
take_report(struct upstream *u, const struct http_client_answer *answer,
    char reason[HANDLER_REASON_MAX])
{
	struct upstream_outcome outcomes[UPSTREAM_JOBS_MAX];
	size_t n = upstream_round_outcomes(u->round, outcomes), gone;

	if (upstream_report_read(answer->body, answer->body_len, outcomes, n,
		&gone, reason) == -1)
		return (reason);
	u->status.late += gone;
	/* A link too slow for so many: their leases end on the way. */
	if (gone > 0 && u->max > 1)
		u->max /= 2;
	else if (gone == 0 && upstream_round_jobs(u->round) == u->max)
		u->max = 2 * u->max < UPSTREAM_JOBS_MAX ? 2 * u->max
							: UPSTREAM_JOBS_MAX;
	upstream_round_clear(u->round);
	return (NULL);
}

/* http_client_fn */
static void
upstream_answered_cb(const struct http_client_answer *answer, void *arg)
{
	struct upstream *u = arg;
	char reason[HANDLER_REASON_MAX];
	const char *why = NULL;
	bool ok = upstream_is_answer(answer);

	u->call = NULL;
	if (ok)
		why = u->reporting ? take_report(u, answer, reason)
				   : take_batch(u, answer, reason);
	if (ok && why == NULL)
		upstream_works(u);
	else
		upstream_failed(u, answer, why);
	/* What it calls wrong will be so the next time; the jobs come again. */
	if (u->reporting && answer->end == HTTP_CLIENT_ANSWERED &&
	    (answer->status == 400 || answer->status == 413))
		upstream_round_clear(u->round);
	if (u->finishing)
		upstream_round_clear(u->round);
	free(u->room);
	u->room = NULL;
	upstream_wake(u, 0);
}

/* Returns 0; -1 when out of memory. */
static int
upstream_call(struct upstream *u, const char *target, const char *body,
    size_t room)
{
	const char *const headers[] = { u->token_line,
		"Accept: application/json", "Content-Type: application/json" };
	struct http_client_request req = {
		.method = body == NULL ? HTTP_CLIENT_GET : HTTP_CLIENT_POST,
		.target = target,
		.headers = headers,
		.nheaders = body == NULL ? 2 : 3,
		.body = body,
		.body_len = body == NULL ? 0 : strlen(body),
		.room_size = room,
		.read_max = room + HEAD_BYTES,
		.timeout_ms = WAY_MS,
		.silence_ms = SILENCE_MS + UPSTREAM_WAIT_S * 1000,
	};

	if ((u->room = malloc(room)) == NULL)
		return (-1);
	req.room = u->room;
	if ((u->call = http_client_post(u->client, &req, upstream_answered_cb,
		 u)) != NULL)
		return (0);
	free(u->room);
	u->room = NULL;
	return (-1);
}

static int
upstream_ask(struct upstream *u)
{
	char target[UPSTREAM_URL_MAX + 64];

	/* The hub answers the first one at once: it works. */
	u->waits = u->status.connected;
	u->asked_boot = clock_boot_ms();
	u->reporting = false;
	(void)snprintf(target, sizeof(target), "%s?wait=%d&max=%zu", u->target,
	    u->waits ? UPSTREAM_WAIT_S : 0, u->max);
	return (upstream_call(u, target, NULL,
	    BATCH_BYTES + BASE64_SIZE(u->set.body_max)));
}

static int
upstream_report(struct upstream *u)
{
	struct upstream_outcome outcomes[UPSTREAM_JOBS_MAX];
	size_t n = upstream_round_outcomes(u->round, outcomes);
	char target[UPSTREAM_URL_MAX + 64];
	char *text = upstream_report_text(outcomes, n);
	int rc = -1;

	(void)snprintf(target, sizeof(target), "%s/done", u->target);
	u->reporting = true;
	if (text != NULL)
		rc = upstream_call(u, target, text, REPORT_BYTES);
	free(text);
	return (rc);
}

/* -- What is to be done -- */

static void
upstream_wake(struct upstream *u, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms < 0 ? 0 : ms);

	(void)evtimer_add(u->timer, &tv);
}

/* upstream_round_options: a job of the batch is. */
static void
upstream_settled_cb(void *arg)
{
	upstream_wake(arg, 0);
}

/* The next call, when nothing is in its way. */
static void
upstream_next(struct upstream *u)
{
	int64_t pause_ms = u->not_before - clock_boot_ms();
	struct upstream_outcome outcomes[UPSTREAM_JOBS_MAX];
	bool report = upstream_round_outcomes(u->round, outcomes) > 0;

	if (!report)
		upstream_round_clear(u->round);
	if (u->finishing && !report) {
		u->opt.finished(u->opt.arg, u); /* which frees it */
		return;
	}
	if (pause_ms > 0 && !u->finishing) {
		upstream_wake(u, pause_ms);
		return;
	}
	if (!report && !u->opt.well(u->opt.arg)) {
		upstream_wake(u, HOLD_MS);
		return;
	}
	if ((report ? upstream_report(u) : upstream_ask(u)) == -1)
		upstream_wake(u, HOLD_MS);
}

static void
upstream_pump(struct upstream *u)
{
	int64_t wait_ms;

	if (u->call != NULL)
		return;
	if (upstream_round_go(u->round, u->finishing, &wait_ms))
		upstream_next(u);
	else if (wait_ms != -1)
		upstream_wake(u, wait_ms);
}

/* evtimer: something has happened, or a pause is over. */
static void
upstream_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	upstream_pump(arg);
}

/* -- Its life -- */

/* Copy the settings. Returns 0, or -1 when out of memory. */
static int
copy_settings(struct upstream *u, const struct upstream_settings *set)
{
	u->set = *set;
	u->name = strdup(set->name);
	u->url = strdup(set->url);
	if (asprintf(&u->token_line, "Authorization: Bearer %s", set->token) ==
	    -1)
		u->token_line = NULL;
	if (set->ca_file != NULL && (u->ca_file = strdup(set->ca_file)) == NULL)
		return (-1);
	if (u->name == NULL || u->url == NULL || u->token_line == NULL)
		return (-1);
	u->set.name = u->name;
	u->set.url = u->url;
	u->set.token = strrchr(u->token_line, ' ') + 1;
	u->set.ca_file = u->ca_file;
	u->status.name = u->name;
	u->status.url = u->url;
	u->status.error = u->error;
	u->status.alert_after_ms = set->alert_after_ms;
	return (0);
}

static int
open_round(struct upstream *u)
{
	struct upstream_round_options opt = {
		.taker = u->opt.taker,
		.settled = upstream_settled_cb,
		.arg = u,
	};

	opt.taker.name = u->name;
	opt.taker.trust = u->set.trust;
	u->round = upstream_round_new(&opt);
	return (u->round == NULL ? -1 : 0);
}

/* Returns 0; -1 with a reason. */
static int
open_client(struct upstream *u, char reason[HANDLER_REASON_MAX])
{
	const struct handler_env *env = u->opt.env;
	const struct handler_tls_files files = { .ca_file = u->ca_file };
	struct http_client_url parts;
	char why[HANDLER_REASON_MAX] = "out of memory";

	if (http_client_url_parse(u->url, &parts, reason) == -1)
		return (-1);
	u->host = strdup(parts.host);
	u->target = strdup(parts.path);
	if (!parts.tls ||
	    (u->tls = env->tls_open(env->arg, &files, why)) != NULL)
		u->client = http_client_new(env, &parts, u->tls, 1);
	http_client_url_fini(&parts);
	if (u->client != NULL && u->host != NULL && u->target != NULL)
		return (0);
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s", why);
	return (-1);
}

struct upstream *
upstream_new(const struct upstream_options *opt,
    const struct upstream_settings *set, char reason[HANDLER_REASON_MAX])
{
	struct upstream *u;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return (NULL);
	u->opt = *opt;
	u->max = FIRST_MAX;
	if (copy_settings(u, set) == -1 || open_round(u) == -1 ||
	    (u->timer = evtimer_new(opt->env->base, upstream_timer_cb, u)) ==
		NULL ||
	    open_client(u, reason) == -1) {
		upstream_free(u);
		return (NULL);
	}
	set_connected(u, false);
	upstream_wake(u, 0);
	return (u);
}

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

bool
upstream_is(const struct upstream *u, const struct upstream_settings *set)
{
	return (same_text(u->url, set->url) &&
		same_text(u->set.token, set->token) &&
		same_text(u->ca_file, set->ca_file) &&
		u->set.trust == set->trust &&
		u->set.alert_after_ms == set->alert_after_ms &&
		u->set.body_max == set->body_max);
}

const char *
upstream_name(const struct upstream *u)
{
	return (u->name);
}

void
upstream_status(const struct upstream *u, struct upstream_status *ret_status)
{
	const struct upstream_counts *counts = upstream_round_counts(u->round);

	*ret_status = u->status;
	ret_status->counts = *counts;
}

void
upstream_inherit(struct upstream *u, const struct upstream *old)
{
	struct upstream_status *st = &u->status;

	upstream_round_inherit(u->round, old->round);
	st->reconnects = old->status.reconnects;
	st->late = old->status.late;
	if (!old->status.connected) { /* it is cut for longer than that */
		st->since_ms = old->status.since_ms;
		st->since_boot = old->status.since_boot;
	}
}

void
upstream_finish(struct upstream *u)
{
	u->finishing = true;
	if (u->call != NULL && !u->reporting) {
		http_client_cancel(u->call);
		u->call = NULL;
		free(u->room);
		u->room = NULL;
	}
	upstream_wake(u, 0);
}

void
upstream_free(struct upstream *u)
{
	if (u == NULL)
		return;
	if (u->call != NULL)
		http_client_cancel(u->call);
	if (u->timer != NULL)
		event_free(u->timer);
	http_client_free(u->client);
	if (u->tls != NULL)
		u->opt.env->tls_close(u->opt.env->arg, u->tls);
	upstream_round_free(u->round);
	free(u->room);
	if (u->token_line != NULL)
		explicit_bzero(u->token_line, strlen(u->token_line));
	free(u->token_line);
	free(u->target);
	free(u->host);
	free(u->ca_file);
	free(u->url);
	free(u->name);
	free(u);
}
