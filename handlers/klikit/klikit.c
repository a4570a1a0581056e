/*
 * The handler of type "klikit": it sends klikit the status of an order.
 * Each job is one PATCH, by the credentials that klikit issued, under a key
 * that stays the same in every attempt, so that klikit knows a repeat.
 */
#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/body/message.h"
#include "handlers/body/status_ask.h"
#include "handlers/klikit/klikit.h"
#include "handlers/klikit/klikit_request.h"
#include "handlers/net/outlet_keys.h"
#include "store/base/base64.h"

#define ROOM 8192        /* kept of an answer: its request_id may be late */
#define LOOK_MAX_MS 5000 /* doctor waits */
#define KEY_HEADER "Idempotency-Key: "

enum klikit_auth { KLIKIT_BASIC, KLIKIT_BEARER };

struct klikit_settings {
	char *url;
	struct key_secret credentials;
	enum klikit_auth auth;
	struct key_list statuses; /* "WORD: STATUS" */
	char *path;
	char *look_path;
	bool occurred_at;
	struct handler_tls_files tls;
};

struct klikit_call {
	struct klikit *klikit;
	struct handler_call *call; /* dispatch's; NULL: doctor's look */
	struct http_client_call *http;
	bool again;
	char room[ROOM];
	LIST_ENTRY(klikit_call) next;
};

struct klikit {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: the url is not https */
	struct http_client *hc;
	char *base_path;
	char *name;
	char *authorization; /* a header's line */
	char *path;
	char *look_path;
	struct key_list statuses;
	bool occurred_at;
	int64_t timeout_ms;
	struct handler_inspection in; /* of doctor's look */
	LIST_HEAD(, klikit_call) calls;
};

/* -- An instance -- */

static void
klikit_close(struct handler_instance *h)
{
	struct klikit *k = (struct klikit *)h;
	struct klikit_call *kc;

	if (k == NULL)
		return;
	while ((kc = LIST_FIRST(&k->calls)) != NULL) { /* doctor's look */
		LIST_REMOVE(kc, next);
		http_client_cancel(kc->http);
		free(kc);
	}
	http_client_free(k->hc);
	if (k->tls != NULL)
		k->env->tls_close(k->env->arg, k->tls);
	if (k->authorization != NULL)
		explicit_bzero(k->authorization, strlen(k->authorization));
	for (size_t i = 0; i < k->statuses.n; i++)
		free(k->statuses.items[i]);
	free(k->statuses.items);
	free(k->authorization);
	free(k->base_path);
	free(k->path);
	free(k->look_path);
	free(k->name);
	free(k);
}

/* The header that says who we are; NULL when out of memory. */
static char *
make_authorization(const struct klikit_settings *set)
{
	static const char *const schemes
	    [] = { [KLIKIT_BASIC] = "Basic", [KLIKIT_BEARER] = "Bearer" };
	const struct key_secret *secret = &set->credentials;
	size_t size = BASE64_SIZE(secret->len) + 32;
	char *line = malloc(size);
	int len;

	if (line == NULL)
		return (NULL);
	len = snprintf(line, size, "Authorization: %s ", schemes[set->auth]);
	if (set->auth == KLIKIT_BASIC)
		(void)base64_encode(secret->bytes, secret->len, line + len);
	else
		(void)snprintf(line + len, size - (size_t)len, "%.*s",
		    (int)secret->len, secret->bytes);
	return (line);
}

/* Copy the settings. Returns 0; -1 when out of memory. */
static int
klikit_copy(struct klikit *k, const struct klikit_settings *set)
{
	k->occurred_at = set->occurred_at;
	k->statuses.items = calloc(set->statuses.n + 1, sizeof(char *));
	if (k->statuses.items == NULL ||
	    (k->path = strdup(set->path)) == NULL ||
	    (k->look_path = strdup(set->look_path)) == NULL ||
	    (k->authorization = make_authorization(set)) == NULL)
		return (-1);
	for (; k->statuses.n < set->statuses.n; k->statuses.n++) {
		k->statuses.items[k->statuses.n] =
		    strdup(set->statuses.items[k->statuses.n]);
		if (k->statuses.items[k->statuses.n] == NULL)
			return (-1);
	}
	return (0);
}

/* Make the client. Returns 0, or -1 and a reason. */
static int
klikit_connect(struct klikit *k, const struct klikit_settings *set,
    size_t concurrency, char reason[HANDLER_REASON_MAX])
{
	const struct handler_env *env = k->env;
	struct http_client_url url;
	char why[HANDLER_REASON_MAX];

	if (http_client_url_parse(set->url, &url, why) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "url %.230s", why);
		return (-1);
	}
	if ((k->base_path = strdup(url.path)) != NULL &&
	    (!url.tls ||
		(k->tls = env->tls_open(env->arg, &set->tls, reason)) != NULL))
		k->hc = http_client_new(env, &url, k->tls, concurrency);
	http_client_url_fini(&url);
	return (k->hc == NULL ? -1 : 0);
}

static struct handler_instance *
klikit_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	struct klikit *k;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return (NULL);
	k->base.type = &handler_klikit;
	k->env = env;
	LIST_INIT(&k->calls);
	k->timeout_ms = opt->timeout_ms;
	if ((k->name = strdup(opt->name)) == NULL ||
	    klikit_copy(k, opt->settings) == -1 ||
	    klikit_connect(k, opt->settings, opt->concurrency, reason) == -1) {
		klikit_close(&k->base);
		return (NULL);
	}
	return (&k->base);
}

/* -- An attempt -- */

/* http_client: the attempt has ended. */
static void
klikit_done_cb(const struct http_client_answer *answer, void *arg)
{
	struct klikit_call *kc = arg;
	struct klikit *k = kc->klikit;
	struct handler_result result = { .code = 0 };

	LIST_REMOVE(kc, next);
	klikit_verdict(answer, k->name, kc->again, &result);
	if (result.answer_len > HTTP_CLIENT_ANSWER_MAX)
		result.answer_len = HTTP_CLIENT_ANSWER_MAX;
	k->env->finish(k->env->arg, kc->call, &result);
	free(kc);
}

/* http_client: may it leave? */
static bool
klikit_may_send(void *arg)
{
	const struct klikit_call *kc = arg;
	const struct handler_env *env = kc->klikit->env;

	return (env->may_call == NULL || env->may_call(env->arg, kc->call));
}

/* Send it. Returns 0, or -1 when out of memory. */
static int
klikit_send(struct klikit *k, struct http_client_request *http,
    struct handler_call *call, bool again, http_client_fn *done)
{
	struct klikit_call *kc;

	if ((kc = calloc(1, sizeof(*kc))) == NULL)
		return (-1);
	kc->klikit = k;
	kc->call = call;
	kc->again = again;
	http->room = kc->room;
	http->room_size = sizeof(kc->room);
	kc->http = http_client_post(k->hc, http, done, kc);
	if (kc->http == NULL) {
		free(kc);
		return (-1);
	}
	LIST_INSERT_HEAD(&k->calls, kc, next);
	return (0);
}

/* Send the status of that order. Returns 0, or -1 when out of memory. */
static int
klikit_send_status(struct klikit *k, const struct handler_job *job,
    const char *key, const struct klikit_change *change)
{
	char *target = klikit_path(k->base_path, k->path, change->order);
	char key_line[sizeof(KEY_HEADER) + KLIKIT_KEY_MAX] = KEY_HEADER;
	const char *const headers[] = { k->authorization, key_line,
		"Content-Type: application/json", "Accept: application/json" };
	struct http_client_request http = {
		.method = HTTP_CLIENT_PATCH,
		.target = target,
		.headers = headers,
		.nheaders = sizeof(headers) / sizeof(headers[0]),
		.body = change->body,
		.body_len = strlen(change->body),
		.timeout_ms = k->timeout_ms,
		.may_send = klikit_may_send,
	};
	int rc = -1;

	if (target != NULL &&
	    klikit_key(key, key_line + strlen(KEY_HEADER)) == 0)
		rc = klikit_send(k, &http, job->call, job->attempt > 1,
		    klikit_done_cb);
	free(target);
	return (rc);
}

static enum handler_verdict
klikit_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	static const struct message_signer unsigned_ = { .secret = NULL };
	struct klikit *k = (struct klikit *)h;
	struct klikit_change change = { NULL, NULL };
	enum handler_verdict verdict;
	struct message m;

	if (strcmp(job->ev->type, STATUS_ASK_TYPE) != 0)
		return (HANDLER_DONE); /* none of its business */
	verdict = message_make(&m, k->env, &unsigned_, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	verdict = klikit_request(job->ev, &k->statuses,
	    k->occurred_at ? job->ev->received_at_ms : 0, &change, ret_result);
	if (verdict == HANDLER_DONE) {
		verdict = HANDLER_PENDING;
		if (klikit_send_status(k, job, m.key, &change) == -1)
			verdict = message_no_memory(ret_result);
		free(change.order);
		free(change.body);
	}
	message_fini(&m);
	return (verdict);
}

static void
klikit_cancel(struct handler_instance *h, struct handler_call *call)
{
	struct klikit *k = (struct klikit *)h;
	struct klikit_call *kc;

	LIST_FOREACH(kc, &k->calls, next)
	{
		if (kc->call == call)
			break;
	}
	if (kc == NULL)
		return;
	LIST_REMOVE(kc, next);
	http_client_cancel(kc->http);
	free(kc);
}

/* -- Doctor -- */

/* http_client: the look has its answer. */
static void
klikit_look_cb(const struct http_client_answer *answer, void *arg)
{
	struct klikit_call *kc = arg;
	struct klikit *k = kc->klikit;
	char text[HANDLER_REASON_MAX];
	enum handler_level level;
	const char *advice;

	LIST_REMOVE(kc, next);
	level = klikit_found(answer, text, &advice);
	k->in.found(k->in.arg, level, text, advice);
	free(kc);
	k->in.done(k->in.arg);
}

/* A page of the orders is asked for: that changes nothing. */
static int
klikit_inspect(struct handler_instance *h, const struct handler_inspection *in)
{
	struct klikit *k = (struct klikit *)h;
	char *target = klikit_path(k->base_path, k->look_path, "");
	const char *const headers[] = { k->authorization,
		"Accept: application/json" };
	struct http_client_request http = {
		.method = HTTP_CLIENT_GET,
		.target = target,
		.headers = headers,
		.nheaders = sizeof(headers) / sizeof(headers[0]),
		.timeout_ms =
		    k->timeout_ms < LOOK_MAX_MS ? k->timeout_ms : LOOK_MAX_MS,
	};
	int rc = -1;

	k->in = *in;
	if (target != NULL)
		rc = klikit_send(k, &http, NULL, false, klikit_look_cb);
	free(target);
	return (rc);
}

/* -- What the configuration may say -- */

static bool
is_https(const char *url)
{
	return (url != NULL && strncasecmp(url, "https:", 6) == 0);
}

static const struct handler_tls_files *
klikit_tls(const void *settings)
{
	const struct klikit_settings *set = settings;

	return (is_https(set->url) ? &set->tls : NULL);
}

static void
klikit_check(void *settings, const struct handler_check *c)
{
	struct klikit_settings *set = settings;
	const struct key_secret *secret = &set->credentials;

	outlet_check_tls(&set->tls, is_https(set->url), c);
	if (set->url != NULL && strchr(set->url, '?') != NULL)
		c->wrong(c->arg, "url",
		    "is only the beginning of klikit's "
		    "paths, without a query");
	if (secret->bytes == NULL)
		return;
	for (size_t i = 0; i < secret->len; i++) {
		if (secret->bytes[i] <= ' ' || secret->bytes[i] > '~') {
			c->wrong(c->arg, "credentials_file",
			    "is not one line without blanks");
			return;
		}
	}
	if (set->auth == KLIKIT_BASIC &&
	    memchr(secret->bytes, ':', secret->len) == NULL)
		c->wrong(c->arg, "credentials_file",
		    "is not KEY:SECRET, as auth = basic needs it");
}

static void
klikit_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	const struct klikit_settings *set = settings;

	(void)snprintf(ret_text, HANDLER_REASON_MAX, "%s", set->url);
}

static const struct key_list *
klikit_words(const void *settings)
{
	const struct klikit_settings *set = settings;

	return (&set->statuses);
}

/* Of a path: does it begin as one, and has it nothing that is none? */
static int
check_path(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const char *path = *(char **)value;

	(void)dir;
	if (path[0] == '/' && path[strcspn(path, " \t#")] == '\0')
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX,
	    "is no path: it begins with '/' and has no blanks");
	return (-1);
}

static int
check_order_path(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	if (strstr(*(char **)value, "{order}") != NULL)
		return (check_path(value, dir, reason));
	(void)snprintf(reason, KEY_REASON_MAX,
	    "has no {order}, where the order's id is to stand");
	return (-1);
}

#define IN_KLIKIT(field) offsetof(struct klikit_settings, field)

static const struct key klikit_keys[] = {
	{ "handler.url", KEY_URL, IN_KLIKIT(url), .flags = KEY_REQUIRED,
	    .check = outlet_check_url, .value = "URL",
	    .example = "https://gateway-enterprise.klikit.io/v1/partner",
	    .text = "Where klikit's Partner API begins." },
	{ "handler.credentials_file", KEY_SECRET, IN_KLIKIT(credentials),
	    .flags = KEY_REQUIRED, .value = "FILE",
	    .example = "/etc/klikitd/klikit-api",
	    .exposed = "who reads it can change orders at klikit",
	    .text = "File with what klikit issued: KEY:SECRET, or a token, on "
		    "one line." },
	{ "handler.auth", KEY_CHOICE, IN_KLIKIT(auth), .def = "basic",
	    .value = "basic|bearer",
	    .text = "How that is shown: HTTP Basic, or as a bearer token." },
	{ "handler.statuses", KEY_TEXTS, IN_KLIKIT(statuses),
	    .check = status_ask_check,
	    .def = "accept: accepted, ready: ready, picked-up: picked_up, "
		   "reject: rejected, cancel: cancelled",
	    .value = "WORD: STATUS, ...",
	    .text = "What klikitd order ID WORD and the admin API may ask for, "
		    "and klikit's status for it." },
	{ "handler.path", KEY_NAME, IN_KLIKIT(path), .check = check_order_path,
	    .def = "/orders/{order}/status", .value = "PATH",
	    .text = "Where an order's status is changed, behind url." },
	{ "handler.look_path", KEY_NAME, IN_KLIKIT(look_path),
	    .check = check_path, .def = "/orders?page=1&size=1",
	    .value = "PATH",
	    .text = "What klikitd doctor asks for, to see whether the "
		    "credentials are right." },
	{ "handler.occurred_at", KEY_BOOL, IN_KLIKIT(occurred_at),
	    .def = "send", .value = "omit|send",
	    .text = "Whether the time at which it was asked for is sent as "
		    "well." },
	OUTLET_TLS_KEYS(struct klikit_settings, tls),
	{ 0 },
};

static const struct handler_statuses klikit_statuses = {
	.words = klikit_words,
	.asked_by = STATUS_ASK_TYPE,
};

const struct handler handler_klikit = {
	.type = "klikit",
	.text = "sends klikit the status of an order",
	.example = "klikit",
	.keys = klikit_keys,
	.settings_size = sizeof(struct klikit_settings),
	.check = klikit_check,
	.target = klikit_target,
	.tls = klikit_tls,
	.statuses = &klikit_statuses,
	.ordered = true,
	.outlet = true,
	.timeout = "10s",
	.concurrency = "2",
	.files = 3, /* two addresses tried at once, and one kept for reuse */
	.open = klikit_open,
	.run = klikit_run,
	.inspect = klikit_inspect,
	.cancel = klikit_cancel,
	.close = klikit_close,
};
