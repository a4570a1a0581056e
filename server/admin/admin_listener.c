#include "server/admin/admin_listener.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "server/admin/admin.h"
#include "server/admin/access.h"
#include "server/admin/page.h"
#include "server/admin/metrics_route.h"
#include "server/admin/stream_route.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/http/http_guess.h"
#include "server/http/http_private.h"
#include "server/http/http_turn.h"

#define REQUEST_TIMEOUT_MS 10000
#define IDLE_TIMEOUT_MS 60000
#define READY_MAX 256
#define METRICS_PATH "/metrics"
#define STREAM_PATH "/api/v1/stream"
#define TAG_MAX 32 /* of an ETag */
#define METHODS (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST)

struct admin_listener {
	struct admin *a;
	struct http *http;
	struct stream_route *streams;
	struct metrics *metrics;
	struct access_rules door;
	char *address;
	char *token;
	bool (*ready)(void *arg, struct admin_ready *ret_why);
	const char *(*clock)(void *arg);
	void *arg;
	struct rate refused_rate;
	struct http_guesses guesses;
	struct http_turns turns;
};

static const struct http_answer answer_memory = { 500, "Internal Server Error",
	"{\"error\":\"out of memory\"}" };
static const struct http_answer answer_ok = { 200, "OK",
	"{\"status\":\"ok\"}" };
static const struct http_answer answer_method = { 405, "Method Not Allowed",
	"{\"error\":\"method not allowed\"}" };

static const struct http_answer refusals[] = {
	[ACCESS_BAD_HOST] = { 421, "Misdirected Request",
	    "{\"error\":\"the Host is neither an address of this listener nor "
	    "localhost\"}" },
	[ACCESS_BAD_ORIGIN] = { 403, "Forbidden",
	    "{\"error\":\"requests of other origins are refused\"}" },
	[ACCESS_BAD_SITE] = { 403, "Forbidden",
	    "{\"error\":\"requests of other sites are refused\"}" },
	[ACCESS_BAD_TOKEN] = { 401, "Unauthorized",
	    "{\"error\":\"needs Authorization: Bearer with the token\"}" },
	[ACCESS_TOO_MANY_GUESSES] = { 429, "Too Many Requests",
	    "{\"error\":\"too many wrong tokens came from this address\"}" },
	[ACCESS_BAD_TYPE] = { 415, "Unsupported Media Type",
	    "{\"error\":\"needs Content-Type: application/json\"}" },
};

static const char *
phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 404, "Not Found" },
		{ 304, "Not Modified" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return (phrases[i].text);
	}
	return ("Internal Server Error");
}

/* For nobody's cache and as nothing but what it says it is. */
static void
add_headers(struct evhttp_request *req)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
}

static void
answer(struct http_conn *conn, struct evhttp_request *req,
    const struct http_answer *what)
{
	add_headers(req);
	http_answer(conn, req, what);
}

/*
 * Name the answer's content in an ETag. Has the client that content already
 * (RFC 9110 section 13.1.2)?
 */
static bool
is_known(struct evhttp_request *req, uint64_t tag)
{
	const char *known =
	    evhttp_find_header(evhttp_request_get_input_headers(req),
		"If-None-Match");
	char etag[TAG_MAX];

	if (tag == 0)
		return (false);
	(void)snprintf(etag, sizeof(etag), "\"%016" PRIx64 "\"", tag);
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), "ETag",
	    etag);
	return (known != NULL && strstr(known, etag) != NULL);
}

/* The bytes of an event's body are somebody's: to be kept, not to be shown. */
static void
add_raw_headers(struct evhttp_request *req)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	(void)evhttp_add_header(headers, "Content-Type",
	    "application/octet-stream");
	(void)evhttp_add_header(headers, "Content-Disposition",
	    "attachment; filename=\"body\"");
}

/* Pass on what admin_call() came to. */
static void
answer_admin(struct http_conn *conn, struct evhttp_request *req,
    const struct admin_answer *from)
{
	struct http_answer what = { from->status, phrase(from->status),
		from->body };
	size_t len = from->body_len;

	if (from->body == NULL) {
		answer(conn, req, &answer_memory);
		return;
	}
	if (from->allow != NULL)
		(void)evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Allow", from->allow);
	if (is_known(req, from->tag)) {
		what.code = 304;
		what.reason = phrase(304);
		len = 0;
	}
	add_headers(req);
	if (from->raw && what.code == 200)
		add_raw_headers(req);
	http_answer_bytes(conn, req, &what, from->body, len);
}

/* admin_done_fn: a call that was under way has its answer. */
static void
admin_done_cb(const struct admin_answer *from, void *arg)
{
	struct http_conn *conn = arg;
	struct evhttp_request *req = http_conn_take_kept(conn);

	if (conn->closed) { /* evhttp only frees the request */
		evhttp_send_reply(req, 503, "Service Unavailable", NULL);
		http_conn_release(conn);
		return;
	}
	answer_admin(conn, req, from);
}

/* The same of a question, for which others may wait. */
static void
asked_cb(const struct admin_answer *from, void *arg)
{
	struct http_conn *conn = arg;
	struct http_turns *turns = &conn->h->admin->turns;

	http_turn_end(turns, conn);
	admin_done_cb(from, conn);
	http_turns_pump(turns);
}

static void
call(struct http_conn *conn, struct evhttp_request *req, bool acts)
{
	struct admin_listener *ha = conn->h->admin;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	struct admin_answer made = { 0 };
	struct admin_request r = {
		.method = acts ? "POST" : "GET",
		.path = evhttp_uri_get_path(uri),
		.query = evhttp_uri_get_query(uri),
		.body_len = evbuffer_get_length(body),
	};

	if (acts)
		log_info("admin: %s asks for %s", http_conn_peer(conn),
		    log_text(r.path));
	if (r.body_len > 0)
		r.body = evbuffer_pullup(body, -1);
	if (r.body_len > 0 && r.body == NULL)
		made.status = 500;
	else if (admin_call(ha->a, &r, acts ? admin_done_cb : asked_cb, conn,
		     &made)) {
		http_conn_keep(conn, req);
		return;
	}
	if (!acts)
		http_turn_end(&ha->turns, conn);
	answer_admin(conn, req, &made);
	free(made.body);
}

/* http_turns: it is its turn. */
static void
ask(struct http_conn *conn, struct evhttp_request *req)
{
	call(conn, req, false);
}

/* Add a field to an answer's object, unless it has no value. */
static void
ready_add(char text[READY_MAX], const char *name, const char *value)
{
	size_t len = strlen(text);

	if (value != NULL)
		(void)snprintf(text + len, READY_MAX - len, "%s\"%s\":\"%s\"",
		    len == 0 ? "{" : ",", name, value);
}

static void
readyz(struct http_conn *conn, struct evhttp_request *req)
{
	struct admin_ready found = { .why = "draining" };
	struct admin_listener *ha = conn->h->admin;
	char text[READY_MAX] = "";
	struct http_answer made = { 503, "Service Unavailable", text };

	if (!conn->h->draining && ha->ready(ha->arg, &found)) {
		made.code = 200;
		made.reason = "OK";
		ready_add(text, "status", "ready");
		ready_add(text, "clock", ha->clock(ha->arg));
	} else {
		ready_add(text, "status", found.why);
		ready_add(text, "advice", found.advice);
	}
	ready_add(text, "check", found.check);
	(void)strcat(text, "}");
	answer(conn, req, &made);
}

/* What came with a request, for the door. */
static struct access_request
knock_of(struct http_conn *conn, struct evhttp_request *req)
{
	const struct evkeyvalq *in = evhttp_request_get_input_headers(req);

	return ((struct access_request){
	    .host = evhttp_find_header(in, "Host"),
	    .origin = evhttp_find_header(in, "Origin"),
	    .content_type = evhttp_find_header(in, "Content-Type"),
	    .authorization = evhttp_find_header(in, "Authorization"),
	    .fetch_site = evhttp_find_header(in, "Sec-Fetch-Site"),
	    .fetch_mode = evhttp_find_header(in, "Sec-Fetch-Mode"),
	    .fetch_dest = evhttp_find_header(in, "Sec-Fetch-Dest"),
	    .acts = evhttp_request_get_command(req) == EVHTTP_REQ_POST,
	    .spent = !conn->proven && !http_guess_may(&conn->h->admin->guesses,
					  peer_net_parse(http_conn_peer(conn)),
					  clock_mono_us() / 1000),
	});
}

/* Say why it does not come in: to the client, and to the operator's log. */
static void
turn_away(struct http_conn *conn, struct evhttp_request *req,
    const struct access_request *knock, enum access_rc rc)
{
	struct admin_listener *ha = conn->h->admin;
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);
	char more[RATE_MORE_MAX];

	if (rate_ask(&ha->refused_rate, more))
		log_warn("admin: refused %s: %s %s, host %s, origin %s%s",
		    http_conn_peer(conn), refusals[rc].reason,
		    log_text(evhttp_request_get_uri(req)),
		    log_text(knock->host), log_text(knock->origin), more);
	if (rc == ACCESS_BAD_TOKEN) {
		(void)evhttp_add_header(out, "WWW-Authenticate", "Bearer");
		if (knock->authorization != NULL)
			http_guess_failed(&ha->guesses,
			    peer_net_parse(http_conn_peer(conn)),
			    clock_mono_us() / 1000);
	}
	if (rc == ACCESS_TOO_MANY_GUESSES)
		(void)evhttp_add_header(out, "Retry-After", "1");
	answer(conn, req, &refusals[rc]);
}

/* The door. A connection that came in by the token has proved itself. */
static bool
let_in(struct http_conn *conn, struct evhttp_request *req, bool open)
{
	struct access_request knock = knock_of(conn, req);
	enum access_rc rc;

	knock.open = open;
	knock.links =
	    strcmp(evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req)),
		"/") == 0;
	rc = access_check(&conn->h->admin->door, &knock);
	if (rc != ACCESS_ALLOWED) {
		turn_away(conn, req, &knock, rc);
		return (false);
	}
	if (!open)
		http_conn_prove(conn);
	return (true);
}

/* http_site: every request. */
static void
admin_listener_run(struct http_conn *conn, struct evhttp_request *req)
{
	const char *path =
	    evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	bool health = strcmp(path, "/healthz") == 0;
	bool ready = strcmp(path, "/readyz") == 0;
	bool page = page_has(path);
	bool metrics = strcmp(path, METRICS_PATH) == 0;
	bool stream = strcmp(path, STREAM_PATH) == 0;
	bool open = health || ready || page; /* and tells nothing secret */
	bool looks = open || metrics || stream;
	bool acts = method == EVHTTP_REQ_POST;

	if (!let_in(conn, req, open))
		return;
	if ((method & METHODS) == 0 || (acts && looks)) {
		(void)evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Allow", looks ? "GET, HEAD" : "GET, HEAD, POST");
		answer(conn, req, &answer_method);
	} else if (health)
		answer(conn, req, &answer_ok);
	else if (ready)
		readyz(conn, req);
	else if (page)
		page_run(conn, req);
	else if (metrics) {
		add_headers(req);
		metrics_route_run(conn->h->admin->metrics, conn, req);
	} else if (stream) {
		add_headers(req);
		stream_route_run(conn->h->admin->streams, conn, req);
	} else if (acts)
		call(conn, req, true);
	else
		http_turn_wait(&conn->h->admin->turns, conn, req);
}

static const struct http_site site = { .other = admin_listener_run };

/* "*" and the like are no place to connect to: the loopback is. */
static void
local_url(char url[HTTP_URL_MAX])
{
	static const struct {
		const char *any;
		const char *local;
	} hosts[] = {
		{ "http://*:", "http://127.0.0.1:" },
		{ "http://0.0.0.0:", "http://127.0.0.1:" },
		{ "http://[::]:", "http://[::1]:" },
	};
	char port[HTTP_URL_MAX];
	size_t len;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		len = strlen(hosts[i].any);
		if (strncmp(url, hosts[i].any, len) != 0)
			continue;
		(void)strcpy(port, url + len);
		(void)snprintf(url, HTTP_URL_MAX, "%s%.8s", hosts[i].local,
		    port);
		return;
	}
}

struct admin_listener *
admin_listener_new(struct event_base *base, struct admin *a,
    const struct admin_listener_options *opt, char ret_url[HTTP_URL_MAX],
    char reason[256])
{
	static const struct http_options limits = {
		.max_body = ADMIN_LISTENER_BODY,
		.max_connections = ADMIN_LISTENER_CONNECTIONS,
		.request_timeout_ms = REQUEST_TIMEOUT_MS,
		.idle_timeout_ms = IDLE_TIMEOUT_MS,
	};
	struct admin_listener *ha;

	(void)snprintf(reason, 256, "cannot start: out of memory");
	if ((ha = calloc(1, sizeof(*ha))) == NULL)
		return (NULL);
	ha->a = a;
	http_turns_init(&ha->turns, ask);
	ha->metrics = opt->metrics;
	ha->ready = opt->ready;
	ha->clock = opt->clock;
	ha->arg = opt->arg;
	ha->address = strdup(opt->address);
	if (opt->token != NULL)
		ha->token = strdup(opt->token);
	ha->door = (struct access_rules){ ha->address, ha->token };
	if (ha->address == NULL || (opt->token != NULL && ha->token == NULL) ||
	    (ha->http = http_new_site(base, &limits, &site)) == NULL ||
	    (ha->streams = stream_route_new(base, opt->stream)) == NULL)
		goto fail;
	ha->http->admin = ha;
	if (http_listen(ha->http, opt->address, ret_url, reason) == -1)
		goto fail;
	local_url(ret_url);
	return (ha);
fail:
	admin_listener_free(ha);
	return (NULL);
}

struct http *
admin_listener_http(const struct admin_listener *ha)
{
	return (ha->http);
}

void
admin_listener_drain(struct admin_listener *ha, void (*done)(void *arg),
    void *arg)
{
	stream_route_stop(ha->streams);
	http_drain(ha->http, done, arg);
}

void
admin_listener_free(struct admin_listener *ha)
{
	if (ha == NULL)
		return;
	stream_route_free(ha->streams);
	http_free(ha->http);
	free(ha->address);
	if (ha->token != NULL)
		explicit_bzero(ha->token, strlen(ha->token));
	free(ha->token);
	free(ha);
}
