#include "test/lib/name_server.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "test/lib/cmocka_all.h"

#define HEADER 12
#define TYPE_A 1
#define TYPE_AAAA 28
#define SLOW_MS 400

/* An answer that is on its way, slowly; in a list of its server's. */
struct slow_answer {
	TAILQ_ENTRY(slow_answer) link;
	struct name_server *server;
	struct event *timer;
	struct sockaddr_in to;
	unsigned char bytes[512];
	size_t len;
};

/* The name asked for, in text; its length in the packet, and the type. */
static size_t
read_question(const unsigned char *q, size_t len, char name[256],
    unsigned *ret_type)
{
	size_t at = HEADER, out = 0;

	while (at < len && q[at] != 0) {
		assert_true(at + q[at] < len && out + q[at] < 254);
		if (out > 0)
			name[out++] = '.';
		memcpy(name + out, q + at + 1, q[at]);
		out += q[at];
		at += 1u + q[at];
	}
	name[out] = '\0';
	assert_true(at + 5 <= len);
	*ret_type = (unsigned)(q[at + 1] << 8 | q[at + 2]);
	return (at + 5 - HEADER);
}

/* Append an address; returns its length in the packet. */
static size_t
put_address(const struct name_server *s, unsigned type, unsigned char *to)
{
	static const unsigned char v6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	unsigned char *p = to;
	size_t len = type == TYPE_A ? 4 : 16;

	*p++ = 0xc0; /* the name that was asked for */
	*p++ = HEADER;
	*p++ = 0;
	*p++ = (unsigned char)type;
	*p++ = 0;
	*p++ = 1;
	*p++ = (unsigned char)(s->ttl_s >> 24);
	*p++ = (unsigned char)(s->ttl_s >> 16);
	*p++ = (unsigned char)(s->ttl_s >> 8);
	*p++ = (unsigned char)s->ttl_s;
	*p++ = 0;
	*p++ = (unsigned char)len;
	memcpy(p, v6, len);
	if (type == TYPE_A)
		memcpy(p, (const unsigned char[]){ 192, 0, 2, s->address }, 4);
	else
		p[15] = s->address;
	return ((size_t)(p - to) + len);
}

/* Make the answer to q. Returns its length; 0: there is none. */
static size_t
make_answer(struct name_server *s, const unsigned char *q, size_t len, bool tcp,
    unsigned char answer[512])
{
	bool known, six;
	unsigned type;
	char name[256];
	size_t n;

	n = HEADER + read_question(q, len, name, &type);
	assert_true(n < 400);
	six = strcasecmp(name, "six.test") == 0;
	known = six || strcasecmp(name, "pos.test") == 0 ||
		strcasecmp(name, "pos.inner.test") == 0 ||
		strcasecmp(name, "four.test") == 0;
	if (type == TYPE_AAAA)
		s->asked_ipv6++;
	else
		s->asked_ipv4++;
	if ((type == TYPE_AAAA && s->drops_ipv6) ||
	    (s->act == NAME_LOSING &&
		(type == TYPE_AAAA ? s->asked_ipv6 : s->asked_ipv4) == 1))
		return (0);
	memset(answer, 0, 512);
	memcpy(answer, q, n);
	answer[2] = 0x81;
	answer[3] = known ? 0x80 : 0x83; /* no such name */
	memset(answer + 6, 0, 6);
	if (s->act == NAME_REFUSING || s->act == NAME_FAILING) {
		answer[3] = s->act == NAME_REFUSING ? 0x85 : 0x82;
		return (n);
	}
	if (s->act == NAME_TRUNCATING && !tcp) {
		answer[2] |= 0x02;
		return (n);
	}
	if (known && (type == TYPE_A || (type == TYPE_AAAA && six))) {
		answer[7] = 1;
		n += put_address(s, type, answer + n);
	}
	return (n);
}

static void
send_answer(const struct name_server *s, const struct sockaddr_in *to,
    const unsigned char *bytes, size_t len)
{
	if (s->fd != -1)
		(void)sendto(s->fd, bytes, len, 0, (const struct sockaddr *)to,
		    sizeof(*to));
}

static void
slow_answer_free(struct slow_answer *slow)
{
	TAILQ_REMOVE(&slow->server->slow, slow, link);
	event_free(slow->timer);
	free(slow);
}

/* evtimer */
static void
slow_answer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct slow_answer *slow = arg;

	(void)fd;
	(void)what;
	send_answer(slow->server, &slow->to, slow->bytes, slow->len);
	slow_answer_free(slow);
}

static void
send_later(struct name_server *s, const struct sockaddr_in *to,
    const unsigned char *bytes, size_t len)
{
	const struct timeval tv = { 0, SLOW_MS * 1000 };
	struct slow_answer *slow = malloc(sizeof(*slow));

	assert_non_null(slow);
	slow->server = s;
	slow->to = *to;
	memcpy(slow->bytes, bytes, len);
	slow->len = len;
	TAILQ_INSERT_TAIL(&s->slow, slow, link);
	slow->timer = evtimer_new(s->base, slow_answer_cb, slow);
	assert_non_null(slow->timer);
	assert_int_equal(evtimer_add(slow->timer, &tv), 0);
}

/* event: somebody asks by UDP. */
static void
name_server_cb(evutil_socket_t fd, short what, void *arg)
{
	struct name_server *s = arg;
	unsigned char q[512], answer[512];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n;
	size_t len;

	(void)what;
	n = recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &from_len);
	if (n < HEADER)
		return;
	s->asked++;
	if (s->act == NAME_SILENT)
		return;
	if ((len = make_answer(s, q, (size_t)n, false, answer)) == 0)
		return;
	if (s->act == NAME_GARBLED)
		memset(answer + 4, 0xff, len - 4);
	if (s->act == NAME_SLOW)
		send_later(s, &from, answer, len);
	else
		send_answer(s, &from, answer, len);
}

static void
tcp_event_cb(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(bev);
}

/* bufferevent: somebody asks by TCP. */
static void
tcp_read_cb(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct name_server *s = arg;
	unsigned char q[514], answer[514];
	size_t len;

	while (evbuffer_copyout(in, q, sizeof(q)) >= 2) {
		len = (size_t)(q[0] << 8 | q[1]);
		if (evbuffer_get_length(in) < len + 2)
			return;
		evbuffer_drain(in, len + 2);
		s->asked_tcp++;
		len = make_answer(s, q + 2, len, true, answer + 2);
		answer[0] = (unsigned char)(len >> 8);
		answer[1] = (unsigned char)len;
		if (len > 0)
			bufferevent_write(bev, answer, len + 2);
	}
}

static void
tcp_accept_cb(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *sa, int len, void *arg)
{
	struct name_server *s = arg;
	struct bufferevent *bev =
	    bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)listener;
	(void)sa;
	(void)len;
	bufferevent_setcb(bev, tcp_read_cb, NULL, tcp_event_cb, s);
	bufferevent_enable(bev, EV_READ);
}

/* A port that is free by UDP and by TCP. */
static void
bind_both(struct name_server *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);

	while (s->tcp == NULL) {
		sin.sin_port = 0;
		s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		assert_int_not_equal(s->fd, -1);
		assert_int_equal(bind(s->fd, (struct sockaddr *)&sin, len), 0);
		assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sin,
				     &len),
		    0);
		s->port = ntohs(sin.sin_port);
		s->tcp = evconnlistener_new_bind(s->base, tcp_accept_cb, s,
		    LEV_OPT_CLOSE_ON_FREE, 16, (struct sockaddr *)&sin,
		    sizeof(sin));
		if (s->tcp == NULL)
			assert_int_equal(close(s->fd), 0);
	}
}

void
name_server_open(struct name_server *s, struct event_base *base,
    enum name_act act)
{
	*s = (struct name_server){ .base = base,
		.act = act,
		.ttl_s = 60,
		.address = 7,
		.fd = -1 };
	TAILQ_INIT(&s->slow);
	bind_both(s);
	if (act == NAME_DEAD) {
		evconnlistener_free(s->tcp);
		s->tcp = NULL;
		assert_int_equal(close(s->fd), 0);
		s->fd = -1;
		return;
	}
	s->ev = event_new(base, s->fd, EV_READ | EV_PERSIST, name_server_cb, s);
	assert_int_equal(event_add(s->ev, NULL), 0);
}

void
name_server_close(struct name_server *s)
{
	while (s->ev != NULL && !TAILQ_EMPTY(&s->slow))
		slow_answer_free(TAILQ_FIRST(&s->slow));
	if (s->ev != NULL)
		event_free(s->ev);
	if (s->tcp != NULL)
		evconnlistener_free(s->tcp);
	if (s->fd != -1)
		assert_int_equal(close(s->fd), 0);
	s->ev = NULL;
	s->tcp = NULL;
	s->fd = -1;
}
