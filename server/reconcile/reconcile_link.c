#include "server/reconcile/reconcile_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/net/resolver.h"
#include "store/base/base64.h"

#define TIMEOUT_MS 60000 /* for all of it */
#define HEAD_BYTES ((size_t)64 << 10)

struct reconcile_link {
	const struct handler_env *env;
	struct handler_tls *tls;
	struct http_client *client;
	struct http_client_url url;
	struct reconcile_dialect dialect;
	char *names[RECONCILE_NNAMES]; /* copies, which the dialect has */
	char *credentials;             /* a header's line */

	struct http_client_call *call; /* NULL: none is under way */
	char *room;
	http_client_fn *done;
	void *arg;
};

/* -- Its life -- */

/* The line that says who we are. NULL when out of memory. */
static char *
credentials_line(const struct reconcile_far *far)
{
	size_t len = strlen(far->credentials);
	char *line, *text;

	if (far->auth == RECONCILE_BEARER)
		return (asprintf(&line, "Authorization: Bearer %s",
			    far->credentials) == -1
			    ? NULL
			    : line);
	if ((text = malloc(BASE64_SIZE(len))) == NULL)
		return (NULL);
	(void)base64_encode(far->credentials, len, text);
	if (asprintf(&line, "Authorization: Basic %s", text) == -1)
		line = NULL;
	explicit_bzero(text, strlen(text));
	free(text);
	return (line);
}

/* Returns 0, or -1 when out of memory. */
static int
copy_names(struct reconcile_link *link, const struct reconcile_far *far)
{
	const char *names[RECONCILE_NNAMES];

	for (int i = 0; i < RECONCILE_NNAMES; i++) {
		names[i] = NULL;
		if (far->names[i] == NULL)
			continue;
		if ((link->names[i] = strdup(far->names[i])) == NULL)
			return (-1);
		names[i] = link->names[i];
	}
	reconcile_dialect_set(&link->dialect, far->paging, names);
	return (0);
}

struct reconcile_link *
reconcile_link_new(const struct handler_env *env,
    const struct reconcile_far *far, char reason[HANDLER_REASON_MAX])
{
	const struct handler_tls_files files = { .ca_file =
						     (char *)far->ca_file };
	char why[HANDLER_REASON_MAX] = "out of memory";
	struct reconcile_link *link;

	if ((link = calloc(1, sizeof(*link))) == NULL)
		goto fail;
	link->env = env;
	if (http_client_url_parse(far->url, &link->url, why) == -1)
		goto fail;
	if (link->url.tls &&
	    (link->tls = env->tls_open(env->arg, &files, why)) == NULL)
		goto fail;
	if (copy_names(link, far) == -1 ||
	    (link->credentials = credentials_line(far)) == NULL ||
	    (link->client = http_client_new(env, &link->url, link->tls, 1)) ==
		NULL)
		goto fail;
	return (link);
fail:
	reconcile_link_free(link);
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s", why);
	return (NULL);
}

void
reconcile_link_drop(struct reconcile_link *link)
{
	free(link->room);
	link->room = NULL;
}

void
reconcile_link_free(struct reconcile_link *link)
{
	if (link == NULL)
		return;
	if (link->call != NULL)
		http_client_cancel(link->call);
	http_client_free(link->client);
	if (link->tls != NULL)
		link->env->tls_close(link->env->arg, link->tls);
	if (link->credentials != NULL)
		explicit_bzero(link->credentials, strlen(link->credentials));
	free(link->credentials);
	for (int i = 0; i < RECONCILE_NNAMES; i++)
		free(link->names[i]);
	http_client_url_fini(&link->url);
	free(link->room);
	free(link);
}

const struct reconcile_dialect *
reconcile_link_dialect(const struct reconcile_link *link)
{
	return (&link->dialect);
}

void
reconcile_link_doubt(struct reconcile_link *link)
{
	resolver_doubt(link->env->resolver, link->url.host);
}

/* -- A question -- */

/* http_client_fn */
static void
link_answered_cb(const struct http_client_answer *answer, void *arg)
{
	struct reconcile_link *link = arg;
	struct http_client_answer copy = *answer;

	link->call = NULL;
	/* What did not fit was not read. */
	if (copy.body_len == RECONCILE_ANSWER_MAX)
		copy.whole = false;
	link->done(&copy, link->arg);
}

int
reconcile_link_ask(struct reconcile_link *link, const struct reconcile_ask *ask,
    http_client_fn *done, void *arg)
{
	const char *const headers[] = { link->credentials,
		"Accept: application/json" };
	char *target =
	    reconcile_dialect_target(&link->dialect, link->url.path, ask);
	struct http_client_request req = {
		.method = HTTP_CLIENT_GET,
		.target = target,
		.headers = headers,
		.nheaders = sizeof(headers) / sizeof(headers[0]),
		.room_size = RECONCILE_ANSWER_MAX,
		.read_max = RECONCILE_ANSWER_MAX + HEAD_BYTES,
		.want = link->dialect.names[RECONCILE_NEXT_HEADER],
		.timeout_ms = TIMEOUT_MS,
	};

	reconcile_link_drop(link);
	link->done = done;
	link->arg = arg;
	link->room = target == NULL ? NULL : malloc(RECONCILE_ANSWER_MAX);
	req.room = link->room;
	if (link->room != NULL)
		link->call = http_client_post(link->client, &req,
		    link_answered_cb, link);
	free(target);
	if (link->call != NULL)
		return (0);
	reconcile_link_drop(link);
	return (-1);
}
