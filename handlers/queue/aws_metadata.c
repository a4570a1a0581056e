#include "handlers/queue/aws_metadata.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/net/http_client.h"
#include "handlers/queue/aws_files.h"

#define CALL_MS 1000 /* that each call has */
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

struct aws_metadata {
	const struct handler_env *env;
	aws_metadata_fn *done;
	void *arg;
	enum step step;
	struct http_client *hc;
	struct http_client_call *call;
	struct handler_tls *tls; /* of a container's https */
	char token[TOKEN_MAX];   /* the machine's */
	char role[ROLE_MAX + 1];
	char *room; /* ANSWER_ROOM bytes, while a call is under way */
};

/* -- The end -- */

static const char *
source_of(enum step step)
{
	return (step == STEP_CONTAINER ? "the container's metadata service"
				       : "the machine's metadata service");
}

/* Hand over the keys, if there are any. */
static void
metadata_end(struct aws_metadata *m, struct aws_keys *keys, const char *reason,
    bool lasting)
{
	const struct aws_metadata_end end = { .keys = keys,
		.source = source_of(m->step),
		.reason = reason,
		.lasting = lasting };

	m->step = STEP_NONE;
	explicit_bzero(m->token, sizeof(m->token));
	m->done(&end, m->arg);
}

static void __attribute__((format(printf, 3, 4)))
metadata_fail(struct aws_metadata *m, bool lasting, const char *format, ...)
{
	char reason[HANDLER_REASON_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	metadata_end(m, NULL, reason, lasting);
}

/* -- Calls -- */

static void step_done_cb(const struct http_client_answer *answer, void *arg);

static void
step_close(struct aws_metadata *m)
{
	if (m->call != NULL)
		http_client_cancel(m->call);
	m->call = NULL;
	http_client_free(m->hc);
	m->hc = NULL;
	if (m->tls != NULL)
		m->env->tls_close(m->env->arg, m->tls);
	m->tls = NULL;
	if (m->room != NULL)
		explicit_bzero(m->room, ANSWER_ROOM);
	free(m->room);
	m->room = NULL;
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
step_client(struct aws_metadata *m, const char *text, char *reason)
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
	if (m->step == STEP_CONTAINER && !url.tls && !is_trusted_host(url.host))
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "its URL is neither https nor this machine's");
	else if (!url.tls || (m->tls = m->env->tls_open(m->env->arg, &none,
				  reason)) != NULL)
		m->hc = http_client_new(m->env, &url, m->tls, 0);
	http_client_url_fini(&url);
	return (m->hc == NULL ? -1 : 0);
}

/* Ask for it, with at most one header. Returns 0, or -1 and a reason. */
static int
step_send(struct aws_metadata *m, const char *url,
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

	if (step_client(m, url, reason) == -1)
		return (-1);
	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((req.room = m->room = malloc(ANSWER_ROOM)) == NULL)
		return (-1);
	m->call = http_client_post(m->hc, &req, step_done_cb, m);
	return (m->call == NULL ? -1 : 0);
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
container_ask(struct aws_metadata *m, const char *url)
{
	const char *path =
	    aws_variable(m->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token =
	    aws_variable(m->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char header[TOKEN_MAX + 32], reason[HANDLER_REASON_MAX];

	m->step = STEP_CONTAINER;
	if (path != NULL && read_token_file(path, m->token) == -1) {
		metadata_fail(m, true,
		    "the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE "
		    "names has no token");
		return;
	}
	if (path != NULL)
		token = m->token;
	(void)snprintf(header, sizeof(header), "Authorization: %s",
	    token == NULL ? "" : token);
	if (step_send(m, url, HTTP_CLIENT_GET, token == NULL ? NULL : header,
		reason) == -1) {
		step_close(m);
		metadata_fail(m, true,
		    "the container's metadata service: %.150s", reason);
	}
	explicit_bzero(header, sizeof(header));
}

/* Its URL; NULL: the environment names none. */
static const char *
container_url(const struct aws_metadata *m, char room[URL_MAX])
{
	const char *relative =
	    aws_variable(m->env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");

	if (relative == NULL)
		return (
		    aws_variable(m->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
	(void)snprintf(room, URL_MAX, "%s%s%s", CONTAINER_HOST,
	    relative[0] == '/' ? "" : "/", relative);
	return (room);
}

/* -- The machine -- */

static void
machine_ask(struct aws_metadata *m, enum step step, const char *path,
    enum http_client_method method, const char *header)
{
	const char *host =
	    aws_variable(m->env, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode =
	    aws_variable(m->env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
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
	m->step = step;
	if (step_send(m, url, method, header, reason) == -1) {
		step_close(m);
		metadata_fail(m, true, "the machine's metadata service: %.150s",
		    reason);
	}
}

/* With the token that the machine has given. */
static void
machine_get(struct aws_metadata *m, enum step step, const char *path)
{
	char header[TOKEN_MAX + 32];

	(void)snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s",
	    m->token);
	machine_ask(m, step, path, HTTP_CLIENT_GET, header);
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
take_role(struct aws_metadata *m, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);

	if (end != NULL)
		len = (size_t)(end - bytes);
	if (take_word(bytes, len, ROLE_MAX, m->role) == -1 ||
	    strpbrk(m->role, "/?#%") != NULL)
		return (-1);
	return (0);
}

/* Credentials, from a container or a machine. */
static void
take_keys(struct aws_metadata *m, const char *bytes, size_t len)
{
	struct aws_keys keys;

	if (aws_keys_read(bytes, len, &keys) == 0)
		metadata_end(m, &keys, NULL, false);
	else
		metadata_fail(m, false, "what %s answered are none",
		    source_of(m->step));
	aws_keys_wipe(&keys);
}

/* The answer was no 200, or none. */
static void
step_failed(struct aws_metadata *m, const struct http_client_answer *answer)
{
	if (m->step == STEP_ROLE && answer->status == 404)
		metadata_fail(m, true, "the machine has no role: give it one");
	else if (answer->end == HTTP_CLIENT_ANSWERED)
		metadata_fail(m, false, "%s answered %d", source_of(m->step),
		    answer->status);
	else
		metadata_fail(m, false, "%s: %.150s", source_of(m->step),
		    answer->reason);
}

/* The next step, or the end. */
static void
step_answered(struct aws_metadata *m, const char *bytes, size_t len)
{
	char path[sizeof(ROLES) + ROLE_MAX];

	switch (m->step) {
	case STEP_CONTAINER:
	case STEP_KEYS:
		take_keys(m, bytes, len);
		return;
	case STEP_TOKEN:
		if (take_word(bytes, len, TOKEN_MAX - 1, m->token) == -1)
			break;
		machine_get(m, STEP_ROLE, ROLES);
		return;
	case STEP_ROLE:
		if (take_role(m, bytes, len) == -1)
			break;
		(void)snprintf(path, sizeof(path), "%s%s", ROLES, m->role);
		machine_get(m, STEP_KEYS, path);
		return;
	case STEP_NONE:
		return;
	}
	metadata_fail(m, false, "what %s answered makes no sense",
	    source_of(m->step));
}

/* http_client: a call has ended. */
static void
step_done_cb(const struct http_client_answer *answer, void *arg)
{
	struct aws_metadata *m = arg;
	char *room = m->room;

	m->call = NULL;
	m->room = NULL;
	step_close(m); /* the next one goes elsewhere */
	if (answer->end == HTTP_CLIENT_ANSWERED && answer->status == 200)
		step_answered(m, room, answer->body_len);
	else
		step_failed(m, answer);
	explicit_bzero(room, ANSWER_ROOM);
	free(room);
}

/* -- What is asked of it -- */

bool
aws_metadata_is_container(const struct aws_metadata *m)
{
	char room[URL_MAX];

	return (container_url(m, room) != NULL);
}

void
aws_metadata_ask(struct aws_metadata *m)
{
	char room[URL_MAX];
	const char *url = container_url(m, room);

	if (url != NULL)
		container_ask(m, url);
	else
		machine_ask(m, STEP_TOKEN, "/latest/api/token", HTTP_CLIENT_PUT,
		    "X-aws-ec2-metadata-token-ttl-seconds: 21600");
}

struct aws_metadata *
aws_metadata_new(const struct handler_env *env, aws_metadata_fn *done,
    void *arg)
{
	struct aws_metadata *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return (NULL);
	m->env = env;
	m->done = done;
	m->arg = arg;
	return (m);
}

void
aws_metadata_free(struct aws_metadata *m)
{
	if (m == NULL)
		return;
	step_close(m);
	explicit_bzero(m, sizeof(*m));
	free(m);
}
