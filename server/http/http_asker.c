#include "server/http/http_asker.h"

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/http/http_share.h"

#define LOG_EVERY_S 60

static bool asker_head_cb(void *arg, bool health);

void
http_trust_fini(struct http_trust *trust)
{
	networks_fini(&trust->proxies);
	networks_fini(&trust->allowed);
}

void
http_askers_trust(struct http_askers *all, struct http_trust trust)
{
	http_trust_fini(&all->trust);
	all->trust = trust;
}

void
http_askers_fini(struct http_askers *all)
{
	http_trust_fini(&all->trust);
}

/* -- Whose it is -- */

/* An address that is trusted is nobody's: it has clients of its own. */
static struct peer_net
net_of(const struct http_asker *a, const struct address *address)
{
	return (networks_have(&a->all->trust.proxies, address)
		    ? peer_net_nobody(a->number)
		    : peer_net_of(address));
}

struct peer_net
http_asker_owner_net(const struct http_asker *a)
{
	return (net_of(a, &a->owner));
}

struct peer_net
http_asker_net(const struct http_asker *a)
{
	switch (a->who) {
	case HTTP_ASKER_OWNER:
		break;
	case HTTP_ASKER_NAMED:
		return (net_of(a, &a->named));
	case HTTP_ASKER_UNKNOWN:
		return ((struct peer_net){ 0 });
	}
	return (http_asker_owner_net(a));
}

/* Have it stand in the share of who asks. */
static void
settle(struct http_asker *a)
{
	/* Without memory it stays where it is, and others are counted right. */
	(void)http_share_move(a->all->shares, a->holder, http_asker_net(a));
}

static void
judge(struct http_asker *a)
{
	a->is_proxy = networks_have(&a->all->trust.proxies, &a->owner);
	a->watch.named = a->is_proxy ? &a->field : NULL;
}

int
http_asker_join(struct http_asker *a, struct http_askers *all,
    struct http_holder *holder, const struct address *owner)
{
	a->all = all;
	a->holder = holder;
	a->number = all->numbers++;
	a->owner = *owner;
	(void)address_unmap(&a->owner);
	a->watch = (struct http_head_watch){ .trusted = &all->trust.proxies,
		.ended = asker_head_cb,
		.arg = a };
	judge(a);
	return (http_share_join(all->shares, holder, http_asker_net(a)));
}

void
http_asker_introduce(struct http_asker *a, const struct address *owner)
{
	a->owner = *owner;
	(void)address_unmap(&a->owner);
	a->peer[0] = '\0';
	http_asker_judge(a);
}

void
http_asker_judge(struct http_asker *a)
{
	judge(a);
	if (a->who == HTTP_ASKER_OWNER)
		settle(a);
}

bool
http_asker_is_proxy(const struct http_asker *a)
{
	return (a->is_proxy);
}

const struct http_head_watch *
http_asker_watch(struct http_asker *a)
{
	return (a->is_proxy || a->all->trust.allowed.n > 0 ? &a->watch : NULL);
}

/* -- Who asks -- */

/* By the fields of a trusted proxy. */
static enum http_asker_who
who_of(const struct http_forwarded *named, struct address *ret_client)
{
	switch (http_forwarded_client(named, ret_client)) {
	case HTTP_FORWARDED_NONE:
		break;
	case HTTP_FORWARDED_CLIENT:
		return (HTTP_ASKER_NAMED);
	case HTTP_FORWARDED_UNKNOWN:
		return (HTTP_ASKER_UNKNOWN);
	}
	return (HTTP_ASKER_OWNER);
}

static void
become(struct http_asker *a, enum http_asker_who who,
    const struct address *client)
{
	a->who = who;
	a->named = *client;
	a->peer[0] = '\0';
	settle(a);
}

/* Who is let in. A proxy that is trusted may ask whether we are well. */
static bool
is_allowed(const struct http_asker *a, enum http_asker_who who,
    const struct address *client, bool health)
{
	const struct networks *allowed = &a->all->trust.allowed;

	if (allowed->n == 0)
		return (true);
	switch (who) {
	case HTTP_ASKER_OWNER:
		return ((a->is_proxy && health) ||
			networks_have(allowed, &a->owner));
	case HTTP_ASKER_NAMED:
		return (networks_have(allowed, client));
	case HTTP_ASKER_UNKNOWN:
		break;
	}
	return (false);
}

/* http_head_watch: a head has ended, perhaps while a request is under way. */
static bool
asker_head_cb(void *arg, bool health)
{
	struct http_asker *a = arg;
	enum http_asker_who who = HTTP_ASKER_OWNER;
	struct address client = { 0 };

	if (a->is_proxy) {
		who = who_of(&a->field, &client);
		if (!a->in_route)
			become(a, who, &client);
	}
	return (is_allowed(a, who, &client, health));
}

/* The header fields of a proxy do not say for whom it asks. */
static void
report_unknown(struct http_asker *a)
{
	char host[ADDRESS_HOST_MAX], more[RATE_MORE_MAX];

	if (rate_ask_every(&a->all->rate, LOG_EVERY_S, more))
		log_warn("http: the trusted proxy %s does not say clearly for "
			 "whom it asks, so that nobody is believed: have it "
			 "write one of Forwarded and X-Forwarded-For, and "
			 "remove the other%s",
		    address_text(&a->owner, host), more);
}

void
http_asker_begin(struct http_asker *a, const struct http_forwarded *named)
{
	struct address client = { 0 };
	enum http_asker_who who = who_of(named, &client);

	a->in_route = true;
	become(a, who, &client);
	if (who == HTTP_ASKER_UNKNOWN)
		report_unknown(a);
}

void
http_asker_end(struct http_asker *a, bool has_head)
{
	struct address client = { 0 };

	a->in_route = false;
	if (a->is_proxy && has_head)
		become(a, who_of(&a->field, &client), &client);
	else if (a->who != HTTP_ASKER_OWNER)
		become(a, HTTP_ASKER_OWNER, &client);
}

const char *
http_asker_peer(struct http_asker *a)
{
	const struct address *address =
	    a->who == HTTP_ASKER_NAMED ? &a->named : &a->owner;
	char host[ADDRESS_HOST_MAX];

	if (a->peer[0] != '\0')
		return (a->peer);
	(void)address_text(address, host);
	if (address->port == 0)
		(void)snprintf(a->peer, sizeof(a->peer), "%s", host);
	else
		(void)snprintf(a->peer, sizeof(a->peer),
		    address->family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		    address->port);
	return (a->peer);
}
