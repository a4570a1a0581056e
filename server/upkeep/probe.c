#include "server/upkeep/probe.h"

#include <sys/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/net/http_client.h"
#include "server/alert/alerts.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/intake/probe_body.h"
#include "store/base/arena.h"
#include "store/base/hex.h"
#include "store/base/timeval.h"
#include "store/store.h"

#define ALERT_SUBJECT "public URL"
#define FAILED_ALERT 2 /* one may be lost; two in a row are worth a call */
#define LOOK_MS 60000  /* a timer stands still while the machine sleeps */
#define PEER_MAX 128

/* The one under way. */
struct sent {
	struct http_client *client;
	struct http_client_call *call; /* NULL: none is under way */
	struct handler_tls *tls;
	char url[PROBE_URL_MAX];
	unsigned char nonce[PROBE_NONCE_LEN];
	int64_t since_us;
	bool arrived;
	bool refused;
	bool committed;
	char peer[PEER_MAX];
	probe_done_fn *done;
	void *arg;
};

struct probe {
	struct probe_options opt;
	struct event *timer;
	int64_t due_ms; /* of clock_boot_ms() */
	bool stopped;
	unsigned failed; /* by the timer, in a row */
	struct sent sent;

	struct arena memory; /* of the settings */
	struct probe_settings set;
	struct probe_status status;
};

/* A probe that is being written by the store. */
struct taken {
	struct probe *p;
	unsigned char nonce[PROBE_NONCE_LEN];
	probe_taken_fn *done;
	void *arg;
};

static void probe_arm(struct probe *p);

/* -- The end of one -- */

static void
sent_clear(struct probe *p)
{
	const struct handler_env *env = p->opt.env;

	http_client_free(p->sent.client);
	if (p->sent.tls != NULL)
		env->tls_close(env->arg, p->sent.tls);
	p->sent = (struct sent){ .call = NULL };
}

/* How it ended is known: tell who asked. */
static void
probe_end(struct probe *p, const struct http_client_answer *answer)
{
	int64_t took_ms = (clock_mono_us() - p->sent.since_us) / 1000;
	probe_done_fn *done = p->sent.done;
	void *arg = p->sent.arg;
	const struct probe_seen seen = {
		.url = p->sent.url,
		.answer = answer,
		.arrived = p->sent.arrived,
		.refused = p->sent.refused,
		.committed = p->sent.committed,
		.peer = p->sent.peer,
		.took_ms = took_ms,
	};
	struct probe_verdict verdict;

	probe_judge(&seen, &verdict);
	sent_clear(p);
	done(&verdict, took_ms, arg);
}

/* http_client_fn */
static void
probe_answered_cb(const struct http_client_answer *answer, void *arg)
{
	struct probe *p = arg;

	p->sent.call = NULL;
	probe_end(p, answer);
}

/* -- Sending one -- */

static int
fail(struct probe *p, char *reason, const char *why)
{
	(void)snprintf(reason, HANDLER_REASON_MAX, "%.250s", why);
	sent_clear(p);
	return (-1);
}

/* Make a client for the URL. Returns 0; -1 with a reason. */
static int
open_client(struct probe *p, const char *url, char reason[HANDLER_REASON_MAX])
{
	const struct handler_env *env = p->opt.env;
	struct handler_tls_files files = { .ca_file = (char *)p->set.ca_file };
	struct http_client_url parts;
	char why[HANDLER_REASON_MAX];

	if (http_client_url_parse(url, &parts, reason) == -1)
		return (-1);
	(void)snprintf(why, sizeof(why), "out of memory");
	if (!parts.tls ||
	    (p->sent.tls = env->tls_open(env->arg, &files, why)) != NULL)
		p->sent.client = http_client_new(env, &parts, p->sent.tls, 0);
	http_client_url_fini(&parts);
	if (p->sent.client == NULL)
		(void)snprintf(reason, HANDLER_REASON_MAX, "%s", why);
	return (p->sent.client == NULL ? -1 : 0);
}

/* Post the body, signed. Returns the call, or NULL. */
static struct http_client_call *
post(struct probe *p, const char *body, const char *signature)
{
	char hex[2 * PROBE_NONCE_LEN + 1], id[96], signed_by[128];
	const char *const headers[] = { "Content-Type: application/json",
		"x-klikit-event-type: " PROBE_TYPE, id, signed_by };
	const struct http_client_request req = {
		.method = HTTP_CLIENT_POST,
		.headers = headers,
		.nheaders = sizeof(headers) / sizeof(headers[0]),
		.body = body,
		.body_len = strlen(body),
		.timeout_ms = PROBE_TIMEOUT_MS,
	};

	hex_encode(p->sent.nonce, sizeof(p->sent.nonce), hex);
	(void)snprintf(id, sizeof(id), "x-klikit-event-id: probe-%s", hex);
	(void)snprintf(signed_by, sizeof(signed_by), "x-klikit-signature: %s",
	    signature);
	return (http_client_post(p->sent.client, &req, probe_answered_cb, p));
}

int
probe_start(struct probe *p, const char *url, probe_done_fn *done, void *arg,
    char reason[HANDLER_REASON_MAX])
{
	char body[PROBE_BODY_LEN + 1], signature[SIGNATURE_TEXT_LEN + 1];
	char why[HANDLER_REASON_MAX];

	if (p->stopped || p->sent.call != NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "%s",
		    p->stopped ? "klikitd is stopping"
			       : "another probe is under way; try again");
		return (-1);
	}
	if (strlen(url) >= sizeof(p->sent.url))
		return (fail(p, reason, "the URL is too long"));
	if (open_client(p, url, why) == -1)
		return (fail(p, reason, why));
	if (getrandom(p->sent.nonce, sizeof(p->sent.nonce), GRND_NONBLOCK) !=
	    sizeof(p->sent.nonce))
		return (fail(p, reason, "no random numbers yet; try again"));
	probe_body_make(p->sent.nonce, body);
	if (p->opt.sign(p->opt.arg, url, body, strlen(body), signature) == -1)
		return (fail(p, reason, "no secret is valid for that URL"));
	(void)snprintf(p->sent.url, sizeof(p->sent.url), "%s", url);
	p->sent.since_us = clock_mono_us();
	p->sent.done = done;
	p->sent.arg = arg;
	if ((p->sent.call = post(p, body, signature)) == NULL)
		return (fail(p, reason, "out of memory"));
	return (0);
}

/* -- Its arrival -- */

/* Is it the one that is awaited? */
static bool
is_awaited(const struct probe *p, const unsigned char *nonce)
{
	return (p->sent.call != NULL &&
		memcmp(p->sent.nonce, nonce, PROBE_NONCE_LEN) == 0);
}

/* store_done_fn: the store has written, or could not. */
static void
probe_committed_cb(const struct store_result *res, void *arg)
{
	struct taken *t = arg;
	bool committed = res->rc == STORE_OK;

	if (is_awaited(t->p, t->nonce))
		t->p->sent.committed = committed;
	t->done(committed, t->arg);
	free(t);
}

bool
probe_take(struct probe *p, const unsigned char *nonce, const char *peer,
    probe_taken_fn *done, void *arg)
{
	struct taken *t;

	if (!is_awaited(p, nonce) || p->sent.arrived)
		return (false);
	p->sent.arrived = true;
	(void)snprintf(p->sent.peer, sizeof(p->sent.peer), "%s", peer);
	if ((t = malloc(sizeof(*t))) == NULL)
		return (false);
	*t = (struct taken){ .p = p, .done = done, .arg = arg };
	memcpy(t->nonce, nonce, sizeof(t->nonce));
	/* A write that changes a date only, and goes the way of all writes. */
	if (p->set.handler == NULL ||
	    store_register(p->opt.st, p->set.handler, clock_wall_ms(),
		probe_committed_cb, t) == -1) {
		free(t);
		return (false);
	}
	return (true);
}

void
probe_refused(struct probe *p)
{
	p->sent.refused = p->sent.call != NULL;
}

/* -- By the timer -- */

/* Say it, and call for help when it is not the first. */
static void
timer_tell(struct probe *p, const struct probe_verdict *verdict)
{
	bool new =
	    p->status.at_ms == 0 || p->status.verdict.code != verdict->code;
	char subject[ALERT_SUBJECT_MAX], sentence[PROBE_TEXT_MAX];

	alerts_here(p->opt.alerts, ALERT_SUBJECT, subject);
	if (verdict->code == PROBE_ARRIVED) {
		if (new)
			log_info("probe: %s: %s", log_text(p->set.url),
			    verdict->text);
		alerts_clear(p->opt.alerts, ALERT_PROBE, subject);
		return;
	}
	if (new)
		log_warn("probe: %s: %s; %s", log_text(p->set.url),
		    verdict->text, verdict->advice);
	(void)snprintf(sentence, sizeof(sentence),
	    "deliveries to %.120s do not arrive: %.400s", p->set.url,
	    verdict->text);
	if (p->failed >= FAILED_ALERT)
		alerts_raise(p->opt.alerts, ALERT_PROBE, subject, sentence);
}

/* probe_done_fn: of the timer's. */
static void
timer_done_cb(const struct probe_verdict *verdict, int64_t took_ms, void *arg)
{
	struct probe *p = arg;
	struct probe_status *st = &p->status;
	bool ok = verdict->code == PROBE_ARRIVED;
	int64_t wait_ms = p->set.every_ms;

	if (p->stopped || !st->on)
		return;
	p->failed = ok ? 0 : p->failed + 1;
	st->failures += !ok;
	timer_tell(p, verdict);
	st->ok = ok;
	st->at_ms = clock_wall_ms();
	st->took_ms = took_ms;
	st->verdict = *verdict;
	if (ok)
		st->ok_ms = st->at_ms;
	else if (wait_ms > PROBE_AGAIN_MS)
		wait_ms = PROBE_AGAIN_MS;
	p->due_ms = clock_boot_ms() + wait_ms;
	probe_arm(p);
}

static void
timer_start(struct probe *p)
{
	char reason[HANDLER_REASON_MAX];
	struct http_client_answer none = { .end = HTTP_CLIENT_NOT_SENT,
		.reason = reason };
	struct probe_seen seen = { .url = p->set.url, .answer = &none };
	struct probe_verdict verdict;

	if (probe_start(p, p->set.url, timer_done_cb, p, reason) == 0)
		return;
	if (p->sent.call != NULL) { /* somebody asked for one: after that */
		p->due_ms = clock_boot_ms() + PROBE_TIMEOUT_MS;
		probe_arm(p);
		return;
	}
	probe_judge(&seen, &verdict);
	timer_done_cb(&verdict, 0, p);
}

static void
probe_arm(struct probe *p)
{
	int64_t left_ms = p->due_ms - clock_boot_ms();
	struct timeval tv;

	if (left_ms < 0)
		left_ms = 0;
	tv = timeval_of_ms(left_ms < LOOK_MS ? left_ms : LOOK_MS);
	if (!p->stopped && p->status.on)
		(void)evtimer_add(p->timer, &tv);
}

/* evtimer */
static void
probe_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;

	(void)fd;
	(void)what;
	if (clock_boot_ms() < p->due_ms)
		probe_arm(p);
	else
		timer_start(p);
}

/* -- Settings -- */

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

/* None by the timer; who stops looking clears first. */
static void
probe_off(struct probe *p)
{
	char subject[ALERT_SUBJECT_MAX];

	(void)evtimer_del(p->timer);
	if (p->status.on && !p->stopped) {
		alerts_here(p->opt.alerts, ALERT_SUBJECT, subject);
		alerts_clear(p->opt.alerts, ALERT_PROBE, subject);
	}
	p->status = (struct probe_status){ .on = false };
	p->failed = 0;
}

int
probe_set(struct probe *p, const struct probe_settings *set)
{
	bool same = same_text(p->set.url, set->url) &&
		    same_text(p->set.ca_file, set->ca_file) &&
		    p->set.every_ms == set->every_ms;
	struct arena old = p->memory;
	struct probe_settings copy = *set;

	p->memory = (struct arena){ 0 };
	if (arena_text(&p->memory, set->url, &copy.url) == -1 ||
	    arena_text(&p->memory, set->ca_file, &copy.ca_file) == -1 ||
	    arena_text(&p->memory, set->handler, &copy.handler) == -1) {
		arena_fini(&p->memory);
		p->memory = old;
		return (-1);
	}
	p->set = copy;
	arena_fini(&old);
	if (same)
		return (0);
	probe_off(p);
	if (copy.url == NULL || copy.every_ms == 0)
		return (0);
	p->status.on = true;
	p->status.every_ms = copy.every_ms;
	(void)snprintf(p->status.url, sizeof(p->status.url), "%s", copy.url);
	p->due_ms = clock_boot_ms() + PROBE_FIRST_MS;
	probe_arm(p);
	return (0);
}

void
probe_status(const struct probe *p, struct probe_status *ret_status)
{
	*ret_status = p->status;
}

struct probe *
probe_new(const struct probe_options *opt)
{
	struct probe *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (NULL);
	p->opt = *opt;
	if ((p->timer = evtimer_new(opt->env->base, probe_timer_cb, p)) ==
	    NULL) {
		free(p);
		return (NULL);
	}
	return (p);
}

void
probe_stop(struct probe *p)
{
	static const struct http_client_answer none = {
		.end = HTTP_CLIENT_UNKNOWN,
		.reason = "klikitd was stopped",
	};

	if (p == NULL || p->stopped)
		return;
	p->stopped = true;
	(void)evtimer_del(p->timer);
	if (p->sent.call == NULL)
		return;
	http_client_cancel(p->sent.call);
	p->sent.call = NULL;
	probe_end(p, &none);
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	sent_clear(p);
	event_free(p->timer);
	arena_fini(&p->memory);
	free(p);
}
