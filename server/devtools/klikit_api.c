/*
 * A request is a control request (/fake/...), or one of klikit's. Of the latter
 * the fault that is due comes first, then the credentials, then the call. The
 * credentials also choose the dialect: klikit's site has Basic and pages, its
 * older documents bearer tokens and cursors.
 */
#include "server/devtools/klikit_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "server/devtools/klikit_api_private.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "store/base/base64.h"

#define BASE "/v1/partner/orders"
#define CONTROL "/fake/"
#define REQUESTS_MAX 10000
#define AUTH_MAX 512

static const char portal[] =
    "<!doctype html><title>Welcome</title><p>Please log in to the Wi-Fi.\n";

struct klikit_api *
klikit_api_new(void)
{
	struct klikit_api *api = calloc(1, sizeof(*api));

	if (api == NULL)
		return (NULL);
	api->orders = klikit_orders_new();
	api->faults = klikit_faults_new();
	api->requests = json_array();
	api->replays = json_object();
	api->credentials = json_pack("{s:s, s:s, s:s}", "key", "test-key",
	    "secret", "test-secret", "token", "test-token");
	if (api->orders != NULL && api->faults != NULL &&
	    api->requests != NULL && api->replays != NULL &&
	    api->credentials != NULL)
		return (api);
	klikit_api_free(api);
	return (NULL);
}

void
klikit_api_free(struct klikit_api *api)
{
	if (api == NULL)
		return;
	klikit_orders_free(api->orders);
	klikit_faults_free(api->faults);
	json_decref(api->requests);
	json_decref(api->replays);
	json_decref(api->credentials);
	free(api);
}

/* -- Credentials -- */

static const char *
credential(const struct klikit_api *api, const char *name)
{
	return (json_string_value(json_object_get(api->credentials, name)));
}

/* Who asks? In KLIKIT_NOBODY's case the answer is made. */
static enum klikit_dialect
check_credentials(const struct klikit_api *api, struct klikit_call_now *now)
{
	const char *given = now->req->authorization;
	char pair[AUTH_MAX], text[BASE64_SIZE(AUTH_MAX)];
	int len = snprintf(pair, sizeof(pair), "%s:%s", credential(api, "key"),
	    credential(api, "secret"));

	if (given == NULL) {
		klikit_api_error(now, 401, "auth_missing",
		    "no credentials were sent");
		return (KLIKIT_NOBODY);
	}
	if (strncmp(given, "Basic ", 6) == 0 && len < AUTH_MAX) {
		(void)base64_encode(pair, (size_t)len, text);
		if (strcmp(given + 6, text) == 0)
			return (KLIKIT_PAGES);
	} else if (strncmp(given, "Bearer ", 7) == 0 &&
		   strcmp(given + 7, credential(api, "token")) == 0) {
		return (KLIKIT_CURSORS);
	}
	klikit_api_error(now, 401, "auth_invalid_credential",
	    "these credentials are not known");
	return (KLIKIT_NOBODY);
}

/* -- klikit's requests -- */

static void
answer_order(struct klikit_api *api, struct klikit_call_now *now)
{
	json_t *order = klikit_orders_find(api->orders, now->order);

	if (order == NULL)
		klikit_api_error(now, 404, "resource_not_found",
		    "no such order");
	else
		klikit_api_data(now, json_deep_copy(order));
}

/* The fault that is due. Is the answer made by that? */
static bool
is_made_by_fault(const struct klikit_fault *fault, struct klikit_call_now *now)
{
	switch (fault->kind) {
	case KLIKIT_FAULT_STATUS:
		klikit_api_error(now, fault->status,
		    fault->status == 429 ? "rate_limited" : "internal",
		    "a fault, as asked");
		now->retry_after_s = fault->retry_after_s;
		return (true);
	case KLIKIT_FAULT_HTML:
		now->status = 200;
		now->html = true;
		return (true);
	case KLIKIT_FAULT_DROP:
		now->silent = true;
		return (true);
	case KLIKIT_FAULT_LOST:
		now->silent = true;
		return (false);
	case KLIKIT_FAULT_SLOW:
		now->delay_ms = fault->delay_ms;
		return (false);
	case KLIKIT_FAULT_EMPTY:
	case KLIKIT_FAULT_SIZE:
	case KLIKIT_FAULT_NONE:
		break;
	}
	return (false);
}

/*
 * Which call is it? Returns 0, with the order's id if it is about one; -1: it
 * is none, and the answer is made.
 */
static int
find_call(struct klikit_call_now *now, const char *path,
    enum klikit_call *ret_call)
{
	const char *rest = path + strlen(BASE), *end;
	bool get = strcmp(now->req->method, "GET") == 0;

	if (strncmp(path, BASE, strlen(BASE)) != 0 ||
	    (*rest != '\0' && *rest != '/'))
		goto none;
	if (*rest == '\0') {
		*ret_call = KLIKIT_CALL_LIST;
		if (get)
			return (0);
		goto method;
	}
	end = strchrnul(++rest, '/');
	if (end == rest || end - rest >= (ptrdiff_t)sizeof(now->order))
		goto none;
	memcpy(now->order, rest, (size_t)(end - rest));
	if (*end == '\0' && get) {
		*ret_call = KLIKIT_CALL_ORDER;
		return (0);
	}
	*ret_call = KLIKIT_CALL_STATUS;
	if (strcmp(end, "/status") == 0) {
		if (strcmp(now->req->method, "PATCH") == 0)
			return (0);
		goto method;
	}
none:
	klikit_api_error(now, 404, "resource_not_found", "no such path");
	return (-1);
method:
	klikit_api_error(now, 405, "request_invalid", "not by that method");
	return (-1);
}

static void
answer_call(struct klikit_api *api, struct klikit_call_now *now,
    const char *path, const struct evkeyvalq *query)
{
	struct klikit_fault fault;
	enum klikit_call call;

	(void)snprintf(now->id, sizeof(now->id), "req_%06" PRIu64,
	    ++api->nrequests);
	if (find_call(now, path, &call) == -1)
		return;
	fault = klikit_faults_take(api->faults, call);
	if (is_made_by_fault(&fault, now) ||
	    (now->dialect = check_credentials(api, now)) == KLIKIT_NOBODY)
		return;
	switch (call) {
	case KLIKIT_CALL_LIST:
		klikit_api_list(api, now, query, &fault);
		break;
	case KLIKIT_CALL_ORDER:
		answer_order(api, now);
		break;
	case KLIKIT_CALL_STATUS:
		klikit_api_status(api, now);
		break;
	}
}

/* What it was asked, for who tests. */
static void
note_request(struct klikit_api *api, const struct klikit_call_now *now)
{
	static const char *const who[] = {
		[KLIKIT_NOBODY] = "no",
		[KLIKIT_PAGES] = "basic",
		[KLIKIT_CURSORS] = "bearer",
	};
	const struct klikit_api_request *req = now->req;
	json_t *o = json_object();

	(void)json_set_text(o, "request_id", now->id);
	(void)json_set_text(o, "method", req->method);
	(void)json_set_text(o, "uri", req->uri);
	(void)json_set_text(o, "auth", who[now->dialect]);
	(void)json_set_text(o, "key", req->key);
	(void)json_set_bytes(o, "body", req->body, req->body_len);
	(void)json_set_int(o, "answer", now->silent ? 0 : now->status);
	if (json_array_size(api->requests) == REQUESTS_MAX)
		(void)json_array_remove(api->requests, 0);
	(void)json_array_append_new(api->requests, o);
}

/* -- What it is told to do -- */

/* Put a body's JSON to where it belongs. Returns NULL, or what is wrong. */
static const char *
control_put(struct klikit_api *api, const char *what, const json_t *json)
{
	if (strcmp(what, "orders") == 0)
		return (klikit_orders_put(api->orders, json));
	if (strcmp(what, "faults") == 0)
		return (klikit_faults_put(api->faults, json));
	if (!json_is_string(json_object_get(json, "key")) ||
	    !json_is_string(json_object_get(json, "secret")) ||
	    !json_is_string(json_object_get(json, "token")))
		return ("credentials are {\"key\", \"secret\", \"token\"}");
	json_decref(api->credentials);
	api->credentials = json_deep_copy(json);
	return (NULL);
}

static json_t *
control_get(const struct klikit_api *api, const char *what)
{
	const struct klikit_filter all = { .from_ms = INT64_MIN,
		.to_ms = INT64_MAX };
	struct klikit_page page = { .size = SIZE_MAX };

	if (strcmp(what, "orders") == 0)
		return (klikit_orders_list(api->orders, &all, &page));
	if (strcmp(what, "faults") == 0)
		return (klikit_faults_list(api->faults));
	if (strcmp(what, "requests") == 0)
		return (json_incref(api->requests));
	return (json_incref(api->credentials));
}

/* Forget all of it. Returns NULL, or what is wrong. */
static const char *
control_delete(struct klikit_api *api, const char *what)
{
	json_t *none = json_array();
	const char *wrong = NULL;

	if (strcmp(what, "orders") == 0) {
		klikit_orders_clear(api->orders);
		(void)json_object_clear(api->replays);
	} else if (strcmp(what, "requests") == 0)
		(void)json_array_clear(api->requests);
	else if (strcmp(what, "faults") == 0)
		wrong = klikit_faults_put(api->faults, none);
	else
		wrong = "credentials can only be changed";
	json_decref(none);
	return (wrong);
}

static void
answer_control(struct klikit_api *api, struct klikit_call_now *now,
    const char *what)
{
	const struct klikit_api_request *req = now->req;
	bool put = strcmp(req->method, "PUT") == 0;
	const char *wrong = "not by that method";
	json_t *json;

	now->status = 200;
	if (strcmp(what, "orders") != 0 && strcmp(what, "faults") != 0 &&
	    strcmp(what, "credentials") != 0 &&
	    (put || strcmp(what, "requests") != 0)) {
		wrong = "there are /fake/orders, /fake/faults, "
			"/fake/credentials and, to read, /fake/requests";
	} else if (strcmp(req->method, "GET") == 0) {
		now->json = control_get(api, what);
		return;
	} else if (strcmp(req->method, "DELETE") == 0) {
		wrong = control_delete(api, what);
	} else if (put) {
		json = json_loadb(req->body, req->body_len, 0, NULL);
		wrong = json == NULL ? "the body is no JSON"
				     : control_put(api, what, json);
		json_decref(json);
	}
	if (wrong == NULL) {
		now->json = json_object();
		return;
	}
	now->status = 400;
	now->json = json_pack("{s:s}", "error", wrong);
}

/* -- The whole -- */

int
klikit_api_is_control(const char *uri)
{
	return (strncmp(uri, CONTROL, strlen(CONTROL)) == 0);
}

static void
give(const struct klikit_call_now *now, struct klikit_api_answer *ret)
{
	*ret = (struct klikit_api_answer){
		.status = now->silent ? 0 : now->status,
		.type = now->html ? "text/html" : "application/json",
		.body = now->silent ? strdup("")
			: now->html ? strdup(portal)
				    : json_dumps(now->json, JSON_COMPACT),
		.delay_ms = now->delay_ms,
		.retry_after_s = now->retry_after_s,
	};
	(void)snprintf(ret->cursor, sizeof(ret->cursor), "%s", now->cursor);
}

void
klikit_api_answer(struct klikit_api *api, const struct klikit_api_request *req,
    struct klikit_api_answer *ret)
{
	struct klikit_call_now now = { .req = req, .now_ms = clock_wall_ms() };
	struct evhttp_uri *uri = evhttp_uri_parse(req->uri);
	struct evkeyvalq query = { 0 };
	const char *path = uri == NULL ? "" : evhttp_uri_get_path(uri);

	if (klikit_api_is_control(req->uri)) {
		answer_control(api, &now, path + strlen(CONTROL));
	} else {
		if (uri == NULL || evhttp_uri_get_query(uri) == NULL ||
		    evhttp_parse_query_str(evhttp_uri_get_query(uri), &query) ==
			-1)
			(void)evhttp_parse_query_str("", &query);
		answer_call(api, &now, path, &query);
		note_request(api, &now);
	}
	give(&now, ret);
	evhttp_clear_headers(&query);
	if (uri != NULL)
		evhttp_uri_free(uri);
	json_decref(now.json);
}
