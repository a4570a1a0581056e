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
#include <sys/uio.h>

#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/clock.h"
#include "server/http_guard.h"
#include "server/tls.h"

#define PEEK_SEGS 16

/* What a bufferevent reads in one turn of the loop; libevent 2.1, buffer.c. */
#define BEV_READ_MAX 4096
/* What is read on top of it, so that one body does not hold up the others. */
#define READ_ON_MAX ((size_t)64 * 1024)

#define REFUSAL(status, error, len) REFUSAL_WITH(status, "", error, len)
#define REFUSAL_WITH(status, header, error, len)                               \
	"HTTP/1.1 " status "\r\n" header                                       \
	"Content-Type: application/json; charset=utf-8\r\n"                    \
	"Content-Length: " len "\r\n"                                          \
	"Connection: close\r\n\r\n"                                            \
	"{\"error\":\"" error "\"}"
static const char bad_request[] =
    REFUSAL("400 Bad Request", "bad request", "23");
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
arm(struct http_guards *all, int64_t wait_ms)
{
	struct timeval tv;

	if (wait_ms < 1)
		wait_ms = 1;
	tv.tv_sec = (time_t)(wait_ms / 1000);
	tv.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
	(void)evtimer_add(all->timer, &tv);
}

static void
enqueue(struct http_guard *g)
{
	struct http_guards *all = g->all;

	g->deadline_ms = now_ms() + g->timeout_ms;
	TAILQ_INSERT_TAIL(&all->unfinished, g, next);
	g->queued = true;
	if (!evtimer_pending(all->timer, NULL))
		arm(all, g->timeout_ms);
}

static void
dequeue(struct http_guard *g)
{
	if (!g->queued)
		return;
	TAILQ_REMOVE(&g->all->unfinished, g, next);
	g->queued = false;
}

/*
 * Let `received' count, up to what one connection can really hold, and with
 * it what TLS has not decrypted yet.
 */
static void
count(struct http_guard *g, size_t received)
{
	size_t held = received + (g->tls ? tls_held(g->bev) : 0);

	g->received = received;
	g->all->unverified -= g->counted;
	g->counted = held < g->max_held ? held : g->max_held;
	g->all->unverified += g->counted;
}

static void
drop_input(struct http_guard *g)
{
	struct evbuffer *input = bufferevent_get_input(g->bev);

	(void)evbuffer_drain(input, evbuffer_get_length(input));
	count(g, 0);
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
tell(struct http_guard *g, const char *text)
{
	int fd = bufferevent_getfd(g->bev);

	if (g->tls)
		tls_tell(g->bev, text, strlen(text));
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
refusal(enum http_request_rc verdict)
{
	switch (verdict) {
	case HTTP_REQUEST_METHOD:
		return (not_allowed);
	case HTTP_REQUEST_LENGTH:
		return (length_required);
	case HTTP_REQUEST_TOO_LARGE:
		return (too_large);
	case HTTP_REQUEST_CODING:
		return (unknown_coding);
	case HTTP_REQUEST_MORE: /* never of a verdict */
	case HTTP_REQUEST_DONE:
	case HTTP_REQUEST_BAD:
		break;
	}
	return (bad_request);
}

/*
 * Answer the bad request and read on only to drop it: closing on unread bytes
 * would reset the connection and take the answer from the client. It has
 * until its deadline to close its side.
 */
static void
refuse(struct http_guard *g)
{
	g->all->bad_requests++;
	g->state = HTTP_GUARD_REFUSED;
	tell(g, refusal(g->verdict));
	send_no_more(g);
	drop_input(g);
	if (!g->queued)
		enqueue(g);
	g->all->report(g, http_request_reason(&g->reader), g->all->arg);
}

static void
cut(struct http_guard *g, const char *text, const char *reason)
{
	if (g->state == HTTP_GUARD_CUT)
		return;
	if (g->state == HTTP_GUARD_READING && text != NULL)
		tell(g, text);
	if (g->state != HTTP_GUARD_REFUSED) {
		g->all->cut++;
		g->all->report(g, reason, g->all->arg);
	}
	http_guard_close(g);
}

/* Follow the added bytes from request to request. */
static void
follow(struct http_guard *g, unsigned char *bytes, size_t len)
{
	enum http_request_rc rc;
	size_t used;

	while (len > 0 && g->state == HTTP_GUARD_READING) {
		rc = http_request_read(&g->reader, bytes, len, &used);
		bytes += used;
		len -= used;
		switch (rc) {
		case HTTP_REQUEST_MORE:
			break;
		case HTTP_REQUEST_DONE:
			g->arrived++;
			dequeue(g);
			g->all->heard(g, g->all->arg);
			break;
		case HTTP_REQUEST_BAD:
		case HTTP_REQUEST_METHOD:
		case HTTP_REQUEST_LENGTH:
		case HTTP_REQUEST_TOO_LARGE:
		case HTTP_REQUEST_CODING:
			g->verdict = rc;
			g->state = HTTP_GUARD_BAD;
			break;
		}
	}
}

static void
follow_added(struct http_guard *g, struct evbuffer *input, size_t added)
{
	struct evbuffer_ptr pos;
	struct evbuffer_iovec segs[PEEK_SEGS];
	int i, n;

	if (evbuffer_ptr_set(input, &pos, evbuffer_get_length(input) - added,
		EVBUFFER_PTR_SET) == -1)
		return;
	while (added > 0 && g->state == HTTP_GUARD_READING) {
		n = evbuffer_peek(input, (ev_ssize_t)added, &pos, segs,
		    PEEK_SEGS);
		if (n <= 0)
			return;
		if (n > PEEK_SEGS)
			n = PEEK_SEGS;
		for (i = 0; i < n && added > 0; i++) {
			if (segs[i].iov_len > added)
				segs[i].iov_len = added;
			follow(g, segs[i].iov_base, segs[i].iov_len);
			added -= segs[i].iov_len;
			(void)evbuffer_ptr_set(input, &pos, segs[i].iov_len,
			    EVBUFFER_PTR_ADD);
		}
	}
}

/*
 * Of a body larger than a bufferevent reads at a time, take the rest from the
 * socket at once: else each 4 KB of it cost a turn of the loop. What is added
 * here comes by guard_input_cb() like everything else, before evhttp looks.
 * Errors and the end are left for the bufferevent to find.
 */
static void
read_on(struct http_guard *g, struct evbuffer *input)
{
	uint64_t rest = http_request_rest(&g->reader);
	size_t max = rest < READ_ON_MAX ? (size_t)rest : READ_ON_MAX;
	struct evbuffer_iovec seg;
	ssize_t n;

	if (rest == 0 ||
	    evbuffer_reserve_space(input, (ev_ssize_t)max, &seg, 1) != 1)
		return;
	n = recv(bufferevent_getfd(g->bev), seg.iov_base, max, MSG_DONTWAIT);
	if (n <= 0)
		return;
	seg.iov_len = (size_t)n;
	g->reading_on = true;
	(void)evbuffer_commit_space(input, &seg, 1);
	g->reading_on = false;
}

/*
 * Between two requests: take empty lines away, of which the reader has
 * approved and which evhttp would take for a request.
 */
static void
drop_empty_lines(struct evbuffer *input)
{
	struct evbuffer_iovec seg;
	const char *text;
	size_t n;

	do {
		if (evbuffer_peek(input, 1, NULL, &seg, 1) < 1)
			return;
		text = seg.iov_base;
		for (n = 0; n < seg.iov_len; n++) {
			if (text[n] != '\r' && text[n] != '\n')
				break;
		}
		if (n > 0)
			(void)evbuffer_drain(input, n);
	} while (n > 0);
}

/* evbuffer: bytes came in, or evhttp took some out. */
static void
guard_input_cb(struct evbuffer *input, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct http_guard *g = arg;
	bool between = http_guard_idle(g);

	if (info->n_added == 0 || g->state == HTTP_GUARD_BAD)
		return;
	if (g->state != HTTP_GUARD_READING) {
		g->dropped += info->n_added;
		drop_input(g);
		/* Does it not listen? With a large body it may do so late. */
		if (g->dropped > g->max_held &&
		    g->verdict != HTTP_REQUEST_TOO_LARGE)
			http_guard_close(g);
		return;
	}
	if (g->arrived == 0 && g->received == 0)
		g->all->heard(g, g->all->arg);
	follow_added(g, input, info->n_added);
	if (g->state == HTTP_GUARD_BAD) {
		dequeue(g);
		if (!unanswered(g))
			refuse(g);
		return;
	}
	if (between)
		drop_empty_lines(input);
	if (!unanswered(g) && !g->queued && http_request_begun(&g->reader))
		enqueue(g);
	count(g, g->received + info->n_added);
	if (evbuffer_get_length(input) > g->max_held)
		cut(g, bad_request, "more than a request's worth of bytes");
	while (g->all->unverified > HTTP_UNVERIFIED_MAX &&
	       !TAILQ_EMPTY(&g->all->unfinished))
		cut(TAILQ_FIRST(&g->all->unfinished), NULL,
		    "too many bytes of unfinished requests");
	if (g->state == HTTP_GUARD_READING && !g->tls && !g->reading_on &&
	    info->n_added >= BEV_READ_MAX)
		read_on(g, input);
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
		cut(g, request_timeout, "request took too long");
	if (g != NULL)
		arm(all, g->deadline_ms - now);
}

int
http_guards_init(struct http_guards *all, struct event_base *base)
{
	TAILQ_INIT(&all->unfinished);
	all->timer = evtimer_new(base, guards_timer_cb, all);
	return (all->timer == NULL ? -1 : 0);
}

void
http_guards_fini(struct http_guards *all)
{
	if (all->timer != NULL)
		event_free(all->timer);
	all->timer = NULL;
}

int
http_guard_init(struct http_guard *g, struct http_guards *all,
    struct bufferevent *bev)
{
	memset(g, 0, sizeof(*g));
	g->all = all;
	g->bev = bev;
	g->tls = tls_context_of(bev) != NULL;
	g->state = HTTP_GUARD_READING;
	http_request_init(&g->reader, UINT64_MAX, all->needs_length);
	g->input_cb =
	    evbuffer_add_cb(bufferevent_get_input(bev), guard_input_cb, g);
	return (g->input_cb == NULL ? -1 : 0);
}

void
http_guard_limit(struct http_guard *g, size_t max_body, int64_t timeout_ms)
{
	http_request_init(&g->reader, max_body, g->all->needs_length);
	g->timeout_ms = timeout_ms;
	g->max_held = HTTP_HEAD_MAX + max_body + HTTP_GUARD_SLACK;
}

void
http_guard_fini(struct http_guard *g)
{
	dequeue(g);
	g->all->unverified -= g->counted;
	g->counted = 0;
	(void)evbuffer_remove_cb_entry(bufferevent_get_input(g->bev),
	    g->input_cb);
}

void
http_guard_settled(struct http_guard *g)
{
	/* What is left in the buffer is the beginning of later requests. */
	drop_empty_lines(bufferevent_get_input(g->bev));
	count(g, evbuffer_get_length(bufferevent_get_input(g->bev)));
}

void
http_guard_answered(struct http_guard *g)
{
	g->answered++;
	drop_empty_lines(bufferevent_get_input(g->bev));
	if (unanswered(g))
		return;
	if (g->state == HTTP_GUARD_BAD)
		refuse(g);
	else if (g->state == HTTP_GUARD_READING &&
		 http_request_begun(&g->reader))
		enqueue(g);
}

bool
http_guard_idle(const struct http_guard *g)
{
	return (!unanswered(g) && (g->state != HTTP_GUARD_READING ||
				      !http_request_begun(&g->reader)));
}

void
http_guard_turn_away(struct http_guard *g)
{
	if (g->state == HTTP_GUARD_READING && !unanswered(g) &&
	    http_request_begun(&g->reader))
		tell(g, no_room);
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
