/*
 * link_way.h -- the way of a link to its far side: look-up, connect, one
 * address of the host after the other.
 *
 * Owns: the dial under way, the connection it has led to.
 */
#ifndef HANDLERS_LINK_WAY_H
#define HANDLERS_LINK_WAY_H

#include <stdbool.h>

#include "handlers/net/conn.h"
#include "handlers/net/dial.h"

struct link_way {
	struct conn_kind kind;
	char *host;
	struct dialer *dialer;
	void (*changed)(void *arg); /* conn, or failure, is new; by the loop */
	void *arg;                  /* also of conn's calls */
	struct dial *dial;          /* under way, or NULL */
	struct conn *conn;          /* NULL: there is none */
	char failure[DIAL_REASON_MAX]; /* why there is none; empty: nothing */
	char peer[DIAL_PEER_MAX];      /* whom it led to last */
	unsigned ndials;               /* that have ended */
	size_t addresses;              /* that the host has */
};

/*
 * Of a way that is all zero but for changed and arg. Copies kind and its host.
 * Returns 0; -1 when out of memory, and then it can be given to _fini().
 */
int link_way_init(struct link_way *way, const struct conn_kind *kind);
void link_way_fini(struct link_way *way);

/* Look up, and connect; limit_ms is of the whole, TLS and login as well. */
void link_way_dial(struct link_way *way, int64_t limit_ms);

/* Whom it is being connected to; NULL: the host is still being looked up. */
const char *link_way_whom(const struct link_way *way);

/* Is there an address that was not tried since link_way_reset()? */
bool link_way_has_other(const struct link_way *way);

/* Who the connection leads to does not serve: others are tried before it. */
void link_way_blame(struct link_way *way);

/* Drop the connection, and the dial under way. */
void link_way_drop(struct link_way *way);

/* The tries so far do not count. */
void link_way_reset(struct link_way *way);

#endif /* HANDLERS_LINK_WAY_H */
