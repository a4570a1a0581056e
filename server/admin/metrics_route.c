#include "server/admin/metrics_route.h"

#include <stddef.h>

#include "server/admin/metrics.h"
#include "server/http/route.h"

/* metrics_done_fn */
static void
metrics_done_cb(const char *text, size_t len, void *arg)
{
	struct http_request *req = arg;

	if (text == NULL) {
		http_request_finish(req, 500, "{\"error\":\"out of memory\"}");
		return;
	}
	http_request_set_field(req, "Content-Type",
	    "text/plain; version=0.0.4; charset=utf-8");
	http_request_finish_bytes(req, 200, text, len);
}

void
metrics_route_run(struct http_request *req, void *arg)
{
	if (metrics_ask(arg, metrics_done_cb, req) == -1)
		metrics_done_cb(NULL, 0, req);
	else
		http_request_keep(req);
}
