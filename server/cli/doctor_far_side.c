/*
 * The check of a handler's far side: it is looked up, connected to and greeted
 * by TLS as forward does it, but asked nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "handlers/net/dial.h"
#include "handlers/net/resolver.h"
#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/tls/tls.h"
#include "store/base/timeval.h"

#define PROBE_MAX_MS 5000
#define PATIENCE_MS 250 /* with one address, before the next is tried */
#define WHY_MAX (TLS_REASON_MAX + 64)

/* A connection to a far side, on its way; made as forward makes one. */
struct probe {
	struct event_base *base;
	struct resolver *resolver;
	struct dialer *dialer;
	struct dial *dial;       /* under way, or NULL */
	struct tls_context *tls; /* NULL: plain HTTP */
	struct tls_engine *engine;
	struct bufferevent *bev; /* TLS shakes hands on it, or NULL */
	const char *host;
	uint16_t port;
	size_t addresses;
	bool connected;
	bool failed;
	char peer[DIAL_PEER_MAX];
	char why[WHY_MAX]; /* it failed */
};

static void __attribute__((format(printf, 2, 3)))
probe_fail(struct probe *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(p->why, WHY_MAX, fmt, ap);
	va_end(ap);
	p->failed = true;
	(void)event_base_loopbreak(p->base);
}

/* bufferevent: it is greeted, or is not. */
static void
probe_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct probe *p = arg;
	const char *tls = tls_reason(bev);
	int error = EVUTIL_SOCKET_ERROR();

	if ((what & BEV_EVENT_CONNECTED) != 0) {
		p->connected = true;
		(void)event_base_loopbreak(p->base);
	} else if (tls != NULL)
		probe_fail(p, "%s", tls);
	else
		probe_fail(p, "%s",
		    (what & BEV_EVENT_EOF) != 0
			? "closed the connection"
			: evutil_socket_error_to_string(error));
}

/* dial_fn */
static void
probe_dialed_cb(const struct dial_end *end, void *arg)
{
	struct probe *p = arg;

	p->dial = NULL;
	p->addresses = end->addresses;
	if (end->reason != NULL) {
		probe_fail(p, "%s", end->reason);
		return;
	}
	(void)snprintf(p->peer, sizeof(p->peer), "%s", end->peer);
	if (p->tls == NULL) {
		(void)close(end->fd);
		p->connected = true;
		(void)event_base_loopbreak(p->base);
		return;
	}
	p->bev = tls_bufferevent_new(p->engine, p->tls, p->host);
	if (p->bev == NULL || bufferevent_setfd(p->bev, end->fd) == -1) {
		(void)close(end->fd);
		probe_fail(p, "out of memory");
		return;
	}
	bufferevent_setcb(p->bev, NULL, NULL, probe_event_cb, p);
	(void)bufferevent_enable(p->bev, EV_READ | EV_WRITE);
}

/* Connect once, and be greeted. */
static void
probe_try(struct probe *p, int64_t timeout_ms)
{
	const struct timeval tv = timeval_of_ms(timeout_ms);
	const char *peer;

	p->dial = dial_start(p->dialer, timeout_ms / 3, PATIENCE_MS,
	    probe_dialed_cb, p);
	if (p->dial == NULL) {
		probe_fail(p, "out of memory");
		return;
	}
	(void)event_base_loopexit(p->base, &tv);
	(void)event_base_dispatch(p->base);
	if (p->dial != NULL) {
		peer = dial_peer(p->dial);
		(void)snprintf(p->why, WHY_MAX, "no answer%s%s",
		    peer == NULL ? "" : " from ", peer == NULL ? "" : peer);
		dial_cancel(p->dial);
		p->dial = NULL;
		p->failed = true;
	}
	if (p->bev != NULL) {
		tls_close(p->bev);
		bufferevent_free(p->bev);
	}
	p->bev = NULL;
}

/* Where TLS hangs at one address another may serve. */
static void
probe_all(struct probe *p, int64_t timeout_ms)
{
	size_t tries = 0;

	do {
		probe_try(p, timeout_ms);
		if (p->connected || p->failed)
			return;
		(void)snprintf(p->why, WHY_MAX,
		    "no answer from %s to the TLS handshake", p->peer);
		dialer_blame(p->dialer, p->peer);
	} while (++tries < p->addresses);
}

/*
 * What a call of the handler would need; files: for TLS, or NULL. Returns 0,
 * or -1 with p->why.
 */
static int
probe_open(struct probe *p, const struct handler_tls_files *files)
{
	struct tls_client_options opt = { .ca_file = NULL };
	const struct tls_engine_options engine = { .handshake_timeout_ms =
						       2 * PROBE_MAX_MS };
	char reason[TLS_REASON_MAX];

	(void)snprintf(p->why, WHY_MAX, "out of memory");
	if ((p->base = event_base_new()) == NULL ||
	    (p->resolver = resolver_new(p->base, "/etc/resolv.conf",
		 "/etc/hosts")) == NULL ||
	    (p->dialer = dialer_new(p->base, p->resolver, p->host, p->port)) ==
		NULL)
		return (-1);
	if (files == NULL)
		return (0);
	opt.ca_file = files->ca_file;
	opt.certificate = files->client_certificate;
	opt.key = files->client_key;
	if ((p->tls = tls_client_new(&opt, reason)) == NULL) {
		(void)snprintf(p->why, WHY_MAX, "%s", reason);
		return (-1);
	}
	return (
	    (p->engine = tls_engine_new(p->base, &engine)) == NULL ? -1 : 0);
}

static void
probe_close(struct probe *p)
{
	tls_engine_free(p->engine);
	tls_context_unref(p->tls);
	dialer_free(p->dialer);
	resolver_free(p->resolver);
	if (p->base != NULL)
		event_base_free(p->base);
}

void
doctor_far_side(struct doctor *d, const struct config_handler *h,
    const struct handler_probe *to)
{
	const struct handler_tls_files *files = config_handler_tls(h);
	struct probe p = { .host = to->host, .port = to->port };
	int64_t timeout_ms =
	    h->timeout_ms < PROBE_MAX_MS ? h->timeout_ms : PROBE_MAX_MS;

	if (probe_open(&p, files) == 0)
		probe_all(&p, timeout_ms);
	if (p.connected)
		doctor_report(d, DOCTOR_OK, NULL, "%s: %s port %u: reached%s",
		    log_text(h->name), log_text(p.host), p.port,
		    files != NULL ? ", and is who it should be" : "");
	else
		doctor_report(d, DOCTOR_FAIL,
		    files != NULL ? "is it running, the address right, its "
				    "certificate for that name, its CA in "
				    "ca_file? Events wait for it"
				  : "is it running, and the address right? "
				    "Events wait for it",
		    "%s: %s port %u: not reached: %s", log_text(h->name),
		    log_text(p.host), p.port, p.why);
	probe_close(&p);
}
