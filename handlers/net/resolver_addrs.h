/*
 * resolver_addrs.h -- what a look-up of a name gives.
 */
#ifndef HANDLERS_RESOLVER_ADDRS_H
#define HANDLERS_RESOLVER_ADDRS_H

#include <sys/socket.h>

#include <netinet/in.h>
#include <stddef.h>

#define RESOLVER_ADDRS_MAX 16

enum resolver_rc {
	RESOLVER_OK,
	RESOLVER_NO_HOST,  /* the name servers say that there is no such name */
	RESOLVER_FAILED,   /* every name server was of no use */
	RESOLVER_NO_ANSWER /* none has answered in time */
};

/* An address without a port. */
union resolver_addr {
	struct sockaddr sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
};

/* Of one name, in the order in which they are best tried. */
struct resolver_addrs {
	size_t n;
	union resolver_addr items[RESOLVER_ADDRS_MAX];
};

#endif /* HANDLERS_RESOLVER_ADDRS_H */
