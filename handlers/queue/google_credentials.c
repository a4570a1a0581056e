#include "handlers/queue/google_credentials.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/net/http_client.h"
#include "handlers/queue/google_account.h"
#include "handlers/queue/google_jwt.h"
#include "handlers/queue/rsa_sign.h"

#define SECOND_MS INT64_C(1000)
/* A new one is made when so much is left of a token, a quarter at most. */
#define RENEW_MS (225 * SECOND_MS)
/* One with less than that, half of a short life, is not used any more. */
#define LAST_MS (15 * SECOND_MS)
/* Between two tries to make the next one, while one is good. */
#define PAUSE_MS (30 * SECOND_MS)
#define SKEW_MS (60 * SECOND_MS)

#define ANSWER_SIZE (16 * 1024) /* a token has about 1 KB */
#define METADATA_PATH                                                          \
	"/computeMetadata/v1/instance/service-accounts/default/token"

static const char bearer[] = "Authorization: Bearer ";

struct google_credentials {
	const struct handler_env *env;
	google_ready_fn *ready;
	void *arg;

	struct google_account account; /* all zero: the metadata server */
	const char *audience;
	int64_t skew_ms; /* how far the far side's clock is ahead */

	struct http_client *metadata; /* NULL: there is an account */
	int64_t timeout_ms;
	char *answer; /* room for what it says */

	/* The token in force. */
	char *header; /* NULL: there is none */
	unsigned number;
	int64_t made_ms;
	int64_t life_ms;

	/* The next one being made; at most one of the two. */
	char *input;
	struct rsa_signing *signing;
	struct http_client_call *call;
	int64_t tried_ms;    /* when that was begun last */
	struct event *fails; /* active: it could not even be begun */
};

/* -- An instance -- */

static void
wipe_text(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void
google_credentials_free(struct google_credentials *gc)
{
	if (gc == NULL)
		return;
	if (gc->signing != NULL)
		rsa_sign_cancel(gc->signing);
	if (gc->call != NULL)
		http_client_cancel(gc->call);
	http_client_free(gc->metadata);
	if (gc->fails != NULL)
		event_free(gc->fails);
	google_account_fini(&gc->account);
	wipe_text(&gc->header);
	free(gc->input);
	if (gc->answer != NULL)
		explicit_bzero(gc->answer, ANSWER_SIZE);
	free(gc->answer);
	free(gc);
}

static void credentials_fails_cb(evutil_socket_t fd, short what, void *arg);

static int
credentials_metadata(struct google_credentials *gc, const char *host,
    char reason[HANDLER_REASON_MAX])
{
	struct http_client_url url;
	char text[512], why[HANDLER_REASON_MAX];

	(void)snprintf(text, sizeof(text), "http://%s" METADATA_PATH, host);
	if (http_client_url_parse(text, &url, why) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "GCE_METADATA_HOST %.200s", why);
		return (-1);
	}
	gc->metadata = http_client_new(gc->env, &url, NULL, 1);
	gc->answer = malloc(ANSWER_SIZE);
	http_client_url_fini(&url);
	return (gc->metadata == NULL || gc->answer == NULL ? -1 : 0);
}

static int
credentials_open(struct google_credentials *gc,
    const struct google_credentials_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	char why[KEY_REASON_MAX];

	gc->fails = event_new(opt->env->base, -1, 0, credentials_fails_cb, gc);
	if (gc->fails == NULL)
		return (-1);
	if (opt->file == NULL)
		return (credentials_metadata(gc, opt->metadata_host, reason));
	if (google_account_read(opt->file, opt->file_len, &gc->account, why) ==
	    0)
		return (0);
	(void)snprintf(reason, HANDLER_REASON_MAX, "credentials_file %.230s",
	    why);
	return (-1);
}

struct google_credentials *
google_credentials_new(const struct google_credentials_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	struct google_credentials *gc;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((gc = calloc(1, sizeof(*gc))) == NULL)
		return (NULL);
	gc->env = opt->env;
	gc->ready = opt->ready;
	gc->arg = opt->arg;
	gc->audience = opt->audience;
	gc->timeout_ms = opt->timeout_ms;
	if (credentials_open(gc, opt, reason) == -1) {
		google_credentials_free(gc);
		return (NULL);
	}
	return (gc);
}

static int64_t
credentials_now(const struct google_credentials *gc)
{
	return (gc->env->now_ms(gc->env->arg));
}

/* -- The end of making a token -- */

static void
credentials_failed(struct google_credentials *gc, enum handler_fault fault,
    const char *why, const char *advice)
{
	struct handler_result failure = {
		.verdict = HANDLER_RETRY,
		.fault = fault,
	};

	(void)snprintf(failure.reason, HANDLER_REASON_MAX,
	    "no token from Google: %.120s%s%s", why, advice == NULL ? "" : "; ",
	    advice == NULL ? "" : advice);
	if (gc->header == NULL) /* else nobody waits */
		gc->ready(&failure, gc->arg);
}

/* Event: what nobody may be called back for from within his own call. */
static void
credentials_fails_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	credentials_failed(arg, HANDLER_FAULT_UNCLEAR, "out of memory", NULL);
}

/* There is a token, which is borrowed. */
static void
credentials_made(struct google_credentials *gc, const char *token,
    int64_t life_ms)
{
	char *header = malloc(sizeof(bearer) + strlen(token));

	if (header == NULL) {
		credentials_failed(gc, HANDLER_FAULT_UNCLEAR, "out of memory",
		    NULL);
		return;
	}
	(void)stpcpy(stpcpy(header, bearer), token);
	wipe_text(&gc->header);
	gc->header = header;
	gc->number++;
	gc->made_ms = credentials_now(gc);
	gc->life_ms = life_ms;
	gc->ready(NULL, gc->arg);
}

/* rsa_sign_fn */
static void
credentials_signed_cb(const unsigned char *signature, size_t len, void *arg)
{
	struct google_credentials *gc = arg;
	char *token = NULL;

	gc->signing = NULL;
	if (signature != NULL)
		token = google_jwt_join(gc->input, signature, len);
	free(gc->input);
	gc->input = NULL;
	if (token == NULL)
		credentials_failed(gc, HANDLER_FAULT_UNCLEAR,
		    "it cannot be signed",
		    "see credentials_file with klikitd check-config");
	else
		credentials_made(gc, token, GOOGLE_JWT_LIFE_S * SECOND_MS);
	wipe_text(&token);
}

/* What the metadata server's answer says, if it is no token. */
static void
credentials_no_answer(struct google_credentials *gc,
    const struct http_client_answer *answer)
{
	char why[HANDLER_REASON_MAX];

	if (answer->end != HTTP_CLIENT_ANSWERED) {
		(void)snprintf(why, sizeof(why), "metadata server: %.200s",
		    answer->reason);
		credentials_failed(gc, HANDLER_FAULT_DOWN, why,
		    "outside of Google's cloud credentials_file is needed");
		return;
	}
	(void)snprintf(why, sizeof(why), "the metadata server answered %d%s",
	    answer->status,
	    answer->status == 200 ? ", which makes no sense" : "");
	credentials_failed(gc, HANDLER_FAULT_UNCLEAR, why,
	    answer->status == 404
		? "give this machine a service account, or credentials_file"
		: NULL);
}

/* http_client_fn: the metadata server. */
static void
credentials_answer_cb(const struct http_client_answer *answer, void *arg)
{
	struct google_credentials *gc = arg;
	char *token = NULL;
	int64_t life_ms = 0;

	gc->call = NULL;
	if (answer->end == HTTP_CLIENT_ANSWERED && answer->status == 200)
		(void)google_token_read(gc->answer, answer->body_len, &token,
		    &life_ms);
	explicit_bzero(gc->answer, ANSWER_SIZE);
	if (token == NULL)
		credentials_no_answer(gc, answer); /* may free gc */
	else
		credentials_made(gc, token, life_ms);
	wipe_text(&token);
}

/* -- The beginning -- */

/* Returns 0; -1 when out of memory. */
static int
credentials_sign(struct google_credentials *gc)
{
	const struct google_claims claims = {
		.email = gc->account.email,
		.key_id = gc->account.key_id,
		.audience = gc->audience,
		.issued_s = (credentials_now(gc) + gc->skew_ms) / SECOND_MS,
	};

	if ((gc->input = google_jwt_input(&claims)) != NULL)
		gc->signing = rsa_sign_start(gc->env->base, gc->account.key,
		    gc->input, credentials_signed_cb, gc);
	if (gc->signing != NULL)
		return (0);
	free(gc->input);
	gc->input = NULL;
	return (-1);
}

/* The same. */
static int
credentials_ask(struct google_credentials *gc)
{
	static const char *const headers[] = { "Metadata-Flavor: Google" };
	const struct http_client_request req = {
		.headers = headers,
		.nheaders = 1,
		.method = HTTP_CLIENT_GET,
		.room = gc->answer,
		.room_size = ANSWER_SIZE,
		.timeout_ms = gc->timeout_ms,
	};

	gc->call =
	    http_client_post(gc->metadata, &req, credentials_answer_cb, gc);
	return (gc->call == NULL ? -1 : 0);
}

/* Begin to make a token, unless that is under way. */
static void
credentials_make(struct google_credentials *gc)
{
	if (gc->signing != NULL || gc->call != NULL)
		return;
	gc->tried_ms = credentials_now(gc);
	if ((gc->metadata == NULL ? credentials_sign(gc)
				  : credentials_ask(gc)) == -1)
		event_active(gc->fails, EV_TIMEOUT, 0);
}

const char *
google_credentials_header(struct google_credentials *gc, unsigned *ret_number)
{
	int64_t now = credentials_now(gc);
	int64_t left = gc->made_ms + gc->life_ms - now;

	if (gc->header != NULL && left < LAST_MS && left < gc->life_ms / 2)
		wipe_text(&gc->header);
	if (gc->header == NULL) {
		credentials_make(gc);
		return (NULL);
	}
	/* Also when the clock went back: then nobody knows what is left. */
	if ((left < RENEW_MS && left < gc->life_ms / 4) || left > gc->life_ms) {
		if (now < gc->tried_ms || now - gc->tried_ms >= PAUSE_MS)
			credentials_make(gc);
	}
	*ret_number = gc->number;
	return (gc->header);
}

void
google_credentials_refused(struct google_credentials *gc, unsigned number,
    int64_t far_clock_ms)
{
	int64_t skew_ms = far_clock_ms - credentials_now(gc);

	if (gc->header == NULL || number != gc->number)
		return; /* there is another one already */
	wipe_text(&gc->header);
	if (far_clock_ms != 0 && (skew_ms - gc->skew_ms > SKEW_MS ||
				     gc->skew_ms - skew_ms > SKEW_MS))
		gc->skew_ms = skew_ms;
}
