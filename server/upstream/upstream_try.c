#include "server/upstream/upstream_try.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/net/http_client.h"
#include "server/base/clock.h"
#include "server/upstream/upstream_report.h"
#include "server/upstream/upstream_words.h"

#define TIMEOUT_MS 10000

struct upstream_try {
	const struct handler_env *env;
	struct handler_tls *tls;
	struct http_client *client;
	struct http_client_call *call; /* NULL: it is over */
	int64_t since_us;
	upstream_try_fn *done;
	void *arg;
};

/* http_client_fn */
static void
try_answered_cb(const struct http_client_answer *answer, void *arg)
{
	struct upstream_try *t = arg;
	char text[HANDLER_REASON_MAX], reason[HANDLER_REASON_MAX];
	const char *why = NULL;
	size_t gone;

	t->call = NULL;
	if (upstream_is_answer(answer) &&
	    upstream_report_read(answer->body, answer->body_len, NULL, 0, &gone,
		reason) == 0) {
		(void)snprintf(text, sizeof(text),
		    "answers as a hub does, and knows the token, after "
		    "%" PRId64 " ms",
		    (clock_mono_us() - t->since_us) / 1000);
		t->done(text, NULL, t->arg);
		return;
	}
	if (upstream_is_answer(answer))
		why = reason;
	upstream_words(answer, why, text);
	t->done(text, upstream_advice(answer), t->arg);
}

/* Nothing is reported: that is answered like any report. 0; -1: no memory. */
static int
try_post(struct upstream_try *t, const char *path, const char *token)
{
	char *target = NULL, *line = NULL;
	char *body = upstream_report_text(NULL, 0);

	if (asprintf(&target, "%s/done", path) == -1)
		target = NULL;
	if (asprintf(&line, "Authorization: Bearer %s", token) == -1)
		line = NULL;
	if (target != NULL && line != NULL && body != NULL) {
		const char *const headers[] = { line,
			"Content-Type: application/json" };
		const struct http_client_request req = {
			.method = HTTP_CLIENT_POST,
			.target = target,
			.headers = headers,
			.nheaders = sizeof(headers) / sizeof(headers[0]),
			.body = body,
			.body_len = strlen(body),
			.timeout_ms = TIMEOUT_MS,
		};

		t->since_us = clock_mono_us();
		t->call = http_client_post(t->client, &req, try_answered_cb, t);
	}
	if (line != NULL)
		explicit_bzero(line, strlen(line));
	free(line);
	free(target);
	free(body);
	return (t->call == NULL ? -1 : 0);
}

struct upstream_try *
upstream_try_start(const struct handler_env *env,
    const struct upstream_settings *set, upstream_try_fn *done, void *arg,
    char reason[HANDLER_REASON_MAX])
{
	const struct handler_tls_files files = { .ca_file =
						     (char *)set->ca_file };
	char why[HANDLER_REASON_MAX] = "out of memory";
	struct http_client_url parts = { 0 };
	struct upstream_try *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		goto fail;
	*t = (struct upstream_try){ .env = env, .done = done, .arg = arg };
	if (http_client_url_parse(set->url, &parts, why) == -1)
		goto fail;
	if (parts.tls &&
	    (t->tls = env->tls_open(env->arg, &files, why)) == NULL)
		goto fail;
	t->client = http_client_new(env, &parts, t->tls, 0);
	if (t->client == NULL || try_post(t, parts.path, set->token) == -1)
		goto fail;
	http_client_url_fini(&parts);
	return (t);
fail:
	http_client_url_fini(&parts);
	upstream_try_free(t);
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s", why);
	return (NULL);
}

void
upstream_try_free(struct upstream_try *t)
{
	if (t == NULL)
		return;
	if (t->call != NULL)
		http_client_cancel(t->call);
	http_client_free(t->client);
	if (t->tls != NULL)
		t->env->tls_close(t->env->arg, t->tls);
	free(t);
}
