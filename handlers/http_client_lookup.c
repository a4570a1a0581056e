/*
 * evdns answers numeric hosts and those of the hosts file within the call,
 * the rest from the loop. A lookup lives until evdns has called back, also
 * when it was cancelled.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include "handlers/http_client_private.h"

struct client_lookup {
	struct http_client_call *call; /* NULL once it is not wanted */
	struct evdns_getaddrinfo_request *req;
};

/* evdns: the answer, or why there is none. */
static void
lookup_done_cb(int result, struct evutil_addrinfo *addrs, void *arg)
{
	struct client_lookup *lookup = arg;
	struct http_client_call *call = lookup->call;

	free(lookup);
	if (call == NULL) {
		if (addrs != NULL)
			evutil_freeaddrinfo(addrs);
		return;
	}
	call->lookup = NULL;
	if (result == 0 && addrs != NULL) {
		call->addrs = addrs;
		call->next_addr = addrs;
	} else if (result == 0 || result == EVUTIL_EAI_NONAME ||
		   result == EVUTIL_EAI_NODATA) {
		call->lookup_failure = "no such host";
	} else {
		call->lookup_failure = "the name could not be looked up";
	}
	event_active(call->kick, EV_READ, 0);
}

int
client_lookup_start(struct http_client_call *call)
{
	const struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP };
	const struct http_client *hc = call->hc;
	struct evdns_getaddrinfo_request *req;
	struct client_lookup *lookup;
	char port[8];

	if ((lookup = calloc(1, sizeof(*lookup))) == NULL)
		return (-1);
	lookup->call = call;
	call->lookup = lookup;
	snprintf(port, sizeof(port), "%u", hc->url.port);
	if (hc->env->before_lookup != NULL)
		hc->env->before_lookup(hc->env->arg);
	req = evdns_getaddrinfo(hc->env->dns, hc->url.host, port, &hints,
	    lookup_done_cb, lookup);
	if (call->lookup != NULL) /* it was not answered at once */
		lookup->req = req;
	return (0);
}

void
client_lookup_cancel(struct client_lookup *lookup)
{
	lookup->call = NULL;
	evdns_getaddrinfo_cancel(lookup->req);
}
