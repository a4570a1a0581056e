#include "server/intake/probe_body.h"

#include <stdio.h>
#include <string.h>

#include "store/base/hex.h"

#define BEGIN "{\"" PROBE_TYPE "\":\""
#define END "\"}"

_Static_assert(sizeof(BEGIN) - 1 + 2 * PROBE_NONCE_LEN + sizeof(END) - 1 ==
		   PROBE_BODY_LEN,
    "all of it has room");

void
probe_body_make(const unsigned char nonce[PROBE_NONCE_LEN],
    char ret_text[PROBE_BODY_LEN + 1])
{
	char hex[2 * PROBE_NONCE_LEN + 1];

	hex_encode(nonce, PROBE_NONCE_LEN, hex);
	(void)snprintf(ret_text, PROBE_BODY_LEN + 1, BEGIN "%s" END, hex);
}

bool
probe_body_read(const char *text, size_t len,
    unsigned char ret_nonce[PROBE_NONCE_LEN])
{
	const char *hex = text + sizeof(BEGIN) - 1;
	unsigned char nonce[PROBE_NONCE_LEN];
	char again[PROBE_BODY_LEN + 1];

	if (len != PROBE_BODY_LEN ||
	    strncmp(text, BEGIN, sizeof(BEGIN) - 1) != 0 ||
	    hex_decode(hex, PROBE_NONCE_LEN, nonce) == -1)
		return (false);
	/* Digits have one form, and nothing follows. */
	probe_body_make(nonce, again);
	if (memcmp(text, again, len) != 0)
		return (false);
	memcpy(ret_nonce, nonce, sizeof(nonce));
	return (true);
}
