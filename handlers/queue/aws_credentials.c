/*
 * A search goes through the places in their order. Those in memory and in files
 * answer at once; the metadata services take up to three calls, one after the
 * other, and what each answers decides on the next.
 */
#include "handlers/queue/aws_credentials.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/net/http_client.h"
#include "store/base/timeval.h"

#define CALL_MS 1000             /* that a metadata service has */
#define AHEAD_MS (5 * 60 * 1000) /* so long before they end: renewed */
#define AGAIN_MS (60 * 1000)     /* if that fails */
#define RENEW_MAX_MS (12 * 3600000LL)
#define ANSWER_ROOM 16384
#define URL_MAX 1024
#define TOKEN_MAX 4096 /* that goes into a header */
#define ROLE_MAX 128
#define CONTAINER_HOST "http://169.254.170.2"
#define MACHINE "http://169.254.169.254"
#define MACHINE_V6 "http://[fd00:ec2::254]"
#define ROLES "/latest/meta-data/iam/security-credentials/"

enum step {
	STEP_NONE,
	STEP_CONTAINER, /* its credentials are asked for */
	STEP_TOKEN,     /* the machine's token, without which it says nothing */
	STEP_ROLE,      /* the name of its role */
	STEP_KEYS       /* the role's credentials */
};

struct aws_credentials {
	const struct handler_env *env;
	struct aws_settings set; /* owned */
	aws_credentials_fn *done;
	void *arg;
	struct event *ended; /* made active: a search has ended */
	struct event *renew; /* the time to look anew */

	struct aws_keys keys;
	bool found;
	unsigned changes;
	const char *source;
	char failure[HANDLER_REASON_MAX]; /* empty: none */
	bool lasting;

	/* A search under way. */
	bool looking;
	enum step step;
	struct http_client *hc;
	struct http_client_call *call;
	struct handler_tls *tls; /* of a container's https */
	char token[TOKEN_MAX];   /* the machine's */
	char role[ROLE_MAX + 1];
	char *room; /* ANSWER_ROOM bytes, while a call is under way */
};

/* -- The end of a search -- */

static void
arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	(void)evtimer_add(timer, &tv);
}

static void
search_end(struct aws_credentials *c)
{
	c->step = STEP_NONE;
	explicit_bzero(c->token, sizeof(c->token));
	event_active(c->ended, EV_READ, 0);
}

static void __attribute__((format(printf, 3, 4)))
search_fail(struct aws_credentials *c, bool lasting, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->failure, sizeof(c->failure), format, ap);
	va_end(ap);
	c->lasting = lasting;
	if (c->found && c->keys.expires_ms != 0)
		arm(c->renew, AGAIN_MS);
	search_end(c);
}

/* They are there; keys are wiped. */
static void
search_found(struct aws_credentials *c, struct aws_keys *keys,
    const char *source)
{
	int64_t left_ms;

	if (!c->found || memcmp(keys, &c->keys, sizeof(*keys)) != 0)
		c->changes++;
	c->found = true;
	c->keys = *keys;
	c->source = source;
	c->failure[0] = '\0';
	aws_keys_wipe(keys);
	if (c->keys.expires_ms != 0) {
		left_ms =
		    c->keys.expires_ms - c->env->now_ms(c->env->arg) - AHEAD_MS;
		arm(c->renew, left_ms < AGAIN_MS       ? AGAIN_MS
			      : left_ms > RENEW_MAX_MS ? RENEW_MAX_MS
						       : left_ms);
	} else {
		(void)evtimer_del(c->renew);
	}
	search_end(c);
}

/* event: tell who asked, from the loop. */
static void
ended_cb(evutil_socket_t fd, short what, void *arg)
{
	struct aws_credentials *c = arg;

	(void)fd;
	(void)what;
	c->looking = false;
	c->done(c->arg);
}

/* evtimer: they end soon. */
static void
renew_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	aws_credentials_look(arg);
}

/* -- Calls to the metadata services -- */

static void step_done_cb(const struct http_client_answer *answer, void *arg);

static void
step_close(struct aws_credentials *c)
{
	if (c->call != NULL)
		http_client_cancel(c->call);
	c->call = NULL;
	http_client_free(c->hc);
	c->hc = NULL;
	if (c->tls != NULL)
		c->env->tls_close(c->env->arg, c->tls);
	c->tls = NULL;
	if (c->room != NULL)
		explicit_bzero(c->room, ANSWER_ROOM);
	free(c->room);
	c->room = NULL;
}

/* Is http enough to send a token there? As AWS's own programs judge. */
static bool
is_trusted_host(const char *host)
{
	static const char *const hosts[] = { "localhost", "169.254.170.2",
		"169.254.170.23", "fd00:ec2::23", "::1" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (strcmp(host, hosts[i]) == 0)
			return (true);
	}
	return (strncmp(host, "127.", 4) == 0 &&
		host[strspn(host, "0123456789.")] == '\0');
}

/* A client for one URL. Returns 0, or -1 and a reason. */
static int
step_client(struct aws_credentials *c, const char *text, char *reason)
{
	static const struct handler_tls_files none;
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;

	if (http_client_url_parse(text, &url, why) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "its URL %.200s",
		    why);
		return (-1);
	}
	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if (c->step == STEP_CONTAINER && !url.tls && !is_trusted_host(url.host))
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "its URL is neither https nor this machine's");
	else if (!url.tls || (c->tls = c->env->tls_open(c->env->arg, &none,
				  reason)) != NULL)
		c->hc = http_client_new(c->env, &url, c->tls, 0);
	http_client_url_fini(&url);
	return (c->hc == NULL ? -1 : 0);
}

/* Ask for it, with at most one header. Returns 0, or -1 and a reason. */
static int
step_send(struct aws_credentials *c, const char *url,
    enum http_client_method method, const char *header, char *reason)
{
	const char *const headers[] = { header };
	struct http_client_request req = {
		.method = method,
		.headers = headers,
		.nheaders = header == NULL ? 0 : 1,
		.body = "",
		.room_size = ANSWER_ROOM,
		.timeout_ms = CALL_MS,
	};

	if (step_client(c, url, reason) == -1)
		return (-1);
	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((req.room = c->room = malloc(ANSWER_ROOM)) == NULL)
		return (-1);
	c->call = http_client_post(c->hc, &req, step_done_cb, c);
	return (c->call == NULL ? -1 : 0);
}

/* -- The container -- */

/* One line of a file, without the newline. Returns 0, or -1. */
static int
read_token_file(const char *path, char ret_token[TOKEN_MAX])
{
	FILE *in = fopen(path, "re");
	size_t len;

	if (in == NULL)
		return (-1);
	setvbuf(in, NULL, _IONBF, 0); /* no copy of it is left */
	len = fread(ret_token, 1, TOKEN_MAX - 1, in);
	(void)fclose(in);
	ret_token[len] = '\0';
	ret_token[strcspn(ret_token, "\r\n")] = '\0';
	return (ret_token[0] == '\0' ? -1 : 0);
}

static void
container_ask(struct aws_credentials *c, const char *url)
{
	const char *path =
	    aws_variable(c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token =
	    aws_variable(c->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char header[TOKEN_MAX + 32], reason[HANDLER_REASON_MAX];

	c->step = STEP_CONTAINER;
	if (path != NULL && read_token_file(path, c->token) == -1) {
		search_fail(c, true,
		    "no AWS credentials: the file that "
		    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names has no "
		    "token");
		return;
	}
	if (path != NULL)
		token = c->token;
	(void)snprintf(header, sizeof(header), "Authorization: %s",
	    token == NULL ? "" : token);
	if (step_send(c, url, HTTP_CLIENT_GET, token == NULL ? NULL : header,
		reason) == -1) {
		step_close(c);
		search_fail(c, true,
		    "no AWS credentials: the container's metadata service: "
		    "%.150s",
		    reason);
	}
	explicit_bzero(header, sizeof(header));
}

/* Is there one? Then it is asked. */
static bool
container_look(struct aws_credentials *c)
{
	const char *full =
	    aws_variable(c->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *relative =
	    aws_variable(c->env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	char url[URL_MAX];

	if (relative != NULL) {
		(void)snprintf(url, sizeof(url), "%s%s%s", CONTAINER_HOST,
		    relative[0] == '/' ? "" : "/", relative);
		full = url;
	}
	if (full == NULL)
		return (false);
	container_ask(c, full);
	return (true);
}

/* -- The machine -- */

static void
machine_ask(struct aws_credentials *c, enum step step, const char *path,
    enum http_client_method method, const char *header)
{
	const char *host =
	    aws_variable(c->env, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode =
	    aws_variable(c->env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	char url[URL_MAX], reason[HANDLER_REASON_MAX];
	size_t len;

	if (host == NULL)
		host = mode != NULL && strcasecmp(mode, "IPv6") == 0
			   ? MACHINE_V6
			   : MACHINE;
	len = strlen(host);
	while (len > 0 && host[len - 1] == '/')
		len--;
	(void)snprintf(url, sizeof(url), "%.*s%s", (int)len, host, path);
	c->step = step;
	if (step_send(c, url, method, header, reason) == -1) {
		step_close(c);
		search_fail(c, true,
		    "no AWS credentials: the machine's metadata service: "
		    "%.150s",
		    reason);
	}
}

/* With the token that the machine has given. */
static void
machine_get(struct aws_credentials *c, enum step step, const char *path)
{
	char header[TOKEN_MAX + 32];

	(void)snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s",
	    c->token);
	machine_ask(c, step, path, HTTP_CLIENT_GET, header);
	explicit_bzero(header, sizeof(header));
}

/* -- What they answer -- */

/* One word of an answer, of those characters. Returns 0, or -1. */
static int
take_word(const char *bytes, size_t len, size_t max, char *ret_word)
{
	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	if (len == 0 || len > max)
		return (-1);
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] <= ' ' || bytes[i] > '~')
			return (-1);
	}
	memcpy(ret_word, bytes, len);
	ret_word[len] = '\0';
	return (0);
}

/* The first role; there is one at most. */
static int
take_role(struct aws_credentials *c, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);

	if (end != NULL)
		len = (size_t)(end - bytes);
	if (take_word(bytes, len, ROLE_MAX, c->role) == -1 ||
	    strpbrk(c->role, "/?#%") != NULL)
		return (-1);
	return (0);
}

/* Credentials, from a container or a machine. */
static void
take_keys(struct aws_credentials *c, const char *bytes, size_t len,
    const char *source)
{
	struct aws_keys keys;

	if (aws_keys_read(bytes, len, &keys) == 0)
		search_found(c, &keys, source);
	else
		search_fail(c, false,
		    "no AWS credentials: what %s answered are none", source);
}

/* The answer was no 200, or none. */
static void
step_failed(struct aws_credentials *c, enum step step,
    const struct http_client_answer *answer)
{
	bool lasting = step == STEP_ROLE && answer->status == 404;
	const char *what = step == STEP_CONTAINER ? "container's" : "machine's";

	if (lasting)
		search_fail(c, true,
		    "no AWS credentials: none in the environment or the "
		    "profile %.60s, and the machine has no role: give it one, "
		    "or set credentials_file",
		    aws_files_profile(c->env, &c->set));
	else if (answer->end == HTTP_CLIENT_ANSWERED)
		search_fail(c, false,
		    "no AWS credentials: the %s metadata service answered %d",
		    what, answer->status);
	else if (step == STEP_CONTAINER)
		search_fail(c, false,
		    "no AWS credentials: the container's metadata service: "
		    "%.150s",
		    answer->reason);
	else
		search_fail(c, false,
		    "no AWS credentials: none in the environment or the "
		    "profile %.40s (set credentials_file), and no metadata "
		    "service: %.90s",
		    aws_files_profile(c->env, &c->set), answer->reason);
}

/* The next step, or the end. */
static void
step_answered(struct aws_credentials *c, enum step step, const char *bytes,
    size_t len)
{
	char path[sizeof(ROLES) + ROLE_MAX];

	switch (step) {
	case STEP_CONTAINER:
		take_keys(c, bytes, len, "the container's metadata service");
		return;
	case STEP_KEYS:
		take_keys(c, bytes, len, "the machine's metadata service");
		return;
	case STEP_TOKEN:
		if (take_word(bytes, len, TOKEN_MAX - 1, c->token) == -1)
			break;
		machine_get(c, STEP_ROLE, ROLES);
		return;
	case STEP_ROLE:
		if (take_role(c, bytes, len) == -1)
			break;
		(void)snprintf(path, sizeof(path), "%s%s", ROLES, c->role);
		machine_get(c, STEP_KEYS, path);
		return;
	case STEP_NONE:
		return;
	}
	search_fail(c, false,
	    "no AWS credentials: what the machine's metadata service answered "
	    "makes no sense");
}

/* http_client: a call has ended. */
static void
step_done_cb(const struct http_client_answer *answer, void *arg)
{
	struct aws_credentials *c = arg;
	enum step step = c->step;
	char *room = c->room;

	c->call = NULL;
	c->room = NULL;
	step_close(c); /* the next one goes elsewhere */
	if (answer->end == HTTP_CLIENT_ANSWERED && answer->status == 200)
		step_answered(c, step, room, answer->body_len);
	else
		step_failed(c, step, answer);
	explicit_bzero(room, ANSWER_ROOM);
	free(room);
}

/* -- The places in their order -- */

/* The environment. Returns whether the search has ended by that. */
static bool
environment_look(struct aws_credentials *c)
{
	const char *id = aws_variable(c->env, "AWS_ACCESS_KEY_ID");
	const char *secret = aws_variable(c->env, "AWS_SECRET_ACCESS_KEY");
	struct aws_keys keys;

	if (id == NULL && secret == NULL)
		return (false);
	if (aws_keys_set(&keys, id, secret,
		aws_variable(c->env, "AWS_SESSION_TOKEN")) == 0)
		search_found(c, &keys, "the environment");
	else
		search_fail(c, true,
		    "no AWS credentials: AWS_ACCESS_KEY_ID, "
		    "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the "
		    "environment are not whole");
	return (true);
}

/* The profile has no key, or none of use: is that the end? */
static bool
files_lack(struct aws_credentials *c, const struct aws_profile *p)
{
	const char *name = aws_files_profile(c->env, &c->set);
	bool only = c->set.profile != NULL || c->set.file != NULL;

	if (p->odd || (p->id[0] != '\0') != (p->secret[0] != '\0'))
		search_fail(c, true,
		    "no AWS credentials: those of the profile %.60s are not "
		    "whole",
		    name);
	else if (p->beyond != NULL)
		search_fail(c, true,
		    "no AWS credentials: the profile %.60s has %s, which "
		    "klikitd does not use: give it keys, or a role to the "
		    "machine",
		    name, p->beyond);
	else if (only)
		search_fail(c, true,
		    "no AWS credentials: there is no profile %.60s with keys "
		    "in the files: see to profile and credentials_file",
		    name);
	else
		return (false);
	return (true);
}

/* AWS's shared files. Likewise. */
static bool
files_look(struct aws_credentials *c)
{
	char reason[HANDLER_REASON_MAX];
	struct aws_profile *p;
	struct aws_keys keys;
	bool ended = true;

	if ((p = malloc(sizeof(*p))) == NULL) {
		search_fail(c, false, "no AWS credentials: out of memory");
		return (true);
	}
	if (aws_files_read(c->env, &c->set, p, reason) == -1)
		search_fail(c, true, "no AWS credentials: %.200s", reason);
	else if (!p->odd &&
		 aws_keys_set(&keys, p->id, p->secret, p->token) == 0)
		search_found(c, &keys, "the shared files");
	else
		ended = files_lack(c, p);
	aws_profile_wipe(p);
	free(p);
	return (ended);
}

static void
machine_look(struct aws_credentials *c)
{
	const char *off = aws_variable(c->env, "AWS_EC2_METADATA_DISABLED");

	if (off != NULL && strcasecmp(off, "true") == 0)
		search_fail(c, true,
		    "no AWS credentials: none in the environment or the "
		    "profile %.60s: set credentials_file",
		    aws_files_profile(c->env, &c->set));
	else
		machine_ask(c, STEP_TOKEN, "/latest/api/token", HTTP_CLIENT_PUT,
		    "X-aws-ec2-metadata-token-ttl-seconds: 21600");
}

void
aws_credentials_look(struct aws_credentials *c)
{
	bool named = c->set.profile != NULL || c->set.file != NULL;

	if (c->looking)
		return;
	c->looking = true;
	if (!named && environment_look(c))
		return;
	if (files_look(c))
		return;
	if (!container_look(c))
		machine_look(c);
}

/* -- Its life -- */

struct aws_credentials *
aws_credentials_new(const struct handler_env *env,
    const struct aws_settings *set, aws_credentials_fn *done, void *arg)
{
	struct aws_credentials *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->env = env;
	c->done = done;
	c->arg = arg;
	if ((set->profile != NULL &&
		(c->set.profile = strdup(set->profile)) == NULL) ||
	    (set->file != NULL && (c->set.file = strdup(set->file)) == NULL) ||
	    (c->ended = event_new(env->base, -1, 0, ended_cb, c)) == NULL ||
	    (c->renew = evtimer_new(env->base, renew_cb, c)) == NULL) {
		aws_credentials_free(c);
		return (NULL);
	}
	aws_credentials_look(c);
	return (c);
}

void
aws_credentials_free(struct aws_credentials *c)
{
	if (c == NULL)
		return;
	step_close(c);
	if (c->ended != NULL)
		event_free(c->ended);
	if (c->renew != NULL)
		event_free(c->renew);
	free((void *)(uintptr_t)c->set.profile);
	free((void *)(uintptr_t)c->set.file);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

bool
aws_credentials_looks(const struct aws_credentials *c)
{
	return (c->looking);
}

const struct aws_keys *
aws_credentials_keys(const struct aws_credentials *c)
{
	return (c->found ? &c->keys : NULL);
}

unsigned
aws_credentials_changes(const struct aws_credentials *c)
{
	return (c->changes);
}

const char *
aws_credentials_failure(const struct aws_credentials *c, bool *ret_lasting)
{
	*ret_lasting = c->lasting;
	return (c->failure[0] == '\0' ? NULL : c->failure);
}

const char *
aws_credentials_source(const struct aws_credentials *c)
{
	return (c->source);
}
