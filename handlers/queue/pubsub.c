/*
 * The handler of type "pubsub". What is sent stands in pubsub_batch.c, how in
 * pubsub_publish.c; here are its keys, and an instance.
 */
#include "handlers/queue/pubsub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/net/outlet_keys.h"
#include "handlers/queue/google_account.h"
#include "handlers/queue/google_credentials.h"
#include "handlers/queue/pubsub_batch.h"
#include "handlers/queue/pubsub_inspect.h"
#include "handlers/queue/pubsub_names.h"
#include "handlers/queue/pubsub_publish.h"
#include "handlers/queue/rsa_sign.h"

#define ENDPOINT "https://pubsub.googleapis.com"
#define AUDIENCE "https://pubsub.googleapis.com/" /* of any endpoint */
#define METADATA_MS 5000
#define IDLE_MAX 8 /* connections kept: a request carries many messages */

struct pubsub_settings {
	char *project;
	char *topic;
	struct key_secret credentials; /* the file's bytes; none: metadata */
	bool unordered;                /* without ordering keys */
	char *endpoint;
	struct key_secret sign_secret;
	struct handler_tls_files tls;
};

struct pubsub {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	char *project;
	char *topic;
	bool unordered;
	int64_t timeout_ms;
	struct message_signer signer;
	struct http_client_url url;
	struct handler_tls *tls;                /* NULL: http */
	struct google_credentials *credentials; /* NULL: an emulator */
	struct pubsub_publisher *publisher;
	struct pubsub_inspection *inspection; /* NULL: it publishes */
};

/* -- Where to, and as whom -- */

/* "HOST:PORT" of an emulator; NULL: there is none. */
static const char *
emulator_host(void)
{
	const char *host = getenv("PUBSUB_EMULATOR_HOST");

	return (host == NULL || host[0] == '\0' ? NULL : host);
}

/* Where the calls go: "https://pubsub.googleapis.com". */
static void
endpoint_of(const struct pubsub_settings *set,
    char ret_text[HANDLER_REASON_MAX])
{
	if (emulator_host() != NULL)
		(void)snprintf(ret_text, HANDLER_REASON_MAX, "http://%s",
		    emulator_host());
	else
		(void)snprintf(ret_text, HANDLER_REASON_MAX, "%s",
		    set->endpoint == NULL ? "" : set->endpoint);
}

/* Returns 0, and the caller owns what is in *ret_url; -1 and a reason. */
static int
endpoint_parse(const struct pubsub_settings *set,
    struct http_client_url *ret_url, char reason[HANDLER_REASON_MAX])
{
	char text[HANDLER_REASON_MAX];

	endpoint_of(set, text);
	return (http_client_url_parse(text, ret_url, reason));
}

static bool
is_https(const struct pubsub_settings *set)
{
	char text[HANDLER_REASON_MAX];

	endpoint_of(set, text);
	return (strncasecmp(text, "https:", 6) == 0);
}

/* -- An instance -- */

static void
pubsub_close(struct handler_instance *h)
{
	struct pubsub *ps = (struct pubsub *)h;

	if (ps == NULL)
		return;
	pubsub_inspection_free(ps->inspection);
	pubsub_publisher_free(ps->publisher);
	google_credentials_free(ps->credentials);
	if (ps->tls != NULL)
		ps->env->tls_close(ps->env->arg, ps->tls);
	http_client_url_fini(&ps->url);
	message_signer_fini(&ps->signer);
	free(ps->project);
	free(ps->topic);
	free(ps);
}

/* google_ready_fn */
static void
pubsub_ready_cb(const struct handler_result *failure, void *arg)
{
	struct pubsub *ps = arg;

	if (ps->inspection != NULL)
		pubsub_inspection_ready(ps->inspection, failure);
	else
		pubsub_publisher_ready(ps->publisher, failure);
}

/* Copy the settings. Returns 0; -1 when out of memory. */
static int
pubsub_copy(struct pubsub *ps, const struct pubsub_settings *set)
{
	ps->unordered = set->unordered;
	ps->project = strdup(set->project);
	ps->topic = strdup(set->topic);
	return (ps->project == NULL || ps->topic == NULL
		    ? -1
		    : message_signer_init(&ps->signer, &set->sign_secret));
}

/* Returns 0, or -1 and a reason. */
static int
pubsub_open_credentials(struct pubsub *ps, const struct pubsub_settings *set,
    char reason[HANDLER_REASON_MAX])
{
	const char *metadata = getenv("GCE_METADATA_HOST");
	const struct google_credentials_options opt = {
		.env = ps->env,
		.file = set->credentials.bytes,
		.file_len = set->credentials.len,
		.audience = AUDIENCE,
		.metadata_host = metadata == NULL || metadata[0] == '\0'
				     ? GOOGLE_METADATA_HOST
				     : metadata,
		.timeout_ms = ps->timeout_ms / 2 < METADATA_MS
				  ? ps->timeout_ms / 2
				  : METADATA_MS,
		.ready = pubsub_ready_cb,
		.arg = ps,
	};

	if (emulator_host() != NULL)
		return (0);
	ps->credentials = google_credentials_new(&opt, reason);
	return (ps->credentials == NULL ? -1 : 0);
}

/* Returns 0, or -1 and a reason. */
static int
pubsub_open_publisher(struct pubsub *ps, size_t concurrency)
{
	char path[PUBSUB_PATH_MAX];
	struct http_client_url url = ps->url;
	const struct pubsub_publisher_options opt = {
		.env = ps->env,
		.url = &url,
		.tls = ps->tls,
		.credentials = ps->credentials,
		.max_idle = concurrency < IDLE_MAX ? concurrency : IDLE_MAX,
		.timeout_ms = ps->timeout_ms,
	};

	pubsub_path(ps->project, ps->topic, ":publish", path);
	url.path = path;
	ps->publisher = pubsub_publisher_new(&opt);
	return (ps->publisher == NULL ? -1 : 0);
}

/* Returns 0, or -1 and a reason. */
static int
pubsub_connect(struct pubsub *ps, const struct pubsub_settings *set,
    size_t concurrency, char reason[HANDLER_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];

	if (endpoint_parse(set, &ps->url, why) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "%s %.200s",
		    emulator_host() == NULL ? "endpoint"
					    : "PUBSUB_EMULATOR_HOST",
		    why);
		return (-1);
	}
	if (ps->url.tls && (ps->tls = ps->env->tls_open(ps->env->arg, &set->tls,
				reason)) == NULL)
		return (-1);
	if (pubsub_open_credentials(ps, set, reason) == -1)
		return (-1);
	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	return (pubsub_open_publisher(ps, concurrency));
}

static struct handler_instance *
pubsub_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	struct pubsub *ps;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((ps = calloc(1, sizeof(*ps))) == NULL)
		return (NULL);
	ps->base.type = &handler_pubsub;
	ps->env = env;
	ps->timeout_ms = opt->timeout_ms;
	if (pubsub_copy(ps, opt->settings) == -1 ||
	    pubsub_connect(ps, opt->settings, opt->concurrency, reason) == -1) {
		pubsub_close(&ps->base);
		return (NULL);
	}
	return (&ps->base);
}

/* -- A job -- */

/* Give the message to the publisher. PENDING, or the verdict. */
static enum handler_verdict
pubsub_add(struct pubsub *ps, const struct handler_job *job,
    const struct message *m, struct handler_result *ret_result)
{
	char *key = NULL, *text;
	size_t size, len = 0;

	if (!ps->unordered)
		key = pubsub_ordering_key(m, job->ev);
	size = pubsub_message_size(m, key);
	text = pubsub_message_print(m, key, &len);
	free(key);
	if (size > PUBSUB_MESSAGE_MAX) {
		free(text);
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "the message is too large for Pub/Sub: %zu bytes, and it "
		    "takes %d; unit = order makes smaller ones",
		    size, PUBSUB_MESSAGE_MAX);
		return (HANDLER_DEAD);
	}
	if (text != NULL &&
	    pubsub_publisher_add(ps->publisher, job->call, text, len) == 0)
		return (HANDLER_PENDING);
	free(text);
	return (message_no_memory(ret_result));
}

static enum handler_verdict
pubsub_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct pubsub *ps = (struct pubsub *)h;
	enum handler_verdict verdict;
	struct message m;

	verdict = message_make(&m, ps->env, &ps->signer, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	verdict = pubsub_add(ps, job, &m, ret_result);
	message_fini(&m);
	return (verdict);
}

static void
pubsub_flush(struct handler_instance *h)
{
	pubsub_publisher_flush(((struct pubsub *)h)->publisher);
}

static void
pubsub_cancel(struct handler_instance *h, struct handler_call *call)
{
	pubsub_publisher_cancel(((struct pubsub *)h)->publisher, call);
}

static int
pubsub_inspect(struct handler_instance *h, const struct handler_inspection *in)
{
	struct pubsub *ps = (struct pubsub *)h;
	const struct pubsub_inspection_options opt = {
		.env = ps->env,
		.url = &ps->url,
		.tls = ps->tls,
		.credentials = ps->credentials,
		.project = ps->project,
		.topic = ps->topic,
		.timeout_ms = ps->timeout_ms,
		.in = in,
	};

	ps->inspection = pubsub_inspection_new(&opt);
	return (ps->inspection == NULL ? -1 : 0);
}

/* -- What the configuration may say -- */

static const struct handler_tls_files *
pubsub_tls(const void *settings)
{
	const struct pubsub_settings *set = settings;

	return (is_https(set) ? &set->tls : NULL);
}

static void
pubsub_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	const struct pubsub_settings *set = settings;
	char endpoint[HANDLER_REASON_MAX];

	endpoint_of(set, endpoint);
	(void)snprintf(ret_text, HANDLER_REASON_MAX,
	    "%.80s, projects/%.60s/topics/%.80s", endpoint,
	    set->project == NULL ? "" : set->project,
	    set->topic == NULL ? "" : set->topic);
}

/* Of a KEY_URL: https; or http, to this very machine. */
static int
check_endpoint(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;
	const char *wrong = NULL;

	(void)dir;
	if (http_client_url_parse(*(char **)value, &url, why) == -1) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
		return (-1);
	}
	if (strcmp(url.path, "/") != 0)
		wrong = "must not have a path: https://HOST is all of it";
	else if (!url.tls && strcmp(url.host, "127.0.0.1") != 0 &&
		 strcmp(url.host, "::1") != 0 &&
		 strcmp(url.host, "localhost") != 0)
		wrong = "must begin with https://: a token goes with each call";
	http_client_url_fini(&url);
	if (wrong == NULL)
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX, "%s", wrong);
	return (-1);
}

/* Take the file that the environment names, as Google's own libraries do. */
static void
read_default_file(struct key_secret *file, const struct handler_check *c)
{
	const char *path = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	char why[KEY_REASON_MAX], reason[KEY_REASON_MAX];

	if (file->file != NULL || path == NULL || path[0] == '\0')
		return;
	if (c->read_file(c->arg, path, &file->bytes, &file->len, why) == -1) {
		(void)snprintf(reason, sizeof(reason),
		    "GOOGLE_APPLICATION_CREDENTIALS: %.400s", why);
		c->wrong(c->arg, "credentials_file", reason);
		return;
	}
	file->file = strdup(path);
}

/* Judge the file, and take the project from it if none is configured. */
static void
check_credentials(struct pubsub_settings *set, const struct handler_check *c)
{
	char why[KEY_REASON_MAX], reason[KEY_REASON_MAX];
	struct google_account account;
	int rc;

	read_default_file(&set->credentials, c);
	if (set->credentials.bytes == NULL)
		return;
	rc = google_account_read(set->credentials.bytes, set->credentials.len,
	    &account, why);
	if (rc == 0 && (rc = rsa_sign_judge(account.key, why)) == -1)
		google_account_fini(&account);
	if (rc == -1) {
		(void)snprintf(reason, sizeof(reason), "%.200s: %.300s",
		    set->credentials.file, why);
		c->wrong(c->arg, "credentials_file", reason);
		return;
	}
	if (set->project != NULL && set->project[0] == '\0' &&
	    account.project != NULL) {
		free(set->project);
		set->project = account.project;
		account.project = NULL;
		if (pubsub_check_project(&set->project, NULL, why) == -1)
			c->wrong(c->arg, "project", why);
	}
	google_account_fini(&account);
}

static void
pubsub_check(void *settings, const struct handler_check *c)
{
	struct pubsub_settings *set = settings;
	char reason[HANDLER_REASON_MAX];
	struct http_client_url url;

	if (emulator_host() == NULL) {
		outlet_check_tls(&set->tls, is_https(set), c);
		if (c->files)
			check_credentials(set, c);
	} else if (endpoint_parse(set, &url, reason) == -1) {
		c->wrong(c->arg, "endpoint",
		    "PUBSUB_EMULATOR_HOST in the environment is not "
		    "HOST:PORT");
	} else {
		http_client_url_fini(&url);
	}
	if (c->files && set->project != NULL && set->project[0] == '\0')
		c->wrong(c->arg, "project",
		    "is missing, and there is no credentials_file that names "
		    "one");
}

#define IN_PUBSUB(field) offsetof(struct pubsub_settings, field)

static const struct key pubsub_keys[] = {
	{ "handler.project", KEY_NAME, IN_PUBSUB(project),
	    .check = pubsub_check_project, .def = "", .value = "ID",
	    .example = "my-restaurant",
	    .text = "The topic's project. By default the one that "
		    "credentials_file names." },
	{ "handler.topic", KEY_NAME, IN_PUBSUB(topic), .flags = KEY_REQUIRED,
	    .check = pubsub_check_topic, .value = "NAME", .example = "orders",
	    .text = "The topic to publish to; it must be there." },
	{ "handler.credentials_file", KEY_SECRET, IN_PUBSUB(credentials),
	    .def = "", .value = "FILE",
	    .example = "/etc/klikitd/pubsub-key.json",
	    .exposed = "who reads it can do all that the service account may",
	    .text = "Key of a service account (JSON), as Google hands it "
		    "out. By default the file that the variable "
		    "GOOGLE_APPLICATION_CREDENTIALS names; without that one, "
		    "tokens come from the metadata server of Google's cloud "
		    "(GCE_METADATA_HOST)." },
	{ "handler.ordering_key", KEY_BOOL, IN_PUBSUB(unordered),
	    .def = "order", .value = "order|none",
	    .text = "What a message's ordering key is: the order's id, so "
		    "that a subscription with message ordering delivers the "
		    "events of an order as they came; or none." },
	{ "handler.endpoint", KEY_URL, IN_PUBSUB(endpoint),
	    .check = check_endpoint, .def = ENDPOINT, .value = "URL",
	    .example = "https://europe-west1-pubsub.googleapis.com",
	    .text = "Where Pub/Sub is. Order is kept only among what was "
		    "published in one region: with an ordering key, name the "
		    "endpoint of one. The variable PUBSUB_EMULATOR_HOST "
		    "(HOST:PORT) wins: calls go there by http, without a "
		    "token." },
	OUTLET_SIGN_KEY(struct pubsub_settings, sign_secret),
	OUTLET_TLS_KEYS(struct pubsub_settings, tls),
	{ 0 },
};

const struct handler handler_pubsub = {
	.type = "pubsub",
	.text = "publishes to Google Pub/Sub",
	.example = "pubsub",
	.keys = pubsub_keys,
	.settings_size = sizeof(struct pubsub_settings),
	.check = pubsub_check,
	.target = pubsub_target,
	.tls = pubsub_tls,
	.ordered = true,
	.outlet = true,
	.timeout = "10s",
	.concurrency = "64",
	.per_order = true,
	.files = 3, /* two addresses tried at once, and one kept for reuse */
	.shared_files = 3, /* a token: being signed, or asked for */
	.open = pubsub_open,
	.run = pubsub_run,
	.flush = pubsub_flush,
	.inspect = pubsub_inspect,
	.cancel = pubsub_cancel,
	.close = pubsub_close,
};
