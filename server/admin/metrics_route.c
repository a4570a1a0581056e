#include "server/admin/metrics_route.h"

#include <event2/http.h>

#include "server/admin/metrics.h"
#include "server/http/http_private.h"

static const struct http_answer answer_memory = { 500, "Internal Server Error",
	"{\"error\":\"out of memory\"}" };
static const struct http_answer answer_text = { 200, "OK", "" };

/* metrics_done_fn */
static void
metrics_done_cb(const char *text, size_t len, void *arg)
{
	struct http_conn *conn = arg;
	struct evhttp_request *req = http_conn_take_kept(conn);

	if (conn->closed) { /* evhttp only frees the request */
		evhttp_send_reply(req, 503, "Service Unavailable", NULL);
		http_conn_release(conn);
		return;
	}
	if (text == NULL) {
		http_answer(conn, req, &answer_memory);
		return;
	}
	(void)evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	http_answer_bytes(conn, req, &answer_text, text, len);
}

void
metrics_route_run(struct metrics *m, struct http_conn *conn,
    struct evhttp_request *req)
{
	if (metrics_ask(m, metrics_done_cb, conn) == -1)
		http_answer(conn, req, &answer_memory);
	else
		http_conn_keep(conn, req);
}
