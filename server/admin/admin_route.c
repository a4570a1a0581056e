#include "server/admin/admin_route.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "server/admin/admin.h"
#include "server/admin/allowance.h"
#include "server/admin/turns.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/http/route.h"

#define TAG_MAX 32 /* of an ETag */
#define NO_MEMORY "{\"error\":\"out of memory\"}"

#define LOOK_US 10000 /* between two looks at the store, if questions wait */

struct admin_route {
	struct admin *a;
	struct turns turns;
	struct allowance allowance;
	struct event *timer;
	int64_t answered_us; /* the last question */
};

/* A request, until it is answered. */
struct call {
	struct admin_route *route;
	struct http_request *req;
	struct turn turn; /* of a question; what acts does not wait */
	int64_t began_us;
	bool acts;
};

static struct call *
call_of_turn(struct turn *turn)
{
	return ((struct call *)((char *)turn - offsetof(struct call, turn)));
}

/* -- Its answer -- */

/*
 * Name the answer's content in an ETag. Has the client that content already
 * (RFC 9110 section 13.1.2)?
 */
static bool
is_known(struct http_request *req, uint64_t tag)
{
	const char *known = http_request_field(req, "If-None-Match");
	char etag[TAG_MAX];

	if (tag == 0)
		return (false);
	(void)snprintf(etag, sizeof(etag), "\"%016" PRIx64 "\"", tag);
	http_request_set_field(req, "ETag", etag);
	return (known != NULL && strstr(known, etag) != NULL);
}

/* Pass on what admin_call() came to. */
static void
answer_admin(struct http_request *req, const struct admin_answer *from)
{
	if (from->body == NULL) {
		http_request_finish(req, 500, NO_MEMORY);
		return;
	}
	if (from->allow != NULL)
		http_request_set_field(req, "Allow", from->allow);
	if (is_known(req, from->tag)) {
		http_request_finish(req, 304, "");
		return;
	}
	if (from->raw && from->status == 200) {
		/* The bytes are somebody's: to be kept, not to be shown. */
		http_request_set_field(req, "Content-Type",
		    "application/octet-stream");
		http_request_set_field(req, "Content-Disposition",
		    "attachment; filename=\"body\"");
	}
	http_request_finish_bytes(req, from->status, from->body,
	    from->body_len);
}

/* -- When the next question may be asked -- */

static void
look(struct admin_route *route)
{
	const struct timeval tv = { .tv_usec = LOOK_US };
	uint64_t commits;
	bool behind = admin_is_behind(route->a, &commits);

	allowance_earn(&route->allowance, clock_mono_us(), behind, commits);
	turns_rest(&route->turns, allowance_is_spent(&route->allowance) &&
				      evtimer_add(route->timer, &tv) == 0);
}

/* evtimer: may it go on? */
static void
look_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct admin_route *route = arg;

	(void)fd;
	(void)what;
	look(route);
	turns_pump(&route->turns);
}

/* A question was answered. What it waited behind others is not counted. */
static void
spend(struct admin_route *route, int64_t began_us)
{
	int64_t now = clock_mono_us();

	if (began_us < route->answered_us)
		began_us = route->answered_us;
	route->answered_us = now;
	allowance_spend(&route->allowance, now - began_us);
	look(route);
}

/* admin_done_fn: a call that was under way has its answer. */
static void
call_done_cb(const struct admin_answer *from, void *arg)
{
	struct call *call = arg;
	struct admin_route *route = call->route;
	int64_t began_us = call->began_us;
	bool acts = call->acts;

	if (!acts)
		turn_end(&route->turns, &call->turn);
	answer_admin(call->req, from);
	free(call);
	if (!acts) {
		spend(route, began_us);
		turns_pump(&route->turns);
	}
}

/* -- The call -- */

static void
call_start(struct call *call)
{
	struct http_request *req = call->req;
	struct evbuffer *body = http_request_body(req);
	struct admin_answer made = { .status = 500 };
	struct admin_request r = {
		.method = call->acts ? "POST" : "GET",
		.path = http_request_path(req),
		.query = http_request_query(req),
		.body_len = evbuffer_get_length(body),
	};

	call->began_us = clock_mono_us();
	http_request_keep(req);
	if (r.body_len > 0)
		r.body = evbuffer_pullup(body, -1);
	if ((r.body_len == 0 || r.body != NULL) &&
	    admin_call(call->route->a, &r, call_done_cb, call, &made))
		return;
	call_done_cb(&made, call);
	free(made.body);
}

/* turns: it is its turn. */
static void
call_turn_cb(struct turn *turn)
{
	call_start(call_of_turn(turn));
}

/* http_gone_fn: its client has gone before its turn came. */
static void
call_gone_cb(void *arg)
{
	struct call *call = arg;

	turn_end(&call->route->turns, &call->turn);
	free(call);
}

void
admin_route_run(struct http_request *req, void *arg)
{
	struct admin_route *route = arg;
	struct call *call;

	if ((call = calloc(1, sizeof(*call))) == NULL) {
		http_request_finish(req, 500, NO_MEMORY);
		return;
	}
	call->route = route;
	call->req = req;
	call->acts = http_request_method(req) == HTTP_POST;
	if (call->acts) {
		log_info("admin: %s asks for %s", http_request_peer(req),
		    log_text(http_request_path(req)));
		call_start(call);
		return;
	}
	http_request_wait(req, call_gone_cb, call);
	turn_begin(&route->turns, &call->turn, http_request_net(req));
}

struct admin_route *
admin_route_new(struct event_base *base, struct admin *a)
{
	struct admin_route *route;

	if ((route = calloc(1, sizeof(*route))) == NULL)
		return (NULL);
	route->a = a;
	turns_init(&route->turns, call_turn_cb);
	if ((route->timer = evtimer_new(base, look_timer_cb, route)) == NULL) {
		free(route);
		return (NULL);
	}
	return (route);
}

void
admin_route_free(struct admin_route *route)
{
	if (route == NULL)
		return;
	event_free(route->timer);
	free(route);
}
