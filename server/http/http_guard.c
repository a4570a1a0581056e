/*
 * http_guard.c -- what a stranger may cost us before he is known.
 *
 * Two readers see every byte: this one first, from a callback of the input
 * buffer, then evhttp, from the bufferevent's. So a request that is refused
 * here can be taken away before evhttp sees it. evhttp is in the middle of
 * nothing then: it was waiting for bytes, and goes on waiting.
 *
 * The unfinished requests of all connections stand in one list, oldest first.
 * One timer looks at its head; it is not touched per request, but armed anew
 * only when it has fired, so it may fire early and then just waits on.
 */
#include <sys/socket.h>

#include <malloc.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/base/clock.h"
#include "server/http/http_guard.h"
#include "server/http/http_share.h"
#include "server/tls/tls.h"
#include "store/base/timeval.h"

#define TRIM_MS 1000

#define REFUSAL(status, error, len) REFUSAL_WITH(status, "", error, len)
#define REFUSAL_WITH(status, header, error, len)                               \
	"HTTP/1.1 " status "\r\n" header                                       \
	"Content-Type: application/json; charset=utf-8\r\n"                    \
	"Content-Length: " len "\r\n"                                          \
	"Connection: close\r\n\r\n"                                            \
	"{\"error\":\"" error "\"}"
static const char bad_request[] =
    REFUSAL("400 Bad Request", "bad request", "23");
static const char forbidden[] = REFUSAL("403 Forbidden", "forbidden", "21");
static const char not_allowed[] = REFUSAL_WITH("405 Method Not Allowed",
    "Allow: GET, HEAD, POST\r\n", "method not allowed", "30");
static const char length_required[] =
    REFUSAL("411 Length Required", "length required", "27");
static const char too_large[] =
    REFUSAL("413 Content Too Large", "body too large", "26");
static const char unknown_coding[] =
    REFUSAL("501 Not Implemented", "unknown transfer coding", "35");
static const char request_timeout[] =
    REFUSAL("408 Request Timeout", "request timeout", "27");

static const char no_room[] = REFUSAL_WITH("503 Service Unavailable",
    "Retry-After: 5\r\n", "try again later", "27");

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

static void
arm(struct event *timer, int64_t wait_ms)
{
	const struct timeval tv = timeval_of_ms(wait_ms < 1 ? 1 : wait_ms);

	(void)evtimer_add(timer, &tv);
}

static void
enqueue(struct http_guard *g)
{
	struct http_guards *all = g->all;

	g->deadline_ms = now_ms() + g->timeout_ms;
	TAILQ_INSERT_TAIL(&all->unfinished, g, next);
	g->queued = true;
	if (!evtimer_pending(all->timer, NULL))
		arm(all->timer, g->timeout_ms);
}

static void
dequeue(struct http_guard *g)
{
	if (!g->queued)
		return;
	TAILQ_REMOVE(&g->all->unfinished, g, next);
	g->queued = false;
}

/* Report what the connection holds now. */
static void
weigh(struct http_guard *g)
{
	size_t held = 0; /* once it is cut, evhttp is about to free it */

	if (g->state != HTTP_GUARD_CUT) {
		held = http_feed_held(&g->feed, bufferevent_get_input(g->bev));
		if (g->tls && !g->proven)
			held += tls_allocated(g->bev);
	}
	http_share_hold(g->all->shares, g->holder, HTTP_SHARE_BYTES, held);
}

static void
drop_input(struct http_guard *g)
{
	struct evbuffer *input = bufferevent_get_input(g->bev);

	(void)evbuffer_drain(input, evbuffer_get_length(input));
	http_feed_drop(&g->feed);
	weigh(g);
}

static bool
unanswered(const struct http_guard *g)
{
	return (g->arrived != g->answered);
}

/*
 * Say why on the socket itself, past evhttp, which will never answer this
 * request; not in the midst of something that evhttp still has to send.
 */
static void
say(struct http_guard *g, const char *text)
{
	int fd = bufferevent_getfd(g->bev);

	if (g->tls)
		tls_send_now(g->bev, text, strlen(text));
	else if (evbuffer_get_length(bufferevent_get_output(g->bev)) == 0)
		(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
send_no_more(struct http_guard *g)
{
	if (g->tls)
		tls_half_close(g->bev);
	else
		(void)shutdown(bufferevent_getfd(g->bev), SHUT_WR);
}

static const char *
refusal(enum http_read_rc verdict)
{
	switch (verdict) {
	case HTTP_READ_FORBIDDEN:
		return (forbidden);
	case HTTP_READ_METHOD:
		return (not_allowed);
	case HTTP_READ_LENGTH:
		return (length_required);
	case HTTP_READ_TOO_LARGE:
		return (too_large);
	case HTTP_READ_CODING:
		return (unknown_coding);
	case HTTP_READ_NO_MEMORY:
		return (no_room);
	case HTTP_READ_MORE: /* never of a verdict */
	case HTTP_READ_CHUNKED:
	case HTTP_READ_DONE:
	case HTTP_READ_BAD:
		break;
	}
	return (bad_request);
}

/*
 * Answer what will not be read to its end, and read on only to drop it: closing
 * on unread bytes would reset the connection and take the answer from the
 * client. It has until its deadline to close its side.
 */
static void
end_with(struct http_guard *g, const char *text, enum http_cut why,
    const char *reason)
{
	g->state = HTTP_GUARD_REFUSED;
	say(g, text);
	send_no_more(g);
	drop_input(g);
	if (!g->queued)
		enqueue(g);
	g->all->cuts[why]++;
	g->all->report(g, why, reason, g->all->arg);
}

static void
refuse(struct http_guard *g)
{
	const char *reason = http_reader_reason(&g->feed.reader);

	end_with(g, refusal(g->verdict),
	    g->verdict == HTTP_READ_TOO_LARGE   ? HTTP_CUT_BODY
	    : g->verdict == HTTP_READ_FORBIDDEN ? HTTP_CUT_FORBIDDEN
						: HTTP_CUT_BAD,
	    reason == NULL ? "out of memory" : reason);
}

static void
cut(struct http_guard *g, const char *text, enum http_cut why,
    const char *reason)
{
	if (g->state == HTTP_GUARD_CUT)
		return;
	if (g->state == HTTP_GUARD_READING && text != NULL)
		say(g, text);
	if (g->state != HTTP_GUARD_REFUSED) {
		g->all->cuts[why]++;
		g->all->report(g, why, reason, g->all->arg);
	}
	http_guard_close(g);
}

/* It holds too much. If it is in the middle of a request it gets an answer. */
static void
shed(struct http_guard *g)
{
	static const char reason[] =
	    "too many bytes of unfinished requests, and its address has most";

	if (g->state != HTTP_GUARD_READING || unanswered(g) ||
	    !http_reader_begun(&g->feed.reader)) {
		cut(g, NULL, HTTP_CUT_MEMORY, reason);
		return;
	}
	end_with(g, no_room, HTTP_CUT_MEMORY, reason);
}

/* While all hold too much together, the greediest pays. */
static void
balance(struct http_guards *all)
{
	struct http_holder *holder;
	size_t total;

	if (all->balancing)
		return; /* who is cut ends a handshake, and is weighed */
	all->balancing = true;
	while ((total = http_shares_total(all->shares, HTTP_SHARE_BYTES)) >
		   HTTP_UNVERIFIED_MAX &&
	       (holder = http_shares_greediest(all->shares,
		    HTTP_SHARE_BYTES)) != NULL)
		shed(all->of(holder));
	all->balancing = false;
	if (total > all->peak)
		all->peak = total;
	if (all->peak > HTTP_TRIM_FROM && !evtimer_pending(all->trim, NULL))
		arm(all->trim, TRIM_MS);
}

/* evtimer: was little held since it last fired? It was more before. */
static void
guards_trim_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_guards *all = arg;

	(void)fd;
	(void)what;
	if (all->peak > HTTP_TRIM_FROM) {
		all->peak = http_shares_total(all->shares, HTTP_SHARE_BYTES);
		arm(all->trim, TRIM_MS);
		return;
	}
#ifdef __GLIBC__
	/* What was freed lies between what is in use, and stays ours else. */
	(void)malloc_trim(0);
#endif
}

void
http_guards_freed(struct http_guards *all)
{
	if (!evtimer_pending(all->trim, NULL))
		arm(all->trim, TRIM_MS);
}

/* Follow the added bytes. Returns whether they are sound. */
static bool
follow(struct http_guard *g, struct evbuffer *input, size_t added)
{
	enum http_read_rc rc;
	unsigned whole;

	rc = http_feed_read(&g->feed, input, added, &whole);
	g->arrived += whole;
	if (whole > 0)
		dequeue(g);
	if (whole > 0 || !g->spoke)
		http_share_heard(g->all->shares, g->holder);
	g->spoke = true;
	if (rc == HTTP_READ_MORE)
		return (true);
	g->verdict = rc;
	g->state = HTTP_GUARD_BAD;
	dequeue(g);
	return (false);
}

/* evbuffer: bytes came in, or evhttp took some out. */
static void
guard_input_cb(struct evbuffer *input, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct http_guard *g = arg;
	bool was_idle = http_guard_idle(g);
	size_t added = info->n_added;

	if (added == 0 || g->state == HTTP_GUARD_BAD ||
	    http_feed_editing(&g->feed))
		return;
	if (g->preface != NULL && g->state == HTTP_GUARD_READING &&
	    (added = g->preface(input, added, g->preface_arg)) == 0)
		return;
	if (g->state != HTTP_GUARD_READING) {
		g->dropped += added;
		drop_input(g);
		/* Does it not listen? With a large body it may do so late. */
		if (g->dropped > g->max_held &&
		    g->verdict != HTTP_READ_TOO_LARGE)
			http_guard_close(g);
		return;
	}
	if (!follow(g, input, added)) {
		if (!unanswered(g))
			refuse(g);
		return;
	}
	if (was_idle && !http_reader_begun(&g->feed.reader))
		return; /* evhttp takes at once what has come whole */
	if (!unanswered(g) && !g->queued && http_reader_begun(&g->feed.reader))
		enqueue(g);
	if (evbuffer_get_length(input) > g->max_held)
		cut(g, bad_request, HTTP_CUT_INPUT,
		    "more than a request's worth of bytes");
	http_guard_weigh(g);
}

/* evtimer: the oldest request may have had its time. */
static void
guards_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_guards *all = arg;
	struct http_guard *g;
	int64_t now = now_ms();

	(void)fd;
	(void)what;
	while ((g = TAILQ_FIRST(&all->unfinished)) != NULL &&
	       g->deadline_ms <= now)
		cut(g, request_timeout, HTTP_CUT_TIME, "request took too long");
	if (g != NULL)
		arm(all->timer, g->deadline_ms - now);
}

int
http_guards_init(struct http_guards *all, struct event_base *base)
{
	TAILQ_INIT(&all->unfinished);
	all->timer = evtimer_new(base, guards_timer_cb, all);
	all->trim = evtimer_new(base, guards_trim_cb, all);
	if (all->timer == NULL || all->trim == NULL)
		return (-1);
	return (http_feed_buffers_init(&all->buffers));
}

void
http_guards_fini(struct http_guards *all)
{
	if (all->timer != NULL)
		event_free(all->timer);
	all->timer = NULL;
	if (all->trim != NULL)
		event_free(all->trim);
	all->trim = NULL;
	http_feed_buffers_fini(&all->buffers);
}

int
http_guard_init(struct http_guard *g, struct http_guards *all,
    struct bufferevent *bev, struct http_holder *holder)
{
	memset(g, 0, sizeof(*g));
	g->all = all;
	g->holder = holder;
	g->bev = bev;
	g->tls = tls_context_of(bev) != NULL;
	g->state = HTTP_GUARD_READING;
	http_feed_init(&g->feed, &all->buffers, UINT64_MAX, all->needs_length);
	g->input_cb =
	    evbuffer_add_cb(bufferevent_get_input(bev), guard_input_cb, g);
	return (g->input_cb == NULL ? -1 : 0);
}

void
http_guard_limit(struct http_guard *g, size_t max_body, int64_t timeout_ms)
{
	http_feed_init(&g->feed, &g->all->buffers, max_body,
	    g->all->needs_length);
	g->timeout_ms = timeout_ms;
	g->max_held = HTTP_HEAD_MAX + max_body + HTTP_GUARD_SLACK;
}

void
http_guard_watch(struct http_guard *g, const struct http_head_watch *watch)
{
	http_reader_watch(&g->feed.reader, watch);
}

bool
http_guard_has_head(const struct http_guard *g)
{
	return (g->state == HTTP_GUARD_READING &&
		http_reader_has_head(&g->feed.reader));
}

void
http_guard_preface(struct http_guard *g, http_preface_fn *preface, void *arg)
{
	if (preface != NULL && g->preface == NULL)
		enqueue(g);
	else if (preface == NULL && g->preface != NULL)
		dequeue(g);
	g->preface = preface;
	g->preface_arg = arg;
}

void
http_guard_fini(struct http_guard *g)
{
	dequeue(g);
	http_feed_fini(&g->feed);
	(void)evbuffer_remove_cb_entry(bufferevent_get_input(g->bev),
	    g->input_cb);
}

void
http_guard_settled(struct http_guard *g)
{
	/* What is left in the buffer is the beginning of later requests. */
	weigh(g);
}

void
http_guard_answered(struct http_guard *g)
{
	g->answered++;
	if (unanswered(g))
		return;
	if (g->state == HTTP_GUARD_BAD)
		refuse(g);
	else if (g->state == HTTP_GUARD_READING &&
		 http_reader_begun(&g->feed.reader))
		enqueue(g);
}

void
http_guard_weigh(struct http_guard *g)
{
	weigh(g);
	balance(g->all);
}

void
http_guard_prove(struct http_guard *g)
{
	if (g->proven)
		return;
	g->proven = true;
	weigh(g);
}

size_t
http_guard_awaits(const struct http_guard *g)
{
	return (g->state == HTTP_GUARD_READING
		    ? (size_t)http_reader_rest(&g->feed.reader)
		    : 0);
}

bool
http_guard_idle(const struct http_guard *g)
{
	return (!unanswered(g) && (g->state != HTTP_GUARD_READING ||
				      !http_reader_begun(&g->feed.reader)));
}

void
http_guard_turn_away(struct http_guard *g)
{
	if (g->state == HTTP_GUARD_READING && !unanswered(g) &&
	    http_reader_begun(&g->feed.reader))
		say(g, no_room);
}

void
http_guard_end(struct http_guard *g, enum http_cut why, const char *reason)
{
	cut(g, NULL, why, reason);
}

void
http_guard_close(struct http_guard *g)
{
	if (g->state == HTTP_GUARD_CUT)
		return;
	g->state = HTTP_GUARD_CUT;
	dequeue(g);
	drop_input(g);
	if (g->tls)
		tls_close(g->bev);
	(void)shutdown(bufferevent_getfd(g->bev), SHUT_RDWR);
}
