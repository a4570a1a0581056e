/*
 * The public listeners: with TLS where there is a certificate, and without it
 * on the loopback beside them.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/app/server_endpoints.h"
#include "server/app/server_http.h"
#include "server/app/server_parts.h"
#include "server/app/server_secrets.h"
#include "server/app/server_sockets.h"
#include "server/app/server_upkeep.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/cli/open_files.h"
#include "server/http/http_guard.h"
#include "server/pull/pull_route.h"

#define ANNOUNCE_WAIT_MS 1000 /* for one who reads the standard output */

/* One of them, with its head and what memory is wasted, has to fit. */
_Static_assert((CONFIG_BODY_MAX_MIB + 1) * (size_t)1024 * 1024 <=
		   HTTP_UNVERIFIED_MAX,
    "the largest body fits in what all requests may hold");

/* As many connections as there are descriptors for. */
static size_t
connections(const struct config *cfg)
{
	uint64_t limit = open_files_limit();
	size_t n = open_files_connections(cfg, limit);

	if (n < (size_t)cfg->http_max_connections)
		log_warn("http.max_connections: %zu connections, and not %lld: "
			 "%llu files may be open, and %zu are kept for all "
			 "else: raise the limit (ulimit -Hn, LimitNOFILE= of "
			 "systemd), or lower http.max_connections",
		    n, (long long)cfg->http_max_connections,
		    (unsigned long long)limit, open_files_kept(cfg));
	return (n);
}

struct http_options
server_http_limits(const struct config *cfg)
{
	return ((struct http_options){
	    .max_body = (size_t)cfg->http_max_body,
	    .max_connections = connections(cfg),
	    .request_timeout_ms = cfg->http_request_timeout_ms,
	    .idle_timeout_ms = cfg->http_idle_timeout_ms,
	    .handshake_timeout_ms = cfg->tls_handshake_timeout_ms,
	    .max_handshakes = (size_t)cfg->tls_max_handshakes,
	});
}

int
server_http_trust(const struct config *cfg, struct http_trust *ret_trust)
{
	const struct key_list *proxies = &cfg->http_trusted_proxies;
	const struct key_list *allow = &cfg->http_allow;

	if (networks_read(proxies->items, proxies->n, &ret_trust->proxies) ==
	    -1)
		return (-1);
	return (networks_read(allow->items, allow->n, &ret_trust->allowed));
}

int
server_load_tls(const struct config *cfg, struct tls_context **ret_ctx,
    char reason[TLS_REASON_MAX])
{
	const struct tls_server_options opt = { cfg->tls_certificate,
		cfg->tls_key };
	struct tls_context *ctx = NULL;

	if (cfg->tls_certificate != NULL &&
	    (ctx = tls_server_new(&opt, reason)) == NULL)
		return (-1);
	*ret_ctx = ctx;
	return (0);
}

/* Could a line be written within a while? Sets errno if not. */
static bool
stdout_has_room(void)
{
	struct pollfd fd = { STDOUT_FILENO, POLLOUT, 0 };

	if (poll(&fd, 1, ANNOUNCE_WAIT_MS) != 0)
		return (true);
	errno = EAGAIN;
	return (false);
}

void
server_announce(const char *what, const char *url)
{
	if (stdout_has_room()) {
		(void)printf("%s: %s\n", what, url);
		if (fflush(stdout) == 0)
			return;
	}
	/* Deliveries matter more than who started us. */
	log_warn("the standard output cannot be written: %s: %s: %s", what, url,
	    strerror(errno));
	clearerr(stdout);
}

/* The public listener, with its routes. NULL when out of memory. */
static struct http *
public_http(struct server *s, const struct http_options *limits)
{
	struct http_site site = {
		.name = "http",
		.advice = "block it in front of klikitd, or raise "
			  "http.max_connections if it is no stranger",
		.needs_length = true,
	};
	struct http_route *routes;
	struct http *h;

	routes = server_endpoints_routes(s->cfg, s->front.endpoints,
	    s->front.pulls, &site.nroutes);
	if (routes == NULL)
		return (NULL);
	site.routes = routes;
	h = http_new(s->base, limits, &site);
	free(routes);
	return (h);
}

typedef int listen_fn(struct http *h, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[256]);

/* Listen there, say where, and note it. */
static int
listen_at(struct server *s, const char *key, const char *address,
    listen_fn *listen, char ret_url[HTTP_URL_MAX])
{
	char reason[256];

	if (listen(s->front.http, address, ret_url, reason) == -1) {
		log_error("%s: %s", key, reason);
		return (-1);
	}
	if (listen == http_listen || listen == http_listen_tls)
		server_webhooks_add(&s->webhooks, s->cfg, ret_url);
	server_announce("listening", ret_url);
	return (0);
}

/*
 * Listen on each that the key lists, and print where. ret_first is the first
 * one's, if any.
 */
static int
listen_on(struct server *s, enum listen_key which, const struct key_list *list,
    listen_fn *listen, char ret_first[HTTP_URL_MAX])
{
	char address[SERVER_ADDRESS_MAX], url[HTTP_URL_MAX];
	size_t n = 0;

	while (server_sockets_next(s, which, list, &n, address)) {
		if (listen_at(s, server_sockets_key(which), address, listen,
			url) == -1)
			return (-1);
		if (ret_first[0] == '\0')
			(void)strcpy(ret_first, url);
	}
	return (0);
}

int
server_open_http(struct server *s, char ret_url[HTTP_URL_MAX])
{
	const struct http_options limits = server_http_limits(s->cfg);
	struct http_trust trust = { 0 };
	char plain[HTTP_URL_MAX] = "";

	if ((s->front.secrets = server_secrets_new(s->cfg,
		 clock_watch_wall(s->clock).ms)) == NULL ||
	    (s->front.webhook = webhook_new(s->ingest, s->front.diag,
		 clock_watch_steady(s->clock))) == NULL ||
	    (s->front.endpoints = server_endpoints_new(s->cfg, s->front.webhook,
		 s->front.secrets)) == NULL ||
	    (s->front.pulls = pull_route_new(s->front.hub)) == NULL ||
	    (s->front.http = public_http(s, &limits)) == NULL ||
	    (s->front.tls != NULL &&
		http_set_tls(s->front.http, s->front.tls) == -1) ||
	    server_http_trust(s->cfg, &trust) == -1) {
		http_trust_fini(&trust);
		log_error("cannot start: out of memory");
		return (-1);
	}
	server_watch_probes(s);
	webhook_set_limit(s->front.webhook, s->cfg->http_max_failures,
	    s->cfg->http_failure_work);
	http_set_trust(s->front.http, trust);
	if (listen_on(s, LISTEN_HTTP, &s->cfg->http_listen,
		s->front.tls != NULL ? http_listen_tls : http_listen,
		ret_url) == -1 ||
	    listen_on(s, LISTEN_PLAIN, &s->cfg->http_plain_listen, http_listen,
		plain) == -1 ||
	    listen_on(s, LISTEN_PROXY, &s->cfg->http_proxy_listen,
		s->front.tls != NULL ? http_listen_proxy_tls
				     : http_listen_proxy,
		plain) == -1)
		return (-1);
	return (server_sockets_used(s));
}
