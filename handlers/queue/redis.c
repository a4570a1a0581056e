/*
 * The handler of type "redis": each job is one entry of a stream. It is done
 * when Redis has answered with the entry's id. Commands of several jobs are
 * under way at once on one connection; answers come in their order.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/message.h"
#include "handlers/net/broker_url.h"
#include "handlers/net/net_clock.h"
#include "handlers/net/outlet_keys.h"
#include "handlers/queue/calls.h"
#include "handlers/queue/redis_entry.h"
#include "handlers/queue/redis_look.h"
#include "handlers/queue/redis_session.h"
#include "handlers/queue/redis_verdict.h"

#define KEEPALIVE_MS 15000
#define DATABASE_DIGITS 9
#define DEDUP_MAX_MS (INT64_C(366) * 86400 * 1000)

extern const struct handler handler_redis; /* for others, registry.h has it */

struct redis_settings {
	char *url;
	struct key_secret password;
	char *stream;
	int64_t dedup_ms;
	int64_t maxlen;
	struct key_secret sign_secret;
	struct handler_tls_files tls;
};

struct redis {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: the url is not rediss */
	struct redis_session *session;
	struct queue_calls *calls;
	struct message_signer signer;
	char *name;
	struct redis_stream stream; /* its name is ours */
	char sha[REDIS_SHA_LEN + 1];
	int64_t timeout_ms;
	uint64_t
	    loaded;  /* the number of the last SCRIPT LOAD; 0: the login's */
	bool silent; /* something was not answered in time, nor since */
	bool moving; /* to another server, when all is answered */
	struct redis_look *look; /* NULL: it is for jobs */
};

/* -- Sending -- */

/* The end of a call that Redis has not taken, in our own words. */
static void
redis_fail(struct redis *r, struct queue_call *qc, bool unknown,
    const char *reason)
{
	struct handler_result result = {
		.verdict = HANDLER_RETRY,
		.unknown = unknown,
		.fault = unknown ? HANDLER_FAULT_UNCLEAR : HANDLER_FAULT_DOWN,
	};

	(void)snprintf(result.reason, sizeof(result.reason), "%s", reason);
	queue_call_end(r->calls, qc, &result);
}

/* Its command is sent, perhaps once more. */
static void
redis_send(struct redis *r, struct queue_call *qc)
{
	qc->tag = redis_session_send(r->session, qc->bytes, qc->len, &qc->mark);
	if (qc->tag == 0)
		redis_fail(r, qc, false, "out of memory");
	else
		queue_call_sent(r->calls, qc);
}

/* Send what waits, if there is somebody who listens. */
static void
redis_pump(struct redis *r)
{
	struct queue_call *qc;

	while (redis_session_is_up(r->session) && !r->silent && !r->moving &&
	       (qc = queue_calls_waiting(r->calls)) != NULL)
		redis_send(r, qc);
}

static enum handler_verdict
redis_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct redis *r = (struct redis *)h;
	struct queue_call *qc;
	enum handler_verdict verdict;
	struct message m;
	void *bytes = NULL;
	size_t len;

	verdict = message_make(&m, r->env, &r->signer, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	if (redis_entry_make(&r->stream, r->sha, &m, &bytes, &len) == -1 ||
	    (qc = queue_call_add(r->calls, job->call)) == NULL) {
		free(bytes);
		message_fini(&m);
		return (message_no_memory(ret_result));
	}
	message_fini(&m);
	qc->bytes = bytes;
	qc->len = len;
	link_want(redis_session_link(r->session));
	return (HANDLER_PENDING);
}

static void
redis_flush(struct handler_instance *h)
{
	struct redis *r = (struct redis *)h;

	redis_pump(r);
	redis_session_flush(r->session);
}

static void
redis_cancel(struct handler_instance *h, struct handler_call *call)
{
	struct redis *r = (struct redis *)h;

	queue_calls_cancel(r->calls, call);
}

/* queue_late_fn */
static void
redis_late_cb(void *arg, struct queue_call *qc)
{
	struct redis *r = arg;
	struct link *l = redis_session_link(r->session);
	const char *failure = link_last_failure(l);
	char reason[HANDLER_REASON_MAX], limit[NET_CLOCK_TEXT_MAX];

	(void)net_clock_text(r->timeout_ms, limit);
	if (qc->sent && !link_has_left(l, qc->mark)) {
		/* It must not leave later, when it is tried anew. */
		link_drop(l, "%s has read nothing for %s", r->name, limit);
		return;
	}
	if (qc->sent) {
		r->silent = true;
		(void)snprintf(reason, sizeof(reason),
		    "%s has not answered within %s", r->name, limit);
	} else if (failure != NULL) {
		(void)snprintf(reason, sizeof(reason),
		    "not sent within %s: %.180s", limit, failure);
	} else {
		(void)snprintf(reason, sizeof(reason),
		    "not sent within %s: %s is %s", limit, r->name,
		    r->silent ? "silent" : link_state_name(link_state(l)));
	}
	redis_fail(r, qc, qc->sent, reason);
}

/* -- Answers -- */

/* The script is not there, so nothing was done: once more, and it with it. */
static bool
redis_again(struct redis *r, struct queue_call *qc)
{
	if (qc->more != NULL || (qc->more = calloc(1, 1)) == NULL)
		return (false);
	/* A load that came behind this command has mended it. */
	if (qc->tag > r->loaded) {
		uint64_t number = redis_session_load(r->session);

		if (number == 0)
			return (false);
		r->loaded = number;
	}
	redis_send(r, qc);
	return (true);
}

/* It was answered with an error. */
static void
redis_refused(struct redis *r, struct queue_call *qc, const char *error)
{
	const struct redis_ruling *ruling = redis_ruling_of(error);
	struct handler_result result = { .code = 0 };

	if (strncmp(error, "NOSCRIPT", 8) == 0 && redis_again(r, qc))
		return;
	r->moving = r->moving || ruling->reconnect;
	redis_verdict(ruling, r->name, error, &result);
	result.answer = error;
	result.answer_len = strlen(error);
	queue_call_end(r->calls, qc, &result);
}

/* It was answered, with what should be the id of its entry. */
static void
redis_accepted(struct redis *r, struct queue_call *qc,
    const struct redis_answer *answer)
{
	struct handler_result result = { .verdict = HANDLER_DONE };
	char text[REDIS_ADDED_MAX];

	switch (redis_entry_added(&r->stream, answer, text)) {
	case REDIS_ADDED:
	case REDIS_ADDED_BEFORE:
		result.answer = text;
		result.answer_len = strlen(text);
		break;
	case REDIS_ADDED_NOT:
		result.verdict = HANDLER_RETRY;
		result.fault = HANDLER_FAULT_JOB;
		result.unknown = true;
		(void)snprintf(result.reason, sizeof(result.reason),
		    "%s answered what is no entry's id; does another program "
		    "use the keys of this stream?",
		    r->name);
		break;
	}
	queue_call_end(r->calls, qc, &result);
}

/* redis_session_calls */
static void
redis_answered_cb(void *arg, uint64_t number, const struct redis_answer *answer)
{
	struct redis *r = arg;
	struct queue_call *qc = queue_calls_sent(r->calls);

	r->silent = false;
	while (qc != NULL && qc->tag != number)
		qc = TAILQ_NEXT(qc, next);
	if (qc != NULL && answer->value.kind == REDIS_ERROR)
		redis_refused(r, qc, answer->value.text);
	else if (qc != NULL)
		redis_accepted(r, qc, answer);
	if (r->moving && queue_calls_sent(r->calls) == NULL)
		link_drop(redis_session_link(r->session),
		    "another server may stand at its address by now");
	redis_pump(r);
}

/* redis_session_calls */
static void
redis_up_cb(void *arg)
{
	struct redis *r = arg;

	r->loaded = 0;
	redis_pump(r);
}

/* Those that wait have no server to go to. */
static void
redis_give_up(struct redis *r, const struct redis_session_end *end)
{
	struct handler_result result = { .verdict = HANDLER_RETRY,
		.fault = HANDLER_FAULT_DOWN };
	struct queue_call *qc;

	if (end->refused != NULL) {
		redis_verdict(redis_ruling_of(end->refused), r->name,
		    end->refused, &result);
		result.answer = end->refused;
		result.answer_len = strlen(end->refused);
	} else {
		(void)snprintf(result.reason, sizeof(result.reason), "%.255s",
		    end->link->reason);
	}
	while ((qc = queue_calls_waiting(r->calls)) != NULL)
		queue_call_end(r->calls, qc, &result);
}

/* redis_session_calls */
static void
redis_down_cb(void *arg, const struct redis_session_end *end)
{
	struct redis *r = arg;
	struct link *l = redis_session_link(r->session);
	struct queue_call *qc;

	r->silent = false;
	r->moving = false;
	while ((qc = queue_calls_sent(r->calls)) != NULL)
		redis_fail(r, qc, link_has_left(l, qc->mark),
		    end->link->reason);
	/* What was not sent yet may have better luck at once. */
	if (end->link->fault != LINK_LOST)
		redis_give_up(r, end);
	else if (queue_calls_waiting(r->calls) != NULL)
		link_want(l);
}

static const struct redis_session_calls redis_calls = {
	.up = redis_up_cb,
	.answered = redis_answered_cb,
	.down = redis_down_cb,
};

static int
redis_inspect(struct handler_instance *h, const struct handler_inspection *in)
{
	struct redis *r = (struct redis *)h;

	r->look = redis_look_new(r->env->base, r->session, &r->stream, in);
	return (r->look == NULL ? -1 : 0);
}

static bool
redis_connected(const struct handler_instance *h)
{
	const struct redis *r = (const struct redis *)h;

	return (redis_session_is_up(r->session));
}

static void
redis_hurry(struct handler_instance *h)
{
	struct redis *r = (struct redis *)h;

	link_hurry(redis_session_link(r->session));
}

static const struct handler_lasting redis_lasting = {
	.connected = redis_connected,
	.hurry = redis_hurry,
};

/* -- An instance -- */

static void
redis_close(struct handler_instance *h)
{
	struct redis *r = (struct redis *)h;

	if (r == NULL)
		return;
	redis_look_free(r->look);
	redis_session_free(r->session);
	queue_calls_free(r->calls);
	if (r->tls != NULL)
		r->env->tls_close(r->env->arg, r->tls);
	message_signer_fini(&r->signer);
	free((void *)r->stream.name);
	free(r->name);
	free(r);
}

/* Copy the settings. Returns 0; -1 when out of memory. */
static int
redis_copy(struct redis *r, const struct redis_settings *set)
{
	r->stream.dedup_ms = set->dedup_ms;
	r->stream.maxlen = set->maxlen;
	if ((r->stream.name = strdup(set->stream)) == NULL ||
	    redis_entry_sha(r->sha) == -1)
		return (-1);
	return (message_signer_init(&r->signer, &set->sign_secret));
}

/* Make the session. Returns 0, or -1 and a reason. */
static int
redis_connect(struct redis *r, const struct redis_settings *set,
    char reason[HANDLER_REASON_MAX])
{
	struct broker_url url;
	char why[HANDLER_REASON_MAX];

	if (broker_url_parse(set->url, broker_schemes_redis, &url, why) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "url %.230s", why);
		return (-1);
	}
	if (!url.scheme->tls || (r->tls = r->env->tls_open(r->env->arg,
				     &set->tls, reason)) != NULL) {
		const struct redis_account account = {
			.user = url.user,
			.password = set->password.bytes,
			.password_len = set->password.len,
			/* A slash with nothing behind it says no more than
			   none. */
			.database = url.rest == NULL || url.rest[0] == '\0'
					? NULL
					: url.rest,
			.name = r->name,
			.script =
			    r->stream.dedup_ms == 0 ? NULL : redis_entry_script,
		};
		const struct link_options opt = {
			.env = r->env,
			.tls = r->tls,
			.host = url.host,
			.port = url.port,
			.connect_ms = r->timeout_ms - r->timeout_ms / 3,
			.keepalive_ms = KEEPALIVE_MS,
		};
		r->session = redis_session_new(&opt, &account, &redis_calls, r);
	}
	broker_url_fini(&url);
	return (r->session == NULL ? -1 : 0);
}

static struct handler_instance *
redis_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	struct redis *r;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->base.type = &handler_redis;
	r->env = env;
	r->timeout_ms = opt->timeout_ms;
	if ((r->name = strdup(opt->name)) == NULL ||
	    redis_copy(r, opt->settings) == -1 ||
	    (r->calls = queue_calls_new(env, opt->timeout_ms, redis_late_cb,
		 r)) == NULL ||
	    redis_connect(r, opt->settings, reason) == -1) {
		redis_close(&r->base);
		return (NULL);
	}
	return (&r->base);
}

/* -- What the configuration may say -- */

/* key_check_fn */
static int
redis_check_stream(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const char *stream = *(char **)value;

	(void)dir;
	if (redis_entry_name_ok(stream))
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX,
	    "has braces that are not around a part of it");
	return (-1);
}

/* key_check_fn */
static int
redis_check_url(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct broker_url url;
	bool number;

	if (outlet_check_redis_url(value, dir, reason) == -1)
		return (-1);
	if (broker_url_parse(*(char **)value, broker_schemes_redis, &url,
		why) == -1) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
		return (-1);
	}
	number = url.rest == NULL ||
		 (url.rest[strspn(url.rest, "0123456789")] == '\0' &&
		     strlen(url.rest) <= DATABASE_DIGITS);
	broker_url_fini(&url);
	if (number)
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX,
	    "ends in a database that is no number");
	return (-1);
}

static bool
is_rediss(const struct redis_settings *set)
{
	return (broker_url_is_tls(set->url, broker_schemes_redis));
}

static const struct handler_tls_files *
redis_tls(const void *settings)
{
	const struct redis_settings *set = settings;

	return (is_rediss(set) ? &set->tls : NULL);
}

static void
redis_check(void *settings, const struct handler_check *c)
{
	struct redis_settings *set = settings;

	outlet_check_tls(&set->tls, is_rediss(set), c);
}

static void
redis_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	const struct redis_settings *set = settings;

	(void)snprintf(ret_text, HANDLER_REASON_MAX, "%.180s, stream %.60s",
	    set->url, set->stream);
}

#define IN_REDIS(field) offsetof(struct redis_settings, field)

static const struct key redis_keys[] = {
	{ "handler.url", KEY_URL, IN_REDIS(url), .flags = KEY_REQUIRED,
	    .check = redis_check_url, .value = "URL",
	    .example = "rediss://klikitd@redis.example/0",
	    .text = "Where Redis is: redis[s]://[USER@]HOST[:PORT][/DATABASE]. "
		    "What passes by itself is tried again; wrong rights and "
		    "names pause the handler." },
	OUTLET_PASSWORD_KEY(struct redis_settings, password),
	{ "handler.stream", KEY_NAME, IN_REDIS(stream), .flags = KEY_REQUIRED,
	    .check = redis_check_stream, .value = "KEY", .example = "orders",
	    .text = "The stream that entries are added to. Each has a field "
		    "body and one for each attribute." },
	{ "handler.dedup", KEY_DURATION, IN_REDIS(dedup_ms), .def = "24h",
	    .max = DEDUP_MAX_MS, .value = "DURATION",
	    .text = "How long Redis knows a job that is sent again, and adds "
		    "no second entry; at least max_age. 0: each is added." },
	{ "handler.maxlen", KEY_INT, IN_REDIS(maxlen), .def = "0",
	    .max = INT64_C(1000000000000), .value = "NUMBER",
	    .text = "Keep about so many entries, and drop the oldest, also "
		    "those that nobody has read. 0: keep all." },
	OUTLET_SIGN_KEY(struct redis_settings, sign_secret),
	OUTLET_TLS_KEYS(struct redis_settings, tls),
	{ 0 },
};

const struct handler handler_redis = {
	.type = "redis",
	.text = "adds to a stream of Redis",
	.example = "kitchen",
	.keys = redis_keys,
	.settings_size = sizeof(struct redis_settings),
	.check = redis_check,
	.target = redis_target,
	.tls = redis_tls,
	.ordered = true,
	.outlet = true,
	.timeout = "5s",
	.concurrency = "16",
	.per_order = true,
	.shared_files = 2, /* two addresses tried at once */
	.open = redis_open,
	.run = redis_run,
	.flush = redis_flush,
	.inspect = redis_inspect,
	.lasting = &redis_lasting,
	.cancel = redis_cancel,
	.close = redis_close,
};
