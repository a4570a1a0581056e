/*
 * proxy_header.h -- the header of the PROXY protocol, versions 1 and 2: what a
 * balancer says of its client before the client's own bytes.
 *
 * Touches: nothing. Pure: bytes in, verdict out. Strict: what is not exactly as
 * HAProxy's proxy-protocol.txt has it is refused.
 *
 * Of version 2 the TLVs behind the addresses are read over; if a checksum
 * (PP2_TYPE_CRC32C) is among them it has to be right. Addresses of other
 * families, UNKNOWN and LOCAL (a balancer's own check) name nobody.
 */
#ifndef SERVER_PROXY_HEADER_H
#define SERVER_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/address.h"

#define PROXY_HEADER_MAX 1024 /* a longer one is refused */

enum proxy_header_rc {
	PROXY_HEADER_MORE, /* sound so far */
	PROXY_HEADER_DONE,
	PROXY_HEADER_BAD
};

struct proxy_header {
	/* Of MORE: at least so many more bytes belong to it. */
	size_t wanted;
	/* Of DONE. */
	bool names_client;
	struct address client; /* with its port */
	/* Of BAD: why, static. */
	const char *reason;
};

/*
 * Look at the first bytes of a connection, none of which is behind the header's
 * end.
 */
enum proxy_header_rc proxy_header_read(const void *bytes, size_t len,
    struct proxy_header *ret_header);

#endif /* SERVER_PROXY_HEADER_H */
