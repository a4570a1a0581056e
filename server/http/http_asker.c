#include "server/http/http_asker.h"

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/http/http_share.h"

#define LOG_EVERY_S 60

void
http_askers_trust(struct http_askers *all, struct networks trusted)
{
	networks_fini(&all->trusted);
	all->trusted = trusted;
}

void
http_askers_fini(struct http_askers *all)
{
	networks_fini(&all->trusted);
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
	a->is_proxy = networks_have(&all->trusted, &a->owner);
	return (http_share_join(all->shares, holder, http_asker_net(a)));
}

/* Have it stand in the share of who asks. */
static void
settle(struct http_asker *a)
{
	/* Without memory it stays where it is, and others are counted right. */
	(void)http_share_move(a->all->shares, a->holder, http_asker_net(a));
}

void
http_asker_judge(struct http_asker *a)
{
	a->is_proxy = networks_have(&a->all->trusted, &a->owner);
	if (a->who == HTTP_ASKER_OWNER)
		settle(a);
}

bool
http_asker_is_proxy(const struct http_asker *a)
{
	return (a->is_proxy);
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
	a->peer[0] = '\0';
	switch (http_forwarded_client(named, &a->named)) {
	case HTTP_FORWARDED_NONE:
		a->who = HTTP_ASKER_OWNER;
		break;
	case HTTP_FORWARDED_CLIENT:
		a->who = HTTP_ASKER_NAMED;
		break;
	case HTTP_FORWARDED_UNKNOWN:
		a->who = HTTP_ASKER_UNKNOWN;
		report_unknown(a);
		break;
	}
	settle(a);
}

void
http_asker_end(struct http_asker *a)
{
	if (a->who == HTTP_ASKER_OWNER)
		return;
	a->who = HTTP_ASKER_OWNER;
	a->peer[0] = '\0';
	settle(a);
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

/* An address that is trusted is nobody's: it has clients of its own. */
static struct peer_net
net_of(const struct http_asker *a, const struct address *address)
{
	return (networks_have(&a->all->trusted, address)
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
