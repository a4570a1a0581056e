#include "server/cli/verb_admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin.h"
#include "server/admin/admin_query.h"
#include "server/admin/entity.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/json.h"
#include "server/base/log.h"
#include "server/cli/live_server.h"
#include "server/cli/verb_input.h"
#include "store/store_read.h"

#define PATH_LEN_MAX 8192

struct verb_admin {
	const char *verb; /* its name, for messages */
	struct config *cfg;
	struct steady clock; /* of a store that no server has */
	struct store *st;
	struct admin *admin;     /* over st */
	struct live_server live; /* its url: a server holds the store */

	/* Of the call under way. */
	const char *about; /* what it is about, for messages; or NULL */
	int status;
	char *body; /* a NUL behind it; NULL: memory was short */
	size_t body_len;
	json_t *object; /* in its place */
};

static void
say(const struct verb_admin *va, const char *text)
{
	fprintf(stderr, "klikitd %s: %s%s%s\n", va->verb,
	    va->about == NULL ? "" : log_text(va->about),
	    va->about == NULL ? "" : ": ", text);
}

/* -- Opening -- */

/* store_note_fn */
static void
note_cb(enum store_note_level level, const char *text, void *arg)
{
	const struct verb_admin *va = arg;

	(void)level;
	fprintf(stderr, "klikitd %s: %s\n", va->verb, log_text(text));
}

static enum store_rc
open_store(struct verb_admin *va, enum store_mode mode, char *reason)
{
	const struct store_options opt = {
		.url = va->cfg->store_url,
		.mode = mode,
		.queue_max = (size_t)va->cfg->store_queue_max,
		.now_ms = clock_wall_ms(),
		.note = note_cb,
		.note_arg = va,
	};

	return (store_open(&opt, &va->st, reason));
}

/* Somebody holds the lock, and the verb changes something. */
static int
need_server(struct verb_admin *va)
{
	char reason[LIVE_SERVER_REASON_MAX];

	if (live_server_find(&va->live, va->cfg, reason) == 0)
		return (0);
	if (va->live.url[0] != '\0')
		say(va, reason);
	else
		fprintf(stderr,
		    "klikitd %s: %s is held by a server without an admin "
		    "listener, or by another verb: %s\n",
		    va->verb, log_text(va->cfg->store_name), reason);
	return (-1);
}

/* admin_fns: the steady clock, where no server keeps it. */
static struct steady_time
now_cb(void *arg)
{
	const struct verb_admin *va = arg;

	return (steady_now(&va->clock));
}

/* admin_fns: what is known of a handler where no server runs. */
static void
live_cb(void *arg, const struct store_handler_info *h,
    struct entity_live *ret_live)
{
	const struct verb_admin *va = arg;

	*ret_live = (struct entity_live){ 0 };
	for (size_t i = 0; i < va->cfg->nhandlers; i++) {
		if (strcmp(va->cfg->handlers[i].name, h->name) == 0)
			ret_live->configured = true;
	}
	config_target(va->cfg, h->name, ret_live->target);
	ret_live->type = config_takes(va->cfg, h->name, ret_live->takes);
}

/* admin_fns: the codes that end an order. */
static size_t
ends_cb(void *arg, const char *const **ret_ends)
{
	const struct verb_admin *va = arg;

	return (config_ends(va->cfg, ret_ends));
}

/* admin_fns: the name of a code. */
static const char *
status_name_cb(void *arg, const char *status)
{
	const struct verb_admin *va = arg;

	return (config_status_name(va->cfg, status));
}

/* admin_fns: a handler's deadline. */
static int64_t
deadline_cb(void *arg, const char *handler)
{
	const struct verb_admin *va = arg;

	return (config_deadline(va->cfg, handler));
}

static int
open_all(struct verb_admin *va, enum verb_intent intent)
{
	const struct admin_fns alone = { .now = now_cb,
		.live = live_cb,
		.ends = ends_cb,
		.status_name = status_name_cb,
		.deadline = deadline_cb,
		.objects = true,
		.arg = va };
	char reason[STORE_REASON_MAX];
	enum store_rc rc = STORE_BUSY;

	if (intent == VERB_CHANGES)
		rc = open_store(va, STORE_CHANGE, reason);
	if (rc == STORE_BUSY && intent == VERB_CHANGES && need_server(va) == -1)
		return (-1);
	if (rc == STORE_BUSY)
		rc = open_store(va, STORE_READ, reason);
	if (rc != STORE_OK) {
		say(va, reason);
		return (-1);
	}
	fprintf(stderr, "store: %s%s%s%s\n", log_text(va->cfg->store_name),
	    va->live.url[0] == '\0' ? "" : " (by way of ", va->live.url,
	    va->live.url[0] == '\0' ? "" : ")");
	if (intent == VERB_CHANGES && va->live.url[0] == '\0' &&
	    clock_watch_read(va->st, &va->clock, reason) != STORE_OK) {
		say(va, reason);
		return (-1);
	}
	if ((va->admin = admin_new(va->st, &alone)) == NULL) {
		say(va, "out of memory");
		return (-1);
	}
	return (0);
}

struct verb_admin *
verb_admin_open(const struct verb_args *args, enum verb_intent intent)
{
	struct verb_admin *va;

	if ((va = calloc(1, sizeof(*va))) == NULL) {
		fprintf(stderr, "klikitd %s: out of memory\n",
		    args->verb->name);
		return (NULL);
	}
	va->verb = args->verb->name;
	va->cfg = verb_config(args, CONFIG_STORE, verb_dev_store(args));
	if (va->cfg == NULL || open_all(va, intent) == -1) {
		verb_admin_close(va);
		return (NULL);
	}
	return (va);
}

void
verb_admin_close(struct verb_admin *va)
{
	if (va == NULL)
		return;
	store_close(va->st);
	admin_free(va->admin);
	live_server_fini(&va->live);
	free(va->body);
	json_decref(va->object);
	config_free(va->cfg);
	free(va);
}

/* -- Asking -- */

static void
take_answer(struct verb_admin *va, int status, const void *body, size_t len)
{
	va->status = status;
	va->body_len = len;
	json_decref(va->object);
	va->object = NULL;
	free(va->body);
	if ((va->body = malloc(len + 1)) == NULL)
		return;
	if (len > 0)
		memcpy(va->body, body, len);
	va->body[len] = '\0';
}

/* admin_done_fn */
static void
answer_cb(const struct admin_answer *answer, void *arg)
{
	struct verb_admin *va = arg;

	take_answer(va, answer->status, answer->body, answer->body_len);
	va->object = json_incref(answer->object);
}

/* Ask the store that this process has open. */
static void
ask_here(struct verb_admin *va, const char *method, const char *path,
    const char *body)
{
	char target[PATH_LEN_MAX];
	struct admin_answer made = { 0 };
	struct admin_request req = { .method = method,
		.path = target,
		.body = body };
	char *query;

	(void)snprintf(target, sizeof(target), "%s", path);
	if ((query = strchr(target, '?')) != NULL) {
		*query = '\0';
		req.query = query + 1;
	}
	if (body != NULL)
		req.body_len = strlen(body);
	if (!admin_call(va->admin, &req, answer_cb, va, &made)) {
		answer_cb(&made, va);
		free(made.body);
		json_decref(made.object);
		return;
	}
	while (admin_pending(va->admin) > 0)
		store_wait(va->st);
}

/* Ask the server: POST body, or GET. Returns 0; -1 and why, if none came. */
static int
ask_server(struct verb_admin *va, const char *path, const char *body,
    char reason[LIVE_SERVER_REASON_MAX])
{
	struct trigger_answer answer;

	if (live_server_ask(&va->live, path, body, &answer, reason) == -1)
		return (-1);
	take_answer(va, answer.status, answer.text, strlen(answer.text));
	return (0);
}

/* The answer, if it is one of success; else NULL, and said why not. */
static char *
check_answer(struct verb_admin *va)
{
	char *body = va->body;
	json_error_t where;
	const char *error;
	json_t *o;

	va->body = NULL;
	if (va->object != NULL) {
		free(body);
		body = json_text(va->object);
	}
	if (va->status == 200 && body != NULL)
		return (body);
	o = body == NULL ? NULL : json_loads(body, 0, &where);
	free(body);
	error = json_string_value(json_object_get(o, "error"));
	if (error == NULL)
		fprintf(stderr, "klikitd %s: the answer cannot be read: %d\n",
		    va->verb, va->status);
	else
		say(va, log_text(error));
	json_decref(o);
	return (NULL);
}

/* The same, parsed. */
static json_t *
parse_answer(struct verb_admin *va)
{
	json_t *o = va->object;
	json_error_t where;
	char *body;

	va->object = NULL;
	if (o != NULL || (body = check_answer(va)) == NULL)
		return (o);
	if ((o = json_loads(body, 0, &where)) == NULL)
		fprintf(stderr, "klikitd %s: the answer cannot be read: %s\n",
		    va->verb, where.text);
	free(body);
	return (o);
}

char *
verb_admin_fetch(struct verb_admin *va, const char *path, size_t *ret_len)
{
	ask_here(va, "GET", path, NULL);
	if (ret_len != NULL)
		*ret_len = va->body_len; /* of bytes, not of an object */
	return (check_answer(va));
}

const struct store_traits *
verb_admin_traits(const struct verb_admin *va)
{
	return (store_traits(va->cfg->store_url));
}

const char *
verb_admin_store(const struct verb_admin *va)
{
	return (va->cfg->store_url);
}

json_t *
verb_admin_get(struct verb_admin *va, const char *path)
{
	ask_here(va, "GET", path, NULL);
	return (parse_answer(va));
}

/* What the running server answers; NULL: there is none, or none that answers.
 */
static json_t *
get_server(struct verb_admin *va, const char *path)
{
	char reason[LIVE_SERVER_REASON_MAX];
	json_error_t where;
	json_t *o = NULL;

	if (!live_server_runs(&va->live, va->cfg, va->st))
		return (NULL);
	if (live_server_find(&va->live, va->cfg, reason) == 0 &&
	    ask_server(va, path, NULL, reason) == 0) {
		(void)snprintf(reason, sizeof(reason), "its answer is %d",
		    va->status);
		if (va->status == 200 && va->body != NULL)
			o = json_loads(va->body, 0, &where);
	}
	if (o == NULL && va->live.url[0] != '\0')
		fprintf(stderr,
		    "klikitd %s: the server does not say what is under way: "
		    "%s\n",
		    va->verb, log_text(reason));
	return (o);
}

json_t *
verb_admin_get_live(struct verb_admin *va, const char *path)
{
	json_t *o = get_server(va, path);

	return (o == NULL ? verb_admin_get(va, path) : o);
}

json_t *
verb_admin_post(struct verb_admin *va, const char *path, json_t *body)
{
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	char reason[LIVE_SERVER_REASON_MAX];
	int rc = 0;

	json_decref(body);
	if (text == NULL) {
		say(va, "out of memory");
		return (NULL);
	}
	if (va->live.url[0] != '\0') {
		if ((rc = ask_server(va, path, text, reason)) == -1)
			say(va, reason);
	} else
		ask_here(va, "POST", path, text);
	free(text);
	return (rc == -1 ? NULL : parse_answer(va));
}

/* Find the running server. Returns 0; -1, said on stderr. */
static int
find_live(struct verb_admin *va)
{
	char reason[LIVE_SERVER_REASON_MAX];

	if (!live_server_runs(&va->live, va->cfg, va->st)) {
		say(va, "no klikitd that serves from this store runs here");
		return (-1);
	}
	if (live_server_find(&va->live, va->cfg, reason) == 0)
		return (0);
	say(va, reason);
	return (-1);
}

json_t *
verb_admin_ask_live(struct verb_admin *va, const char *path)
{
	char reason[LIVE_SERVER_REASON_MAX];

	if (find_live(va) == -1)
		return (NULL);
	if (ask_server(va, path, NULL, reason) == 0)
		return (parse_answer(va));
	say(va, reason);
	return (NULL);
}

json_t *
verb_admin_post_live(struct verb_admin *va, const char *path, json_t *body)
{
	if (find_live(va) == 0)
		return (verb_admin_post(va, path, body));
	json_decref(body);
	return (NULL);
}

json_t *
verb_admin_flag(const struct verb_args *args, const char *name)
{
	const char *value = verb_flag(args, name, 0);
	json_t *o = json_pack("{s:s}", name, value);

	if (o == NULL)
		(void)verb_usage(args, "--%s: \"%s\" is no UTF-8", name,
		    log_text(value));
	return (o);
}

enum verb_exit
verb_admin_do(struct verb_admin *va, const char *word, const char *before,
    const char *after, json_t *body)
{
	char encoded[PATH_LEN_MAX / 2], path[PATH_LEN_MAX];
	json_t *answer;

	if (admin_query_encode(word, encoded, sizeof(encoded)) == -1) {
		json_decref(body);
		fprintf(stderr, "klikitd %s: %s: is too long\n", va->verb,
		    log_text(word));
		return (VERB_FAILED);
	}
	(void)snprintf(path, sizeof(path), "%s%s%s", before, encoded, after);
	va->about = word;
	answer = verb_admin_post(va, path, body);
	va->about = NULL;
	if (answer == NULL)
		return (VERB_FAILED);
	json_decref(answer);
	return (VERB_DONE);
}

const char *
verb_admin_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return (text == NULL ? "-" : text);
}
