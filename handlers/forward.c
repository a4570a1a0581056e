/*
 * The handler of type "forward": each job is one POST. The body goes out as
 * it came, or with one order of it; the idempotency key stays the same in
 * every attempt, so that the far side knows a repeat.
 */
#include <sys/queue.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/body/order_body.h"
#include "handlers/forward_verdict.h"
#include "handlers/net/outlet_keys.h"
#include "handlers/registry.h"
#include "store/base/hex.h"

#define OWN_HEADERS 7        /* what we add at most */
#define HEADER_LINE_MAX 1216 /* scope, two ids of 255 bytes, one as %XX */

struct forward_settings {
	char *url;
	struct key_list headers;       /* "Name: value" */
	struct key_secret sign_secret; /* signs what is sent anew */
	bool conflict_is_done;         /* 409 means that it was done before */
	struct handler_tls_files tls;
};

struct forward_call {
	struct forward *forward;
	struct handler_call *call; /* dispatch's */
	struct http_client_call *http;
	LIST_ENTRY(forward_call) next;
};

struct forward {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: the url is not https */
	struct http_client *hc;
	char *name;
	char **headers;
	size_t nheaders;
	void *sign_secret; /* NULL: none */
	size_t sign_secret_len;
	bool conflict_is_done;
	int64_t timeout_ms;
	LIST_HEAD(, forward_call) calls;
};

/* -- An instance -- */

static void
forward_close(struct handler_instance *h)
{
	struct forward *f = (struct forward *)h;

	if (f == NULL)
		return;
	http_client_free(f->hc);
	if (f->tls != NULL)
		f->env->tls_close(f->env->arg, f->tls);
	for (size_t i = 0; i < f->nheaders; i++) {
		explicit_bzero(f->headers[i], strlen(f->headers[i]));
		free(f->headers[i]);
	}
	free(f->headers);
	if (f->sign_secret != NULL)
		explicit_bzero(f->sign_secret, f->sign_secret_len);
	free(f->sign_secret);
	free(f->name);
	free(f);
}

/* Is line a header of that name? */
static bool
is_header(const char *line, const char *name)
{
	size_t len = strlen(name);

	return (strncasecmp(line, name, len) == 0 && line[len] == ':');
}

/* Copy the settings. Returns 0; -1 when out of memory. */
static int
forward_copy(struct forward *f, const struct forward_settings *set)
{
	const struct key_secret *secret = &set->sign_secret;

	f->conflict_is_done = set->conflict_is_done;
	if (set->headers.n > 0 &&
	    (f->headers = calloc(set->headers.n, sizeof(*f->headers))) == NULL)
		return (-1);
	for (; f->nheaders < set->headers.n; f->nheaders++) {
		f->headers[f->nheaders] =
		    strdup(set->headers.items[f->nheaders]);
		if (f->headers[f->nheaders] == NULL)
			return (-1);
	}
	if (secret->bytes == NULL)
		return (0);
	if ((f->sign_secret = malloc(secret->len + 1)) == NULL)
		return (-1);
	memcpy(f->sign_secret, secret->bytes, secret->len);
	f->sign_secret_len = secret->len;
	return (0);
}

/* Make the client. Returns 0, or -1 and a reason. */
static int
forward_connect(struct forward *f, const struct forward_settings *set,
    size_t concurrency, char reason[HANDLER_REASON_MAX])
{
	const struct handler_env *env = f->env;
	struct http_client_url url;
	char why[HANDLER_REASON_MAX];

	if (http_client_url_parse(set->url, &url, why) == -1) {
		snprintf(reason, HANDLER_REASON_MAX, "url %.230s", why);
		return (-1);
	}
	if (!url.tls ||
	    (f->tls = env->tls_open(env->arg, &set->tls, reason)) != NULL)
		f->hc = http_client_new(env, &url, f->tls, concurrency);
	http_client_url_fini(&url);
	return (f->hc == NULL ? -1 : 0);
}

static struct handler_instance *
forward_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	struct forward *f;

	snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (NULL);
	f->base.type = &handler_forward;
	f->env = env;
	LIST_INIT(&f->calls);
	f->timeout_ms = opt->timeout_ms;
	if ((f->name = strdup(opt->name)) == NULL ||
	    forward_copy(f, opt->settings) == -1 ||
	    forward_connect(f, opt->settings, opt->concurrency, reason) == -1) {
		forward_close(&f->base);
		return (NULL);
	}
	return (&f->base);
}

/* -- A request -- */

/* What one job sends. */
struct forward_request {
	const void *body;
	size_t body_len;
	void *cut; /* the body, if it is one made for this; else NULL */
	const struct store_order *order; /* it is for that one, or NULL */
	const char **headers;
	size_t nheaders;
	size_t nlines;
	char lines[OWN_HEADERS][HEADER_LINE_MAX];
};

/* Add a header of ours, unless the configuration sets the same. */
static void __attribute__((format(printf, 4, 5)))
request_add(struct forward_request *req, const struct forward *f,
    const char *name, const char *format, ...)
{
	char *line = req->lines[req->nlines];
	size_t len;
	va_list ap;

	for (size_t i = 0; i < f->nheaders; i++) {
		if (is_header(f->headers[i], name))
			return;
	}
	len = (size_t)snprintf(line, HEADER_LINE_MAX, "%s: ", name);
	va_start(ap, format);
	vsnprintf(line + len, HEADER_LINE_MAX - len, format, ap);
	va_end(ap);
	req->headers[req->nheaders++] = line;
	req->nlines++;
}

/*
 * An order's id may hold anything; a header may not. Percent-encoded, two
 * different ids stay different; without a colon, the id stays apart from what
 * stands around it in a key.
 */
static void
encode_id(const char *id, size_t size, char *ret_text)
{
	char *p = ret_text;

	for (; *id != '\0' && size - (size_t)(p - ret_text) > 3; id++) {
		if (*id > ' ' && *id <= '~' && *id != '%' && *id != ':')
			*p++ = *id;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*id);
	}
	*p = '\0';
}

/* Add the signature of what is sent. Returns 0, or -1 when out of memory. */
static int
request_sign(struct forward_request *req, const struct forward *f,
    const struct store_event *ev)
{
	char hex[2 * ORDER_DIGEST_LEN + 1];

	if (f->sign_secret != NULL) {
		if (f->env->sign(f->env->arg, f->sign_secret,
			f->sign_secret_len, req->body, req->body_len,
			hex) == -1)
			return (-1);
	} else if (req->cut == NULL && ev->secret != NULL) {
		hex_encode(ev->digest, sizeof(ev->digest), hex);
	} else {
		return (0); /* klikit's, if any, fits no other body */
	}
	request_add(req, f, "x-klikit-signature", "%s", hex);
	return (0);
}

/*
 * What is sent is the same under one key, and another thing under another: an
 * event, one order of it, a place in it that has no order id, or the alarm of
 * one of these jobs; and in another scope each of them is another. A repeat is
 * what it repeats: a call of that one may have been taken all the same.
 */
static void
request_key(struct forward_request *req, const struct forward *f,
    const struct handler_job *job)
{
	const struct store_event *ev = job->ev;
	const char *id = ev->original != NULL ? ev->original : ev->event_id;
	char part[3 * 255 + 2] = "", alarm[32] = "";

	if (req->order != NULL) {
		part[0] = ':';
		encode_id(req->order->order_id, sizeof(part) - 1, part + 1);
	} else if (job->place != STORE_WHOLE_EVENT) {
		(void)snprintf(part, sizeof(part), "::place-%" PRId32,
		    job->place);
	}
	if (job->guards != 0)
		(void)snprintf(alarm, sizeof(alarm), "%s:alarm-%" PRId64,
		    part[0] == '\0' ? ":" : "", job->guards);
	request_add(req, f, "Idempotency-Key", "%s%s%s%s%s", ev->scope,
	    ev->scope[0] == '\0' ? "" : ":", id, part, alarm);
}

/* Make all headers. Returns 0, or -1 when out of memory. */
static int
request_head(struct forward_request *req, const struct forward *f,
    const struct handler_job *job)
{
	const struct store_event *ev = job->ev;

	req->headers = calloc(f->nheaders + OWN_HEADERS, sizeof(*req->headers));
	if (req->headers == NULL)
		return (-1);
	for (size_t i = 0; i < f->nheaders; i++)
		req->headers[req->nheaders++] = f->headers[i];
	request_add(req, f, "Content-Type", "application/json");
	request_add(req, f, "x-klikit-event-id", "%s", ev->event_id);
	request_add(req, f, "x-klikit-event-type", "%s", ev->type);
	request_add(req, f, "x-klikitd-attempt", "%u", job->attempt);
	if (ev->scope[0] != '\0')
		request_add(req, f, "x-klikitd-scope", "%s", ev->scope);
	request_key(req, f, job);
	return (request_sign(req, f, ev));
}

/*
 * Choose the body. DONE if there is one; else the verdict, and its reason in
 * the result.
 */
static enum handler_verdict
request_body(struct forward_request *req, const struct handler_job *job,
    struct handler_result *ret_result)
{
	const struct store_event *ev = job->ev;
	bool oom;

	if (ev->body == NULL) {
		snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "the body was purged");
		return (HANDLER_DEAD);
	}
	req->body = ev->body;
	req->body_len = ev->body_len;
	if (job->place == STORE_WHOLE_EVENT)
		return (HANDLER_DONE);
	for (size_t i = 0; i < ev->norders; i++) {
		if (ev->orders[i].place == job->place)
			req->order = &ev->orders[i];
	}
	if (order_body_cut(ev->body, ev->body_len, job->place, &req->cut,
		&req->body_len) == -1) {
		oom = errno == ENOMEM;
		snprintf(ret_result->reason, HANDLER_REASON_MAX, "%s",
		    oom ? "out of memory"
			: "the body has no order at that place");
		ret_result->fault = HANDLER_FAULT_UNCLEAR;
		return (oom ? HANDLER_RETRY : HANDLER_DEAD);
	}
	req->body = req->cut;
	return (HANDLER_DONE);
}

/* -- An attempt -- */

/* http_client: the attempt has ended. */
static void
forward_done_cb(const struct http_client_answer *answer, void *arg)
{
	struct forward_call *fc = arg;
	struct forward *f = fc->forward;
	struct handler_result result = { .code = 0 };

	LIST_REMOVE(fc, next);
	forward_verdict(answer, f->name, f->conflict_is_done, &result);
	f->env->finish(f->env->arg, fc->call, &result);
	free(fc);
}

/* Send it. Returns 0, or -1 when out of memory. */
static int
forward_send(struct forward *f, const struct forward_request *req,
    struct handler_call *call)
{
	const struct http_client_request http = {
		.headers = req->headers,
		.nheaders = req->nheaders,
		.body = req->body,
		.body_len = req->body_len,
		.timeout_ms = f->timeout_ms,
	};
	struct forward_call *fc;

	if ((fc = calloc(1, sizeof(*fc))) == NULL)
		return (-1);
	fc->forward = f;
	fc->call = call;
	fc->http = http_client_post(f->hc, &http, forward_done_cb, fc);
	if (fc->http == NULL) {
		free(fc);
		return (-1);
	}
	LIST_INSERT_HEAD(&f->calls, fc, next);
	return (0);
}

static enum handler_verdict
forward_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct forward *f = (struct forward *)h;
	struct forward_request req = { .body = NULL };
	enum handler_verdict verdict;

	verdict = request_body(&req, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	verdict = HANDLER_PENDING;
	if (request_head(&req, f, job) == -1 ||
	    forward_send(f, &req, job->call) == -1) {
		snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "out of memory");
		ret_result->fault = HANDLER_FAULT_UNCLEAR;
		verdict = HANDLER_RETRY;
	}
	free(req.headers);
	free(req.cut);
	return (verdict);
}

static void
forward_cancel(struct handler_instance *h, struct handler_call *call)
{
	struct forward *f = (struct forward *)h;
	struct forward_call *fc;

	LIST_FOREACH(fc, &f->calls, next)
	{
		if (fc->call == call)
			break;
	}
	if (fc == NULL)
		return;
	LIST_REMOVE(fc, next);
	http_client_cancel(fc->http);
	free(fc);
}

/* -- What the configuration may say -- */

static bool
is_https(const char *url)
{
	return (url != NULL && strncasecmp(url, "https:", 6) == 0);
}

static const struct handler_tls_files *
forward_tls(const void *settings)
{
	const struct forward_settings *set = settings;

	return (is_https(set->url) ? &set->tls : NULL);
}

static void
forward_check(void *settings, const struct handler_check *c)
{
	struct forward_settings *set = settings;

	outlet_check_tls(&set->tls, is_https(set->url), c);
	outlet_read_headers(&set->headers, "header", c);
}

static void
forward_probe(const void *settings, struct handler_probe *ret_probe)
{
	const struct forward_settings *set = settings;
	char reason[HANDLER_REASON_MAX];
	struct http_client_url url;

	if (set->url == NULL ||
	    http_client_url_parse(set->url, &url, reason) == -1)
		return;
	ret_probe->kind = HANDLER_PROBE_CONNECT;
	snprintf(ret_probe->host, sizeof(ret_probe->host), "%s", url.host);
	ret_probe->port = url.port;
	http_client_url_fini(&url);
}

#define IN_FORWARD(field) offsetof(struct forward_settings, field)

static const struct key forward_keys[] = {
	{ "handler.url", KEY_URL, IN_FORWARD(url), .flags = KEY_REQUIRED,
	    .check = outlet_check_url, .value = "URL",
	    .example = "https://pos.example/orders", .shown = "to",
	    .text = "Where to POST to, by http or https. 2xx is done; 408, "
		    "425, 429, 5xx and no "
		    "answer are tried again; 410 pauses the handler; anything "
		    "else is dead." },
	{ "handler.header", KEY_TEXTS, IN_FORWARD(headers),
	    .check = outlet_check_headers, .value = "NAME: VALUE, ...",
	    .example = "Authorization: @/etc/klikitd/pos-token",
	    .text = "Headers to send as well; @FILE is what stands in that "
		    "file. A value with a comma needs a file." },
	{ "handler.sign_secret_file", KEY_SECRET, IN_FORWARD(sign_secret),
	    .def = "", .value = "FILE", .example = "/etc/klikitd/pos-secret",
	    .exposed = "who reads it can sign as klikitd does",
	    .text = "File with a secret to sign what is sent anew, as klikit "
		    "does, in place of klikit's own signature." },
	{ "handler.on_conflict", KEY_BOOL, IN_FORWARD(conflict_is_done),
	    .def = "dead", .value = "dead|done",
	    .text = "What an answer of 409 means." },
	OUTLET_TLS_KEYS(struct forward_settings, tls),
	{ 0 },
};

const struct handler handler_forward = {
	.type = "forward",
	.text = "POSTs to a URL",
	.example = "pos",
	.keys = forward_keys,
	.settings_size = sizeof(struct forward_settings),
	.check = forward_check,
	.probe = forward_probe,
	.tls = forward_tls,
	.ordered = true,
	.outlet = true,
	.timeout = "5s",
	.concurrency = "4",
	.per_order = true,
	.files = 3, /* two addresses tried at once, and one kept for reuse */
	.open = forward_open,
	.run = forward_run,
	.cancel = forward_cancel,
	.close = forward_close,
};
