#include "handlers/queue/pubsub_inspect.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/google_credentials.h"
#include "handlers/queue/pubsub_names.h"
#include "handlers/queue/pubsub_verdict.h"

#define ANSWER_SIZE (64 * 1024)

enum question { ASK_TOPIC, ASK_RIGHT, ASK_SUBSCRIPTIONS, NQUESTIONS };

static const struct {
	const char *what; /* behind the topic's path */
	const char *body; /* NULL: GET */
} questions[] = {
	[ASK_TOPIC] = { "", NULL },
	[ASK_RIGHT] = { ":testIamPermissions",
	    "{\"permissions\":[\"pubsub.topics.publish\"]}" },
	[ASK_SUBSCRIPTIONS] = { "/subscriptions?pageSize=1", NULL },
};

struct pubsub_inspection {
	struct pubsub_inspection_options opt;
	struct handler_inspection in;
	enum question now;
	bool seen;     /* the topic could be looked at */
	bool retained; /* the topic keeps what nobody takes */
	bool renewed;  /* this question had another token before */
	unsigned token;
	struct http_client *hc;
	struct http_client_call *call;
	char *answer;
	struct event *begin; /* active: ask what is now */
};

/* -- What an answer is worth -- */

static void
found(const struct pubsub_inspection *pi, enum handler_level level,
    const char *text, const char *advice)
{
	pi->in.found(pi->in.arg, level, text, advice);
}

/* Is there a permission in the list? Only one was asked for. */
static bool
is_permitted(const json_t *root)
{
	return (json_array_size(json_object_get(root, "permissions")) > 0);
}

static bool
judge_topic(struct pubsub_inspection *pi, int status, const json_t *root)
{
	char text[HANDLER_REASON_MAX];

	if (status == 403) {
		found(pi, HANDLER_FINE,
		    "the topic cannot be looked at, for which the right "
		    "pubsub.topics.get is missing; publishing does not need it",
		    NULL);
		return (true);
	}
	if (status == 404) {
		(void)snprintf(text, sizeof(text),
		    "there is no topic %.100s in project %.100s", pi->opt.topic,
		    pi->opt.project);
		found(pi, HANDLER_WRONG, text,
		    "create it, or correct project and topic");
		return (false);
	}
	pi->seen = true;
	pi->retained =
	    json_object_get(root, "messageRetentionDuration") != NULL;
	(void)snprintf(text, sizeof(text), "topic %.200s is there",
	    pi->opt.topic);
	found(pi, HANDLER_FINE, text, NULL);
	return (true);
}

static bool
judge_right(struct pubsub_inspection *pi, int status, const json_t *root)
{
	if (status == 200 && is_permitted(root)) {
		found(pi, HANDLER_FINE, "it may publish there", NULL);
		return (true);
	}
	found(pi, HANDLER_WRONG,
	    pi->seen ? "no right to publish there"
		     : "no right to publish there, or no such topic",
	    "give the service account the role roles/pubsub.publisher on the "
	    "topic");
	return (false);
}

static bool
judge_subscriptions(struct pubsub_inspection *pi, int status,
    const json_t *root)
{
	if (status != 200)
		found(pi, HANDLER_FINE,
		    "whether the topic has a subscription cannot be seen, for "
		    "which the right pubsub.topics.listSubscriptions is "
		    "missing; without one what is published is lost",
		    NULL);
	else if (json_array_size(json_object_get(root, "subscriptions")) == 0 &&
		 !pi->retained)
		found(pi, HANDLER_DOUBTFUL,
		    "the topic has no subscription: what is published is lost",
		    "create a subscription, or have the topic keep messages");
	return (true);
}

/* Is there more to be asked? */
static bool
judge(struct pubsub_inspection *pi, int status, const json_t *root)
{
	switch (pi->now) {
	case ASK_TOPIC:
		return (judge_topic(pi, status, root));
	case ASK_RIGHT:
		return (judge_right(pi, status, root));
	case ASK_SUBSCRIPTIONS:
		return (judge_subscriptions(pi, status, root));
	case NQUESTIONS:
		break;
	}
	return (false);
}

/* -- Asking -- */

static void
inspection_done(struct pubsub_inspection *pi)
{
	pi->in.done(pi->in.arg); /* may free it */
}

/* The questions cannot go on. */
static void
inspection_fails(struct pubsub_inspection *pi, const char *reason)
{
	found(pi, HANDLER_WRONG, reason, "put it right; events wait for it");
	inspection_done(pi);
}

/* Ask the next one, from the loop; or that was all. */
static void
inspection_next(struct pubsub_inspection *pi)
{
	pi->now++;
	pi->renewed = false;
	if (pi->now == ASK_RIGHT && pi->opt.credentials == NULL)
		pi->now++;
	if (pi->now == NQUESTIONS)
		inspection_done(pi);
	else
		event_active(pi->begin, EV_TIMEOUT, 0);
}

/* A status that says nothing of what was asked. */
static bool
is_failure(const struct pubsub_inspection *pi,
    const struct http_client_answer *answer)
{
	if (answer->end != HTTP_CLIENT_ANSWERED)
		return (true);
	return (answer->status != 200 && answer->status != 403 &&
		(answer->status != 404 || pi->now != ASK_TOPIC));
}

static void
inspection_judge(struct pubsub_inspection *pi,
    const struct http_client_answer *answer)
{
	struct handler_result result = { .code = 0 };
	struct pubsub_answer said;
	bool more;

	pubsub_answer_read(answer->body, answer->body_len, &said);
	if (is_failure(pi, answer)) {
		(void)pubsub_verdict(answer, &said, 0, &result);
		pubsub_answer_fini(&said);
		inspection_fails(pi, result.reason);
		return;
	}
	more = judge(pi, answer->status, said.root);
	pubsub_answer_fini(&said);
	if (more)
		inspection_next(pi);
	else
		inspection_done(pi);
}

/* http_client_fn */
static void
inspection_answer_cb(const struct http_client_answer *answer, void *arg)
{
	struct pubsub_inspection *pi = arg;

	pi->call = NULL;
	if (answer->end == HTTP_CLIENT_ANSWERED && answer->status == 401 &&
	    pi->opt.credentials != NULL && !pi->renewed) {
		pi->renewed = true;
		google_credentials_refused(pi->opt.credentials, pi->token,
		    answer->date_ms);
		event_active(pi->begin, EV_TIMEOUT, 0);
		return;
	}
	inspection_judge(pi, answer);
}

/* Returns 0; -1 when out of memory. */
static int
inspection_ask(struct pubsub_inspection *pi, const char *token)
{
	const char *body = questions[pi->now].body;
	const char *headers[] = { "Content-Type: application/json", token };
	char path[PUBSUB_PATH_MAX];
	const struct http_client_request req = {
		.headers = headers,
		.nheaders = token == NULL ? 1 : 2,
		.method = body == NULL ? HTTP_CLIENT_GET : HTTP_CLIENT_POST,
		.target = path,
		.body = body,
		.body_len = body == NULL ? 0 : strlen(body),
		.room = pi->answer,
		.room_size = ANSWER_SIZE,
		.timeout_ms = pi->opt.timeout_ms,
	};

	pubsub_path(pi->opt.project, pi->opt.topic, questions[pi->now].what,
	    path);
	pi->call = http_client_post(pi->hc, &req, inspection_answer_cb, pi);
	return (pi->call == NULL ? -1 : 0);
}

/* Event: ask, unless there is no token; then it is made now. */
static void
inspection_begin_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pubsub_inspection *pi = arg;
	const char *token = NULL;

	(void)fd;
	(void)what;
	if (pi->opt.credentials != NULL) {
		token =
		    google_credentials_header(pi->opt.credentials, &pi->token);
		if (token == NULL)
			return;
	}
	if (inspection_ask(pi, token) == -1)
		inspection_fails(pi, "not tried: out of memory");
}

void
pubsub_inspection_ready(struct pubsub_inspection *pi,
    const struct handler_result *failure)
{
	if (failure != NULL)
		inspection_fails(pi, failure->reason);
	else if (pi->call == NULL)
		event_active(pi->begin, EV_TIMEOUT, 0);
}

struct pubsub_inspection *
pubsub_inspection_new(const struct pubsub_inspection_options *opt)
{
	struct pubsub_inspection *pi;

	if ((pi = calloc(1, sizeof(*pi))) == NULL)
		return (NULL);
	pi->opt = *opt;
	pi->in = *opt->in;
	pi->opt.in = &pi->in;
	pi->answer = malloc(ANSWER_SIZE);
	pi->begin = event_new(opt->env->base, -1, 0, inspection_begin_cb, pi);
	pi->hc = http_client_new(opt->env, opt->url, opt->tls, 1);
	if (pi->answer == NULL || pi->begin == NULL || pi->hc == NULL) {
		pubsub_inspection_free(pi);
		return (NULL);
	}
	event_active(pi->begin, EV_TIMEOUT, 0);
	return (pi);
}

void
pubsub_inspection_free(struct pubsub_inspection *pi)
{
	if (pi == NULL)
		return;
	if (pi->call != NULL)
		http_client_cancel(pi->call);
	http_client_free(pi->hc);
	if (pi->begin != NULL)
		event_free(pi->begin);
	free(pi->answer);
	free(pi);
}
