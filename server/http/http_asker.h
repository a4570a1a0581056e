/*
 * http_asker.h -- who asks on a connection, now.
 *
 * Owns:    whose a connection is (its socket's, or whom the PROXY header
 *          names), and for whom a trusted proxy asks on it; what
 *          limits on strangers take for the address of that one, and in whose
 *          share the connection stands.
 * Touches: the shares, the log. All else that wants to know an address asks
 *          here.
 *
 * A connection is its socket's address's. Only if that is in
 * http.trusted_proxies is anything else believed: then each request is its
 * client's, as the proxy names it, and is charged to him from the end of its
 * head until its answer has left.
 * Between requests, and when the proxy asks for itself (it names nobody), the
 * connection is nobody's: an address of its own, so that a proxy is never the
 * greediest for having many clients. Where nobody can know the client
 * (http_forwarded.h) all such together are charged as one address.
 */
#ifndef SERVER_HTTP_ASKER_H
#define SERVER_HTTP_ASKER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/address.h"
#include "server/base/network.h"
#include "server/base/peer_net.h"
#include "server/base/rate.h"
#include "server/http/http_forwarded.h"
#include "server/http/http_reader.h"

struct http_holder;
struct http_shares;

#define HTTP_PEER_MAX (ADDRESS_HOST_MAX + sizeof("[]:65535"))

/* Whom a listener trusts, and whom it lets in. */
struct http_trust {
	struct networks proxies; /* http.trusted_proxies */
	struct networks allowed; /* http.allow; none: everybody */
};
void http_trust_fini(struct http_trust *trust);

/* What the connections of a listener share. All zero: nobody is trusted. */
struct http_askers {
	struct http_shares *shares;
	struct http_trust trust;
	uint64_t numbers; /* given to connections */
	struct rate rate; /* lines on clients that nobody knows */
};

enum http_asker_who {
	HTTP_ASKER_OWNER, /* whose the connection is */
	HTTP_ASKER_NAMED, /* the client that a trusted proxy names */
	HTTP_ASKER_UNKNOWN
};

/* One connection's; to be embedded; private to http_asker.c. */
struct http_asker {
	struct http_askers *all;
	struct http_holder *holder;
	uint64_t number;
	struct address owner;
	bool is_proxy; /* the owner is trusted */
	bool in_route; /* a request is with a route */
	enum http_asker_who who;
	struct address named;        /* of HTTP_ASKER_NAMED */
	struct http_forwarded field; /* of the head that was read last */
	struct http_head_watch watch;
	char peer[HTTP_PEER_MAX]; /* made when first asked for */
};

/*
 * Trust these from now on. Takes trust. The connections that there are have to
 * be told: http_asker_judge().
 */
void http_askers_trust(struct http_askers *all, struct http_trust trust);
void http_askers_fini(struct http_askers *all);

/*
 * A connection has come from that address. Has holder join the shares, and
 * keeps it. Returns 0; -1 when out of memory.
 */
int http_asker_join(struct http_asker *a, struct http_askers *all,
    struct http_holder *holder, const struct address *owner);

/* Its trusted proxy says, before the first request, whose it is. */
void http_asker_introduce(struct http_asker *a, const struct address *owner);

/* Others may be trusted now. */
void http_asker_judge(struct http_asker *a);

/* Is what a request's header fields say of its client believed? */
bool http_asker_is_proxy(const struct http_asker *a);

/*
 * What the reader of the connection has to tell; NULL: nothing. Valid as long
 * as a, and until the next http_asker_judge().
 */
const struct http_head_watch *http_asker_watch(struct http_asker *a);

/* A trusted proxy's request has reached its route; named: what it says. */
void http_asker_begin(struct http_asker *a, const struct http_forwarded *named);

/*
 * The answer to a request has left; has_head: that of the next one has been
 * read already.
 */
void http_asker_end(struct http_asker *a, bool has_head);

/*
 * "ADDRESS:PORT" of who asks, or "ADDRESS" where a proxy names no port; of one
 * that nobody knows, and between requests, of the connection. Borrowed, until
 * the next request.
 */
const char *http_asker_peer(struct http_asker *a);

/*
 * What limits take for his address. peer_net_is_nobody(): a trusted proxy asks
 * for itself, or for nobody yet, and is not to be limited by its address.
 */
struct peer_net http_asker_net(const struct http_asker *a);

/* The same of whose the connection is. */
struct peer_net http_asker_owner_net(const struct http_asker *a);

#endif /* SERVER_HTTP_ASKER_H */
