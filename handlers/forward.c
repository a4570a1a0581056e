/*
 * The handler of type "forward": each job is one POST. The body goes out as
 * it came, or with one order of it; the idempotency key stays the same in
 * every attempt, so that the far side knows a repeat.
 */
#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/body/message.h"
#include "handlers/forward_verdict.h"
#include "handlers/net/outlet_keys.h"
#include "handlers/net/reach.h"
#include "handlers/registry.h"

#define REACH_MAX_MS 5000 /* doctor waits */
#define HEADER_LINE_MAX (MESSAGE_KEY_MAX + 64)

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
	char *host;
	uint16_t port;
	struct reach *reach; /* doctor's look, or NULL */
	char *name;
	char **headers;
	size_t nheaders;
	struct message_signer signer;
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
	reach_free(f->reach);
	http_client_free(f->hc);
	free(f->host);
	if (f->tls != NULL)
		f->env->tls_close(f->env->arg, f->tls);
	for (size_t i = 0; i < f->nheaders; i++) {
		explicit_bzero(f->headers[i], strlen(f->headers[i]));
		free(f->headers[i]);
	}
	free(f->headers);
	message_signer_fini(&f->signer);
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
	return (message_signer_init(&f->signer, &set->sign_secret));
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
	f->port = url.port;
	if ((f->host = strdup(url.host)) != NULL &&
	    (!url.tls ||
		(f->tls = env->tls_open(env->arg, &set->tls, reason)) != NULL))
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

/* The headers of what one job sends. */
struct forward_request {
	const char **headers;
	size_t nheaders;
	size_t nlines;
	char lines[MESSAGE_HEADERS_MAX][HEADER_LINE_MAX];
};

/* Add a header of ours, unless it stands in the settings. */
static void
request_add(struct forward_request *req, const struct forward *f,
    const struct message_attribute *ours)
{
	char *line = req->lines[req->nlines];

	for (size_t i = 0; i < f->nheaders; i++) {
		if (is_header(f->headers[i], ours->name))
			return;
	}
	(void)snprintf(line, HEADER_LINE_MAX, "%s: %s", ours->name,
	    ours->value);
	req->headers[req->nheaders++] = line;
	req->nlines++;
}

/* Make all headers. Returns 0, or -1 when out of memory. */
static int
request_head(struct forward_request *req, const struct forward *f,
    const struct message *m)
{
	struct message_attribute ours[MESSAGE_HEADERS_MAX];
	size_t n = message_headers(m, ours);

	req->headers = calloc(f->nheaders + n, sizeof(*req->headers));
	if (req->headers == NULL)
		return (-1);
	for (size_t i = 0; i < f->nheaders; i++)
		req->headers[req->nheaders++] = f->headers[i];
	for (size_t i = 0; i < n; i++)
		request_add(req, f, &ours[i]);
	return (0);
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

/* http_client: may it leave? */
static bool
forward_may_send(void *arg)
{
	const struct forward_call *fc = arg;
	const struct handler_env *env = fc->forward->env;

	return (env->may_call == NULL || env->may_call(env->arg, fc->call));
}

/* Send it. Returns 0, or -1 when out of memory. */
static int
forward_send(struct forward *f, const struct forward_request *req,
    const struct message *m, struct handler_call *call)
{
	const struct http_client_request http = {
		.headers = req->headers,
		.nheaders = req->nheaders,
		.body = m->body,
		.body_len = m->body_len,
		.timeout_ms = f->timeout_ms,
		.may_send = forward_may_send,
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
	struct forward_request req;
	enum handler_verdict verdict;
	struct message m;

	verdict = message_make(&m, f->env, &f->signer, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	verdict = HANDLER_PENDING;
	req.headers = NULL;
	req.nheaders = req.nlines = 0;
	if (request_head(&req, f, &m) == -1 ||
	    forward_send(f, &req, &m, job->call) == -1)
		verdict = message_no_memory(ret_result);
	free(req.headers);
	message_fini(&m);
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

/* Reached, and greeted by TLS; asked nothing, as that would be a request. */
static int
forward_inspect(struct handler_instance *h, const struct handler_inspection *in)
{
	struct forward *f = (struct forward *)h;
	int64_t limit_ms =
	    f->timeout_ms < REACH_MAX_MS ? f->timeout_ms : REACH_MAX_MS;

	f->reach = reach_start(f->env, f->tls, f->host, f->port, limit_ms, in);
	return (f->reach == NULL ? -1 : 0);
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

/* The URL without its query, in which a secret may stand. */
static void
forward_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	const struct forward_settings *set = settings;
	size_t len = strcspn(set->url, "?");

	(void)snprintf(ret_text, HANDLER_REASON_MAX, "%.*s",
	    (int)(len < HANDLER_REASON_MAX ? len : HANDLER_REASON_MAX - 1),
	    set->url);
}

#define IN_FORWARD(field) offsetof(struct forward_settings, field)

static const struct key forward_keys[] = {
	{ "handler.url", KEY_URL, IN_FORWARD(url), .flags = KEY_REQUIRED,
	    .check = outlet_check_url, .value = "URL",
	    .example = "https://pos.example/orders",
	    .text = "Where to POST to, by http or https. 2xx is done; 408, "
		    "425, 429, 5xx and no "
		    "answer are tried again; 410 pauses the handler; anything "
		    "else is dead." },
	{ "handler.header", KEY_TEXTS, IN_FORWARD(headers),
	    .check = outlet_check_headers, .value = "NAME: VALUE, ...",
	    .example = "Authorization: @/etc/klikitd/pos-token",
	    .text = "Headers to send as well; @FILE is what stands in that "
		    "file. A value with a comma needs a file." },
	OUTLET_SIGN_KEY(struct forward_settings, sign_secret),
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
	.target = forward_target,
	.tls = forward_tls,
	.ordered = true,
	.outlet = true,
	.timeout = "5s",
	.concurrency = "4",
	.per_order = true,
	.files = 3, /* two addresses tried at once, and one kept for reuse */
	.open = forward_open,
	.run = forward_run,
	.inspect = forward_inspect,
	.cancel = forward_cancel,
	.close = forward_close,
};
