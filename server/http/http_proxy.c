/*
 * http_proxy.c -- connections that begin with a PROXY header.
 *
 * The header is taken out of the input by the callback that sees the bytes
 * first: the guard's, or below TLS one of its own. Never is a byte taken that
 * is behind its end, so that nothing has to be put back.
 */
#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "server/http/http_asker.h"
#include "server/http/http_guard.h"
#include "server/http/http_proxy.h"
#include "server/http/proxy_header.h"
#include "server/tls/tls.h"

struct http_proxy_bytes {
	size_t len;
	unsigned char bytes[PROXY_HEADER_MAX];
};

/* Await it no longer. */
static void
stop(struct http_proxy *p)
{
	if (p->below_cb != NULL)
		(void)evbuffer_remove_cb_entry(p->below, p->below_cb);
	p->below_cb = NULL;
	free(p->got);
	p->got = NULL;
}

static void
refuse(struct http_proxy *p, enum http_cut why, const char *reason)
{
	stop(p);
	tls_blame(p->bev, reason);
	http_guard_end(p->guard, why, reason);
}

/* It has come whole. */
static void
arrived(struct http_proxy *p, const struct proxy_header *header)
{
	stop(p);
	http_guard_preface(p->guard, NULL, NULL);
	if (header->names_client)
		http_asker_introduce(p->asker, &header->client);
	http_guard_watch(p->guard, http_asker_watch(p->asker));
}

/* Take of the added bytes those of the header. Returns how many are left. */
static size_t
take(struct http_proxy *p, struct evbuffer *input, size_t added)
{
	struct http_proxy_bytes *got = p->got;
	struct proxy_header header;
	enum proxy_header_rc rc;
	int n;

	while ((rc = proxy_header_read(got->bytes, got->len, &header)) ==
		   PROXY_HEADER_MORE &&
	       added > 0) {
		n = evbuffer_remove(input, got->bytes + got->len,
		    header.wanted < added ? header.wanted : added);
		if (n <= 0)
			return (0);
		got->len += (size_t)n;
		added -= (size_t)n;
	}
	switch (rc) {
	case PROXY_HEADER_MORE:
		return (0);
	case PROXY_HEADER_DONE:
		arrived(p, &header);
		return (added);
	case PROXY_HEADER_BAD:
		break;
	}
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	refuse(p, HTTP_CUT_BAD, header.reason);
	return (0);
}

/* http_guard: bytes have come, before any request. */
static size_t
proxy_preface_cb(struct evbuffer *input, size_t added, void *arg)
{
	struct http_proxy *p = arg;

	return (p->got == NULL ? added : take(p, input, added));
}

/* evbuffer: bytes have come below TLS, or TLS took some out. */
static void
proxy_below_cb(struct evbuffer *input, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct http_proxy *p = arg;

	if (info->n_added > 0 && p->got != NULL)
		(void)take(p, input, info->n_added);
}

void
http_proxy_await(struct http_proxy *p, struct bufferevent *bev,
    struct http_guard *guard, struct http_asker *asker)
{
	struct bufferevent *under = bufferevent_get_underlying(bev);

	*p = (struct http_proxy){ .bev = bev, .guard = guard, .asker = asker };
	if (!http_asker_is_proxy(asker)) {
		refuse(p, HTTP_CUT_FORBIDDEN,
		    "not in http.trusted_proxies, and http.proxy_listen "
		    "is for these only");
		return;
	}
	if ((p->got = calloc(1, sizeof(*p->got))) == NULL) {
		refuse(p, HTTP_CUT_MEMORY, "out of memory");
		return;
	}
	if (under == NULL) {
		http_guard_preface(guard, proxy_preface_cb, p);
		return;
	}
	p->below = bufferevent_get_input(under);
	p->below_cb = evbuffer_add_cb(p->below, proxy_below_cb, p);
	if (p->below_cb == NULL)
		refuse(p, HTTP_CUT_MEMORY, "out of memory");
}

void
http_proxy_fini(struct http_proxy *p)
{
	stop(p);
}
