#include "handlers/net/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/net/link.h"

struct reach {
	struct link *link;
	struct handler_inspection in;
	bool tls;
	bool over;
	uint16_t port;
	char host[HANDLER_HOST_MAX];
};

static void
reach_end(struct reach *r, enum handler_level level, const char *advice,
    const char *how, const char *why)
{
	char text[HANDLER_HOST_MAX + HANDLER_REASON_MAX + 64];

	if (r->over)
		return;
	r->over = true;
	(void)snprintf(text, sizeof(text), "%s port %u: %s%s", r->host, r->port,
	    how, why);
	r->in.found(r->in.arg, level, text, advice);
	r->in.done(r->in.arg);
}

/* link_protocol: it is connected, and TLS has shaken hands. */
static void
reach_greet(void *arg, struct link *l)
{
	struct reach *r = arg;

	(void)l;
	reach_end(r, HANDLER_FINE, NULL, "reached",
	    r->tls ? ", and is who it should be" : "");
}

/* link_protocol: what comes unasked is nothing to us. */
static int
reach_input(void *arg, struct link *l, struct evbuffer *in)
{
	(void)arg;
	(void)l;
	(void)in;
	return (0);
}

/* link_protocol */
static void
reach_down(void *arg, struct link *l, const struct link_end *end)
{
	struct reach *r = arg;

	(void)l;
	reach_end(r, HANDLER_WRONG,
	    r->tls ? "is it running, the address right, its certificate for "
		     "that name, its CA in ca_file? Events wait for it"
		   : "is it running, and the address right? Events wait for it",
	    "not reached: ", end->reason);
}

static const struct link_protocol reach_protocol = {
	.greet = reach_greet,
	.input = reach_input,
	.down = reach_down,
};

struct reach *
reach_start(const struct handler_env *env, struct handler_tls *tls,
    const char *host, uint16_t port, int64_t limit_ms,
    const struct handler_inspection *in)
{
	const struct link_options opt = {
		.env = env,
		.tls = tls,
		.host = host,
		.port = port,
		.connect_ms = limit_ms,
		.input_max = 1024,
	};
	struct reach *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->in = *in;
	r->tls = tls != NULL;
	r->port = port;
	(void)snprintf(r->host, sizeof(r->host), "%s", host);
	if ((r->link = link_new(&opt, &reach_protocol, r)) == NULL) {
		reach_free(r);
		return (NULL);
	}
	link_want(r->link);
	return (r);
}

void
reach_free(struct reach *r)
{
	if (r == NULL)
		return;
	link_free(r->link);
	free(r);
}
