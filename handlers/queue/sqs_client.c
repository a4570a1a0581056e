/*
 * A call waits for credentials, is signed and sent, and may be sent once more:
 * with credentials that were renewed after these were refused, and by the far
 * side's clock if that refused the time.
 */
#include "handlers/queue/sqs_client.h"

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/net/net_clock.h"
#include "handlers/queue/aws_credentials.h"
#include "handlers/queue/aws_sign.h"

#define CONTENT_TYPE "application/x-amz-json-1.0"
#define ANSWER_ROOM (64 * 1024) /* ten entries that fail take 10 KB */
#define CLOCKS_MAX 2            /* corrections within one call */
#define CLOCK_STEP_MS 60000     /* less than that is no correction */
#define HOST_MAX (HANDLER_HOST_MAX + 16)

struct sqs_client {
	const struct handler_env *env;
	struct http_client *hc;
	struct aws_credentials *credentials;
	char host[HOST_MAX]; /* as it goes into the header */
	char *region;
	int64_t ahead_ms;                      /* of the far side's clock */
	TAILQ_HEAD(, sqs_client_call) waiting; /* for credentials */
};

struct sqs_client_call {
	TAILQ_ENTRY(sqs_client_call) next;
	struct sqs_client *sc;
	sqs_client_fn *done;
	void *arg;
	struct sqs_client_request request;
	char *room; /* for the answer */
	int64_t deadline_us;
	bool waits;
	bool looked;      /* for credentials, as there were none */
	bool renewed;     /* they were refused, and looked for */
	unsigned clocks;  /* corrections so far */
	unsigned changes; /* of the credentials it was sent with */
	int64_t ahead_ms; /* of the clock it was sent by */
	struct sqs_client_answer refusal; /* the last one */
	struct http_client_call *http;
};

/* -- The end of a call -- */

static void
call_free(struct sqs_client_call *call)
{
	if (call->waits)
		TAILQ_REMOVE(&call->sc->waiting, call, next);
	if (call->http != NULL)
		http_client_cancel(call->http);
	free(call->room);
	free(call->request.body);
	free(call);
}

void
sqs_client_cancel(struct sqs_client_call *call)
{
	call_free(call);
}

static void
call_end(struct sqs_client_call *call, const struct sqs_client_answer *answer)
{
	sqs_client_fn *done = call->done;

	/* The client may be gone behind this. */
	done(answer, call->arg);
	call_free(call);
}

static void
call_end_unsent(struct sqs_client_call *call, const char *reason, bool lasting)
{
	const struct sqs_client_answer answer = { .end = SQS_CLIENT_NOT_SENT,
		.reason = reason,
		.lasting = lasting };

	call_end(call, &answer);
}

/* -- Sending -- */

static void call_answered_cb(const struct http_client_answer *answer,
    void *arg);

/* What is left of its time; 0: nothing. In tenths of a second, for people. */
static int64_t
call_left_ms(const struct sqs_client_call *call)
{
	int64_t left_us = call->deadline_us - net_clock_us(), left_ms;

	if (left_us < 1000)
		return (0);
	left_ms = (left_us / 1000 + 100) / 100 * 100;
	return (left_ms < call->request.timeout_ms ? left_ms
						   : call->request.timeout_ms);
}

/* The header that proves who we are. Returns 0, or -1. */
static int
call_sign(struct sqs_client_call *call, const struct aws_keys *keys,
    const char *date, char ret_authorization[AWS_SIGN_MAX])
{
	struct sqs_client *sc = call->sc;
	char target[64];
	struct aws_sign_header headers[5];
	struct aws_sign_request req = {
		.method = "POST",
		.service = "sqs",
		.region = sc->region,
		.headers = headers,
		.body = call->request.body,
		.body_len = call->request.body_len,
		.date = date,
	};
	size_t n = 0;

	(void)snprintf(target, sizeof(target), "AmazonSQS.%s",
	    call->request.action);
	headers[n++] = (struct aws_sign_header){ "content-type", CONTENT_TYPE };
	headers[n++] = (struct aws_sign_header){ "host", sc->host };
	headers[n++] = (struct aws_sign_header){ "x-amz-date", date };
	if (keys->token[0] != '\0')
		headers[n++] = (struct aws_sign_header){ "x-amz-security-token",
			keys->token };
	headers[n++] = (struct aws_sign_header){ "x-amz-target", target };
	req.nheaders = n;
	return (aws_sign(&req, keys, ret_authorization));
}

/* Send it. Returns 0, or -1 when out of memory. */
static int
call_send(struct sqs_client_call *call, const struct aws_keys *keys)
{
	struct sqs_client *sc = call->sc;
	char authorization[AWS_SIGN_MAX], date[AWS_SIGN_DATE_LEN + 1];
	char lines[4][AWS_SIGN_MAX + 32], token[AWS_TOKEN_MAX + 32];
	const char *const headers[] = { "Content-Type: " CONTENT_TYPE, lines[0],
		lines[1], lines[2], lines[3], token };
	const struct http_client_request req = {
		.headers = headers,
		.nheaders = keys->token[0] == '\0' ? 5 : 6,
		.body = call->request.body,
		.body_len = call->request.body_len,
		.room = call->room,
		.room_size = ANSWER_ROOM,
		.timeout_ms = call_left_ms(call),
	};

	call->changes = aws_credentials_changes(sc->credentials);
	call->ahead_ms = sc->ahead_ms;
	aws_sign_date(sc->env->now_ms(sc->env->arg) + sc->ahead_ms, date);
	if (call_sign(call, keys, date, authorization) == -1)
		return (-1);
	(void)snprintf(lines[0], sizeof(lines[0]), "Host: %s", sc->host);
	(void)snprintf(lines[1], sizeof(lines[1]), "X-Amz-Date: %s", date);
	(void)snprintf(lines[2], sizeof(lines[2]), "X-Amz-Target: AmazonSQS.%s",
	    call->request.action);
	(void)snprintf(lines[3], sizeof(lines[3]), "Authorization: %s",
	    authorization);
	(void)snprintf(token, sizeof(token), "X-Amz-Security-Token: %s",
	    keys->token);
	call->http = http_client_post(sc->hc, &req, call_answered_cb, call);
	explicit_bzero(token, sizeof(token));
	return (call->http == NULL ? -1 : 0);
}

/* Wait until a search for credentials has ended. */
static void
call_wait(struct sqs_client_call *call)
{
	call->waits = true;
	TAILQ_INSERT_TAIL(&call->sc->waiting, call, next);
	aws_credentials_look(call->sc->credentials);
}

/* Send it if there are credentials, and time; or end it. From the loop. */
static void
call_go(struct sqs_client_call *call)
{
	struct sqs_client *sc = call->sc;
	const struct aws_keys *keys = aws_credentials_keys(sc->credentials);
	const char *failure;
	bool lasting;

	if (keys == NULL && !call->looked) {
		call->looked = true;
		call_wait(call);
		return;
	}
	failure = aws_credentials_failure(sc->credentials, &lasting);
	if (keys == NULL)
		call_end_unsent(call, failure, lasting);
	else if (call_left_ms(call) == 0)
		call_end_unsent(call, "no AWS credentials in time", false);
	else if (call_send(call, keys) == -1)
		call_end_unsent(call, "out of memory", false);
}

/* -- Refusals -- */

/* The credentials that were refused have been looked for once more. */
static void
call_renewed(struct sqs_client_call *call)
{
	struct aws_credentials *credentials = call->sc->credentials;
	const char *failure;
	bool lasting;

	if (call->changes != aws_credentials_changes(credentials)) {
		call_go(call);
		return;
	}
	failure = aws_credentials_failure(credentials, &lasting);
	if (failure != NULL && !lasting)
		call_end_unsent(call, failure, false);
	else
		call_end(call, &call->refusal);
}

/* Take the far side's time. Returns whether it is another one than before. */
static bool
call_set_clock(struct sqs_client_call *call, int64_t date_ms)
{
	struct sqs_client *sc = call->sc;
	int64_t ahead_ms = date_ms - sc->env->now_ms(sc->env->arg);
	int64_t change_ms = ahead_ms - call->ahead_ms;

	if (date_ms == 0 || call->clocks == CLOCKS_MAX ||
	    (change_ms < CLOCK_STEP_MS && change_ms > -CLOCK_STEP_MS))
		return (false);
	call->clocks++;
	sc->ahead_ms = ahead_ms;
	return (true);
}

/* It was refused: is there another way? Else it has ended. */
static void
call_refused(struct sqs_client_call *call, int64_t date_ms)
{
	switch (call->refusal.meaning->action) {
	case SQS_RENEW:
		if (call->renewed || call_left_ms(call) == 0)
			break;
		call->renewed = true;
		if (call->changes !=
		    aws_credentials_changes(call->sc->credentials))
			call_go(call); /* another call has had them renewed */
		else
			call_wait(call);
		return;
	case SQS_CLOCK:
		if (call_left_ms(call) == 0 || !call_set_clock(call, date_ms))
			break;
		call_go(call);
		return;
	case SQS_RETRY:
	case SQS_PAUSE:
	case SQS_DEAD:
		break;
	}
	call_end(call, &call->refusal);
}

/* http_client */
static void
call_answered_cb(const struct http_client_answer *answer, void *arg)
{
	struct sqs_client_call *call = arg;
	struct sqs_client_answer a = {
		.status = answer->status,
		.retry_after_ms = answer->retry_after_ms,
		.reason = answer->reason,
		.body = answer->body,
		.body_len = answer->body_len,
	};

	call->http = NULL;
	switch (answer->end) {
	case HTTP_CLIENT_NOT_SENT:
		a.end = SQS_CLIENT_NOT_SENT;
		break;
	case HTTP_CLIENT_UNKNOWN:
		a.end = SQS_CLIENT_UNKNOWN;
		break;
	case HTTP_CLIENT_ANSWERED:
		if (answer->status == 200) {
			a.end = SQS_CLIENT_ANSWERED;
			break;
		}
		a.end = SQS_CLIENT_REFUSED;
		sqs_answer_error(answer->body, answer->body_len, &a.error);
		a.meaning = sqs_verdict(&a.error, answer->status);
		a.reason = a.meaning->reason;
		/* It may be needed when the answer is gone. */
		a.body = NULL;
		a.body_len = 0;
		call->refusal = a;
		call_refused(call, answer->date_ms);
		return;
	}
	call_end(call, &a);
}

/* aws_credentials: a search has ended, for those that wait. */
static void
client_credentials_cb(void *arg)
{
	struct sqs_client *sc = arg;
	struct sqs_client_call *call;
	size_t n = 0;

	/* The end of the last one may be the end of the client. */
	TAILQ_FOREACH (call, &sc->waiting, next)
		n++;
	while (n-- > 0) {
		call = TAILQ_FIRST(&sc->waiting);
		TAILQ_REMOVE(&sc->waiting, call, next);
		call->waits = false;
		if (call->renewed)
			call_renewed(call);
		else
			call_go(call);
	}
}

/* -- Their life -- */

struct sqs_client_call *
sqs_client_start(struct sqs_client *sc,
    const struct sqs_client_request *request, sqs_client_fn *done, void *arg)
{
	const struct aws_keys *keys = aws_credentials_keys(sc->credentials);
	struct sqs_client_call *call;

	if ((call = calloc(1, sizeof(*call))) == NULL ||
	    (call->room = malloc(ANSWER_ROOM)) == NULL) {
		free(call);
		free(request->body);
		return (NULL);
	}
	call->sc = sc;
	call->done = done;
	call->arg = arg;
	call->request = *request;
	call->deadline_us = net_clock_us() + request->timeout_ms * 1000;
	if (keys == NULL) {
		call->looked = true;
		call_wait(call);
	} else if (call_send(call, keys) == -1) {
		call_free(call);
		return (NULL);
	}
	return (call);
}

/* The host, and the port unless it is the usual one. */
static int
client_set_host(struct sqs_client *sc, const struct http_client_url *url)
{
	bool bare = strchr(url->host, ':') == NULL;
	char port[8] = "";
	int n;

	if (url->port != (url->tls ? 443 : 80))
		(void)snprintf(port, sizeof(port), ":%u", url->port);
	n = snprintf(sc->host, sizeof(sc->host), "%s%s%s%s", bare ? "" : "[",
	    url->host, bare ? "" : "]", port);
	return (n < 0 || (size_t)n >= sizeof(sc->host) ? -1 : 0);
}

struct sqs_client *
sqs_client_new(const struct sqs_client_options *opt)
{
	struct sqs_client *sc;

	if ((sc = calloc(1, sizeof(*sc))) == NULL)
		return (NULL);
	sc->env = opt->env;
	TAILQ_INIT(&sc->waiting);
	if (client_set_host(sc, opt->url) == -1 ||
	    (sc->region = strdup(opt->region)) == NULL ||
	    (sc->hc = http_client_new(opt->env, opt->url, opt->tls,
		 opt->max_idle)) == NULL ||
	    (sc->credentials = aws_credentials_new(opt->env, &opt->credentials,
		 client_credentials_cb, sc)) == NULL) {
		sqs_client_free(sc);
		return (NULL);
	}
	return (sc);
}

void
sqs_client_free(struct sqs_client *sc)
{
	if (sc == NULL)
		return;
	aws_credentials_free(sc->credentials);
	http_client_free(sc->hc);
	free(sc->region);
	free(sc);
}

const char *
sqs_client_source(const struct sqs_client *sc)
{
	return (aws_credentials_keys(sc->credentials) == NULL
		    ? NULL
		    : aws_credentials_source(sc->credentials));
}

int64_t
sqs_client_ahead_ms(const struct sqs_client *sc)
{
	return (sc->ahead_ms);
}
