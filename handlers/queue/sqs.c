/*
 * The handler of type "sqs": each job is one message in a queue of Amazon SQS.
 * run() makes the message, flush() sends what has gathered (sqs_sender.c).
 */
#include "handlers/queue/sqs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/body/message.h"
#include "handlers/net/outlet_keys.h"
#include "handlers/queue/sqs_inspect.h"
#include "handlers/queue/sqs_sender.h"

#define FIFO ".fifo"
#define NAME_MAX_LEN 80 /* of a queue */
#define CALLS_MIN 4     /* batches at once, if there are jobs for them */

struct sqs_settings {
	char *queue_url;
	char *region;
	char *endpoint;
	char *profile;
	char *credentials_file;
	struct key_secret sign_secret;
	struct handler_tls_files tls;
};

struct sqs {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: the calls are not https */
	struct sqs_client *client;
	struct sqs_sender *sender;
	struct sqs_inspect *inspect; /* NULL: nobody looks at the queue */
	struct message_signer signer;
	char *queue_url;
	int64_t timeout_ms;
	bool fifo;
};

/* -- What the settings say -- */

/* An empty setting is none. */
static const char *
set_or_null(const char *value)
{
	return (value == NULL || value[0] == '\0' ? NULL : value);
}

static const char *
calls_url(const struct sqs_settings *set)
{
	const char *endpoint = set_or_null(set->endpoint);

	return (endpoint != NULL ? endpoint : set->queue_url);
}

static bool
is_https(const char *url)
{
	return (url != NULL && strncasecmp(url, "https:", 6) == 0);
}

/* The last part of the queue's URL; NULL: it has none that could be a name. */
static const char *
queue_name(const char *path)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_";
	const char *name = strrchr(path, '/') + 1;
	size_t len = strspn(name, characters);

	if (len == 0 || strlen(name) > NAME_MAX_LEN ||
	    (name[len] != '\0' && strcmp(name + len, FIFO) != 0))
		return (NULL);
	return (name);
}

static bool
is_fifo(const char *queue_url)
{
	size_t len = strlen(queue_url), end = strlen(FIFO);

	return (len > end && strcmp(queue_url + len - end, FIFO) == 0);
}

static struct aws_settings
aws_settings_of(const struct sqs_settings *set)
{
	return ((struct aws_settings){ .profile = set_or_null(set->profile),
	    .file = set_or_null(set->credentials_file) });
}

/* -- An instance -- */

static void
sqs_close(struct handler_instance *h)
{
	struct sqs *s = (struct sqs *)h;

	if (s == NULL)
		return;
	sqs_inspect_free(s->inspect);
	sqs_sender_free(s->sender);
	sqs_client_free(s->client);
	if (s->tls != NULL)
		s->env->tls_close(s->env->arg, s->tls);
	message_signer_fini(&s->signer);
	free(s->queue_url);
	free(s);
}

/* The region that calls are signed for. Returns 0, or -1 and a reason. */
static int
sqs_find_region(const struct sqs *s, const struct sqs_settings *set,
    char ret_region[AWS_REGION_MAX + 1], char reason[HANDLER_REASON_MAX])
{
	const struct aws_settings aws = aws_settings_of(set);
	struct http_client_url url;
	int rc = -1;

	if (set_or_null(set->region) != NULL) {
		(void)snprintf(ret_region, AWS_REGION_MAX + 1, "%s",
		    set->region);
		return (0);
	}
	if (http_client_url_parse(set->queue_url, &url, reason) == 0) {
		rc = aws_region_of_host(url.host, ret_region);
		http_client_url_fini(&url);
	}
	if (rc == -1)
		rc = aws_region_of_env(s->env, &aws, ret_region);
	if (rc == -1)
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "region is not set, and neither the host of queue_url, "
		    "AWS_REGION nor the profile names one");
	return (rc);
}

/* Make the client. Returns 0, or -1 and a reason. */
static int
sqs_connect(struct sqs *s, const struct sqs_settings *set, size_t calls,
    char reason[HANDLER_REASON_MAX])
{
	const struct handler_env *env = s->env;
	char region[AWS_REGION_MAX + 1], why[HANDLER_REASON_MAX];
	struct http_client_url url;
	struct sqs_client_options opt = {
		.env = env,
		.url = &url,
		.region = region,
		.credentials = aws_settings_of(set),
		.max_idle = calls,
	};

	if (sqs_find_region(s, set, region, reason) == -1)
		return (-1);
	if (http_client_url_parse(calls_url(set), &url, why) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "url %.230s", why);
		return (-1);
	}
	/* Calls go to the root; the queue's path is an address only. */
	(void)strcpy(url.path, "/");
	if (!url.tls ||
	    (s->tls = env->tls_open(env->arg, &set->tls, reason)) != NULL) {
		opt.tls = s->tls;
		s->client = sqs_client_new(&opt);
	}
	http_client_url_fini(&url);
	return (s->client == NULL ? -1 : 0);
}

static struct handler_instance *
sqs_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	const struct sqs_settings *set = opt->settings;
	size_t calls = opt->concurrency / SQS_BATCH_MAX;
	struct sqs_sender_options sender = { .env = env,
		.queue_url = set->queue_url,
		.timeout_ms = opt->timeout_ms };
	struct sqs *s;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->base.type = &handler_sqs;
	s->env = env;
	s->timeout_ms = opt->timeout_ms;
	s->fifo = is_fifo(set->queue_url);
	sender.calls_max = calls < CALLS_MIN ? CALLS_MIN : calls;
	if ((s->queue_url = strdup(set->queue_url)) == NULL ||
	    message_signer_init(&s->signer, &set->sign_secret) == -1 ||
	    sqs_connect(s, set, sender.calls_max, reason) == -1 ||
	    (sender.client = s->client, s->sender = sqs_sender_new(&sender)) ==
		NULL) {
		sqs_close(&s->base);
		return (NULL);
	}
	return (&s->base);
}

/* -- A job -- */

/* Hand the message over. Returns PENDING, or the job's verdict. */
static enum handler_verdict
sqs_take(struct sqs *s, const struct message *m, const struct handler_job *job,
    struct handler_result *ret_result)
{
	enum handler_verdict verdict = HANDLER_PENDING;
	struct sqs_entry entry;

	if (sqs_entry_make(&entry, m, job->ev, s->fifo) == -1) {
		verdict = message_no_memory(ret_result);
	} else if (entry.size > SQS_SIZE_MAX) {
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "too large for SQS: %zu bytes with its attributes; it "
		    "takes %d",
		    entry.size, SQS_SIZE_MAX);
		verdict = HANDLER_DEAD;
	} else if (sqs_sender_add(s->sender, job->call, &entry) == -1) {
		verdict = message_no_memory(ret_result);
	}
	sqs_entry_fini(&entry);
	return (verdict);
}

static enum handler_verdict
sqs_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct sqs *s = (struct sqs *)h;
	enum handler_verdict verdict;
	struct message m;

	verdict = message_make(&m, s->env, &s->signer, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	verdict = sqs_take(s, &m, job, ret_result);
	message_fini(&m);
	return (verdict);
}

static void
sqs_flush(struct handler_instance *h)
{
	sqs_sender_flush(((struct sqs *)h)->sender);
}

static void
sqs_cancel(struct handler_instance *h, struct handler_call *call)
{
	sqs_sender_cancel(((struct sqs *)h)->sender, call);
}

static int
sqs_look(struct handler_instance *h, const struct handler_inspection *in)
{
	struct sqs *s = (struct sqs *)h;
	const struct sqs_inspect_options opt = { .client = s->client,
		.queue_url = s->queue_url,
		.fifo = s->fifo,
		.timeout_ms = s->timeout_ms };

	s->inspect = sqs_inspect_new(&opt, in);
	return (s->inspect == NULL ? -1 : 0);
}

/* -- What the configuration may say -- */

static const struct handler_tls_files *
sqs_tls(const void *settings)
{
	const struct sqs_settings *set = settings;

	return (is_https(calls_url(set)) ? &set->tls : NULL);
}

static void
sqs_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	const struct sqs_settings *set = settings;
	const char *endpoint = set_or_null(set->endpoint);

	(void)snprintf(ret_text, HANDLER_REASON_MAX, "%.150s%s%.90s",
	    set->queue_url, endpoint == NULL ? "" : " by ",
	    endpoint == NULL ? "" : endpoint);
}

static void
sqs_check(void *settings, const struct handler_check *c)
{
	struct sqs_settings *set = settings;

	outlet_check_tls(&set->tls, is_https(calls_url(set)), c);
	if (c->files && set_or_null(set->credentials_file) != NULL) {
		char reason[KEY_REASON_MAX], *bytes;
		size_t len;

		if (c->read_file(c->arg, set->credentials_file, &bytes, &len,
			reason) == -1) {
			c->wrong(c->arg, "credentials_file", reason);
			return;
		}
		explicit_bzero(bytes, len);
		free(bytes);
	}
}

/* Of a KEY_URL: is it that of a queue? */
static int
check_queue_url(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;
	int rc = 0;

	(void)dir;
	if (http_client_url_parse(*(char **)value, &url, why) == -1) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
		return (-1);
	}
	if (queue_name(url.path) == NULL) {
		(void)snprintf(reason, KEY_REASON_MAX,
		    "does not end in the name of a queue, as in "
		    "https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE");
		rc = -1;
	}
	http_client_url_fini(&url);
	return (rc);
}

/* Of a KEY_URL: is it a host and no more? */
static int
check_endpoint(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;
	const char *text = *(char **)value;
	int rc = 0;

	(void)dir;
	if (set_or_null(text) == NULL)
		return (0);
	if (http_client_url_parse(text, &url, why) == -1) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
		return (-1);
	}
	if (strcmp(url.path, "/") != 0) {
		(void)snprintf(reason, KEY_REASON_MAX,
		    "must not have a path: it is http[s]://HOST:PORT");
		rc = -1;
	}
	http_client_url_fini(&url);
	return (rc);
}

/* Of a KEY_NAME: does it look like a region? */
static int
check_region(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const char *text = *(char **)value;

	(void)dir;
	if (text == NULL ||
	    (strlen(text) <= AWS_REGION_MAX &&
		text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] ==
		    '\0'))
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX,
	    "is no region such as eu-west-1");
	return (-1);
}

#define IN_SQS(field) offsetof(struct sqs_settings, field)

static const struct key sqs_keys[] = {
	{ "handler.queue_url", KEY_URL, IN_SQS(queue_url),
	    .flags = KEY_REQUIRED, .check = check_queue_url, .value = "URL",
	    .example =
		"https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo",
	    .text = "The queue. In one whose name ends in .fifo the messages "
		    "of an order are a group, and the idempotency key is the "
		    "deduplication id." },
	{ "handler.region", KEY_NAME, IN_SQS(region), .def = "",
	    .check = check_region, .value = "REGION", .example = "eu-west-1",
	    .text = "The queue's region. Else that in the host of queue_url, "
		    "else AWS_REGION, AWS_DEFAULT_REGION or that of the "
		    "profile." },
	{ "handler.endpoint", KEY_URL, IN_SQS(endpoint), .def = "",
	    .check = check_endpoint, .value = "URL",
	    .example = "https://vpce-1a2b.sqs.eu-west-1.vpce.amazonaws.com",
	    .text = "Where calls go, in place of the host of queue_url: a VPC "
		    "endpoint, or an emulator." },
	{ "handler.profile", KEY_NAME, IN_SQS(profile), .def = "",
	    .value = "NAME", .example = "shop",
	    .text = "Profile of AWS's shared files that has the credentials. "
		    "Without this and credentials_file they come from the "
		    "environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
		    "AWS_SESSION_TOKEN), the profile AWS_PROFILE or default, "
		    "the container or the machine (IMDSv2)." },
	{ "handler.credentials_file", KEY_PATH, IN_SQS(credentials_file),
	    .def = "", .value = "FILE", .example = "/etc/klikitd/aws",
	    .exposed = "who reads it can call AWS as klikitd does",
	    .text = "File with the credentials, in the form of "
		    "~/.aws/credentials and in place of it." },
	OUTLET_SIGN_KEY(struct sqs_settings, sign_secret),
	OUTLET_TLS_KEYS(struct sqs_settings, tls),
	{ 0 },
};

const struct handler handler_sqs = {
	.type = "sqs",
	.text = "hands over to a queue of Amazon SQS",
	.example = "aws",
	.keys = sqs_keys,
	.settings_size = sizeof(struct sqs_settings),
	.check = sqs_check,
	.target = sqs_target,
	.tls = sqs_tls,
	.ordered = true,
	.outlet = true,
	.timeout = "10s",
	.concurrency = "40",
	.per_order = true,
	.files = 3, /* two addresses tried at once, and one kept for reuse */
	.open = sqs_open,
	.run = sqs_run,
	.flush = sqs_flush,
	.inspect = sqs_look,
	.cancel = sqs_cancel,
	.close = sqs_close,
};
