/*
 * http_share.h -- who holds how much of what all connections share.
 *
 * Owns:    a table of the addresses that are connected, with the connections,
 *          handshakes and bytes of each; the order in which connections were
 *          last heard of; the choice of the one that pays when a limit that all
 *          share is reached.
 * Touches: no socket and no clock; closes nothing. Pure but for memory.
 *
 * The rule (guarantee 4 of README.md): nothing is refused for its address, but
 * when a shared limit is reached the greediest address pays, not the one that
 * came first. Within it pay first those who never said anything, then those
 * longest unheard of; of bytes, the one that holds most. A caller pays after
 * the strangers of its own address, and not after those of others: anybody can
 * be one. A connection that has proved itself pays only when no other is left;
 * one that is being served, never.
 *
 * An address is in the table only while it has a connection: the table is never
 * larger than the limit on connections, whoever says which address it is.
 */
#ifndef SERVER_HTTP_SHARE_H
#define SERVER_HTTP_SHARE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/peer_net.h"

enum http_share_what {
	HTTP_SHARE_CONNECTIONS, /* 1 each, from joining */
	HTTP_SHARE_HANDSHAKES,  /* 1 from its first step to its end */
	HTTP_SHARE_BYTES        /* as allocated */
};
#define HTTP_SHARE_NWHATS 3

enum http_share_standing {
	HTTP_SHARE_STRANGER,
	HTTP_SHARE_CALLER, /* has asked for something that anybody may */
	HTTP_SHARE_PROVEN, /* has delivered a new authentic event; logged in */
	HTTP_SHARE_SERVED  /* its request is being worked on: never chosen */
};
#define HTTP_SHARE_NSTANDINGS 4

/* An address; private to http_share.c. */
struct http_share;

/* One connection's; to be embedded; fields private to http_share.c. */
struct http_holder {
	struct http_share *share;      /* NULL: not in the table */
	TAILQ_ENTRY(http_holder) next; /* of its address */
	size_t held[HTTP_SHARE_NWHATS];
	uint64_t heard; /* the turn in which it last was */
	enum http_share_standing standing;
	bool spoke;
};

LIST_HEAD(http_share_bucket, http_share);

/* Of one listener; fields private to http_share.c. */
struct http_shares {
	struct http_share_bucket *buckets;
	size_t nbuckets;
	size_t naddresses;
	uint64_t seed;
	uint64_t turn; /* counts what is heard */
	size_t total[HTTP_SHARE_NSTANDINGS][HTTP_SHARE_NWHATS];
};

/* seed: random. Returns 0; -1 when out of memory, and then fini is harmless. */
int http_shares_init(struct http_shares *shares, uint64_t seed);

/* Only when every holder has left. */
void http_shares_fini(struct http_shares *shares);

/*
 * A connection has come from net: a stranger that holds one connection. Keeps
 * holder, which is all zero, until http_share_leave(). Returns 0; -1 when out
 * of memory, and then leave is harmless.
 */
int http_share_join(struct http_shares *shares, struct http_holder *holder,
    struct peer_net net);

/*
 * Its connection is net's now: all that it holds is, with its standing. Returns
 * 0; -1 when out of memory, and then it stays where it is. Not in the table: 0.
 */
int http_share_move(struct http_shares *shares, struct http_holder *holder,
    struct peer_net net);

/* It is gone, and gives back what it holds. Also after it has left. */
void http_share_leave(struct http_shares *shares, struct http_holder *holder);

/* It now holds so much of this, no longer what it did. */
void http_share_hold(struct http_shares *shares, struct http_holder *holder,
    enum http_share_what what, size_t amount);

/* Bytes came from it that count as a sign of life. */
void http_share_heard(struct http_shares *shares, struct http_holder *holder);

void http_share_stand(struct http_holder *holder,
    enum http_share_standing standing);

/* What all hold together. */
size_t http_shares_total(const struct http_shares *shares,
    enum http_share_what what);

/* What those hold who may be chosen. Does not read the table. */
size_t http_shares_payable(const struct http_shares *shares,
    enum http_share_what what);

/* What all of the holder's address hold together. */
size_t http_share_of(const struct http_holder *holder,
    enum http_share_what what);

/* How many addresses are connected. */
size_t http_shares_addresses(const struct http_shares *shares);

/*
 * Who gives back some of this, when there is too much of it: see above. The
 * choice reads the whole table. Returns NULL if nobody who may be chosen holds
 * any of it.
 */
struct http_holder *http_shares_greediest(const struct http_shares *shares,
    enum http_share_what what);

#endif /* SERVER_HTTP_SHARE_H */
