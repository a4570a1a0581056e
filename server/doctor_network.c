/*
 * The checks of what comes in and goes out: our ports, and the handlers' far
 * sides. A far side is connected to and greeted by TLS, but asked nothing.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "handlers/http_client.h"
#include "handlers/program.h"
#include "server/doctor_private.h"
#include "server/http.h"
#include "server/log.h"
#include "server/tls.h"
#include "store/base/arena.h"

#define PROBE_MAX_MS 5000
#define WHY_MAX (TLS_REASON_MAX + 64)

/* -- Ports -- */

static void
port_in_use(struct doctor *d, const char *key, const char *address,
    unsigned port)
{
	pid_t pid = doctor_proc_listener(port);

	if (pid != 0 && pid == d->holder)
		doctor_tell(d, DOCTOR_OK, NULL,
		    "%s: %s: klikitd itself listens there (pid %d)", key,
		    address, (int)pid);
	else if (pid != 0)
		doctor_tell(d, DOCTOR_FAIL,
		    "stop that program, or choose another port",
		    "%s: %s: is taken by %s (pid %d)", key, address,
		    doctor_proc_name(pid), (int)pid);
	else if (d->holder != 0)
		doctor_tell(d, DOCTOR_WARN,
		    "run doctor as klikitd's user to see who that is",
		    "%s: %s: is taken, perhaps by the klikitd that runs (pid "
		    "%d)",
		    key, address, (int)d->holder);
	else
		doctor_tell(d, DOCTOR_FAIL,
		    "stop that program (ss -ltnp names it to root), or choose "
		    "another port",
		    "%s: %s: is taken by another program", key, address);
}

static void
port_look(struct doctor *d, const char *key, const char *address)
{
	unsigned port = (unsigned)atoi(strrchr(address, ':') + 1);
	const char *text = log_text(address);
	int error;

	if (port == 0) {
		doctor_tell(d, DOCTOR_OK, NULL,
		    "%s: %s: the kernel chooses the port", key, text);
		return;
	}
	switch (error = http_listen_test(address)) {
	case 0:
		doctor_tell(d, DOCTOR_OK, NULL, "%s: %s: free", key, text);
		break;
	case EADDRINUSE:
		port_in_use(d, key, text, port);
		break;
	case EACCES:
		doctor_tell(d, DOCTOR_FAIL,
		    "choose a port above 1023, or give klikitd "
		    "CAP_NET_BIND_SERVICE",
		    "%s: %s: ports below 1024 need a privilege", key, text);
		break;
	case EADDRNOTAVAIL:
		doctor_tell(d, DOCTOR_FAIL,
		    "name one of its addresses (ip address), or * for all",
		    "%s: %s: this machine has no such address", key, text);
		break;
	default:
		doctor_tell(d, DOCTOR_FAIL, "choose another address",
		    "%s: %s: %s", key, text, strerror(error));
		break;
	}
}

static void
ports_of(struct doctor *d, const char *key, const struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		port_look(d, key, list->items[i]);
}

void
doctor_ports(struct doctor *d)
{
	ports_of(d, "http.listen", &d->cfg->http_listen);
	ports_of(d, "http.plain_listen", &d->cfg->http_plain_listen);
	ports_of(d, "admin.listen", &d->cfg->admin_listen);
}

/* -- Far sides -- */

/* A connection to a far side, on its way. */
struct probe {
	struct event_base *base;
	struct tls_context *tls; /* NULL: plain HTTP */
	struct tls_engine *engine;
	struct bufferevent *bev;
	const struct http_client_url *url;
	bool connected;
	char why[WHY_MAX]; /* it failed */
};

/* bufferevent: it is connected (and greeted), or is not. */
static void
probe_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct probe *p = arg;
	const char *tls = tls_reason(bev);
	int error = EVUTIL_SOCKET_ERROR();

	if ((what & BEV_EVENT_CONNECTED) != 0)
		p->connected = true;
	else if (tls != NULL)
		(void)snprintf(p->why, WHY_MAX, "%s", tls);
	else if ((what & BEV_EVENT_TIMEOUT) != 0)
		(void)snprintf(p->why, WHY_MAX, "no answer");
	else
		(void)snprintf(p->why, WHY_MAX, "%s",
		    (what & BEV_EVENT_EOF) != 0
			? "closed the connection"
			: evutil_socket_error_to_string(error));
	(void)event_base_loopbreak(p->base);
}

/* One address of the far side. */
static void
probe_address(struct probe *p, const struct addrinfo *ai, int64_t timeout_ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(timeout_ms / 1000),
		.tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };

	(void)snprintf(p->why, WHY_MAX, "no answer");
	p->bev =
	    p->tls != NULL
		? tls_bufferevent_new(p->engine, p->tls, p->url->host)
		: bufferevent_socket_new(p->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (p->bev == NULL) {
		(void)snprintf(p->why, WHY_MAX, "out of memory");
		return;
	}
	bufferevent_setcb(p->bev, NULL, NULL, probe_event_cb, p);
	(void)bufferevent_enable(p->bev, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(p->bev, ai->ai_addr,
		(int)ai->ai_addrlen) == 0) {
		(void)event_base_loopexit(p->base, &tv);
		(void)event_base_dispatch(p->base);
	} else
		(void)snprintf(p->why, WHY_MAX, "%s", strerror(errno));
	tls_close(p->bev);
	bufferevent_free(p->bev);
	p->bev = NULL;
}

/* Each of its addresses until one works. */
static void
probe_all(struct probe *p, int64_t timeout_ms)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG };
	struct addrinfo *list;
	char port[8];
	int rc;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)p->url->port);
	if ((rc = getaddrinfo(p->url->host, port, &hints, &list)) != 0) {
		(void)snprintf(p->why, WHY_MAX,
		    "its name cannot be looked up: %s", gai_strerror(rc));
		return;
	}
	for (struct addrinfo *ai = list; ai != NULL && !p->connected;
	     ai = ai->ai_next)
		probe_address(p, ai, timeout_ms);
	freeaddrinfo(list);
}

/* What a call of the handler would need. Returns 0, or -1 with p->why. */
static int
probe_open(struct probe *p, const struct config_handler *h)
{
	const struct tls_client_options opt = { h->ca_file,
		h->client_certificate, h->client_key };
	const struct tls_engine_options engine = { .handshake_timeout_ms =
						       PROBE_MAX_MS };
	char reason[TLS_REASON_MAX];

	(void)snprintf(p->why, WHY_MAX, "out of memory");
	if ((p->base = event_base_new()) == NULL)
		return (-1);
	if (!p->url->tls)
		return (0);
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
	if (p->base != NULL)
		event_base_free(p->base);
}

static void
handler_forward(struct doctor *d, const struct config_handler *h)
{
	char reason[HANDLER_REASON_MAX];
	struct http_client_url url;
	struct probe p = { .url = &url };
	int64_t timeout_ms =
	    h->timeout_ms < PROBE_MAX_MS ? h->timeout_ms : PROBE_MAX_MS;

	if (http_client_url_parse(h->url, &url, reason) == -1)
		return; /* told by the configuration */
	if (probe_open(&p, h) == 0)
		probe_all(&p, timeout_ms);
	if (p.connected)
		doctor_tell(d, DOCTOR_OK, NULL, "%s: %s port %u: reached%s",
		    log_text(h->name), log_text(url.host), url.port,
		    url.tls ? ", and is who it should be" : "");
	else
		doctor_tell(d, DOCTOR_FAIL,
		    url.tls ? "is it running, the address right, its "
			      "certificate for that name, its CA in ca_file? "
			      "Events wait for it"
			    : "is it running, and the address right? Events "
			      "wait for it",
		    "%s: %s port %u: not reached: %s", log_text(h->name),
		    log_text(url.host), url.port, p.why);
	probe_close(&p);
	http_client_url_fini(&url);
}

/* -- Programs -- */

static void
handler_exec(struct doctor *d, const struct config_handler *h)
{
	char reason[HANDLER_REASON_MAX];
	struct arena memory = { 0 };
	const char *path;

	if (program_find(&memory, h->command.items[0], &path, reason) == 0)
		doctor_tell(d, DOCTOR_OK, NULL, "%s: %s: can be run",
		    log_text(h->name), log_text(path));
	else
		doctor_tell(d, DOCTOR_FAIL,
		    "install it, or chmod +x it, for klikitd's user", "%s: %s",
		    log_text(h->name), reason);
	arena_fini(&memory);
}

void
doctor_handlers(struct doctor *d)
{
	size_t looked = 0;

	for (size_t i = 0; i < d->cfg->nhandlers; i++) {
		const struct config_handler *h = &d->cfg->handlers[i];

		if (h->command.n > 0)
			handler_exec(d, h);
		else if (h->url != NULL && d->opt->network)
			handler_forward(d, h);
		else
			continue;
		looked++;
	}
	if (looked == 0)
		doctor_tell(d, DOCTOR_OK, NULL,
		    "none that calls out was looked at");
}
