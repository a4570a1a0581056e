/*
 * The reader asks for bytes until it has an answer, for none behind the
 * header's end, and for no more than a header may have.
 */
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

#include "server/http/proxy_header.h"
#include "test/fuzz/fuzz.h"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum proxy_header_rc rc = PROXY_HEADER_MORE, part;
	struct proxy_header h;
	size_t len = 0;
	uint8_t *copy;

	while (rc == PROXY_HEADER_MORE) {
		/* A copy of its own, so that a byte too far is seen. */
		promise((copy = malloc(len + 1)) != NULL);
		memcpy(copy, data, len);
		rc = proxy_header_read(copy, len, &h);
		free(copy);
		if (rc != PROXY_HEADER_MORE)
			break;
		promise(h.wanted > 0 && len + h.wanted <= PROXY_HEADER_MAX);
		if (h.wanted > size - len)
			return (0);
		/* No byte of those that it asked for is one too many. */
		for (size_t n = len + 1; n < len + h.wanted; n++) {
			struct proxy_header sooner;

			part = proxy_header_read(data, n, &sooner);
			promise(part != PROXY_HEADER_DONE);
		}
		len += h.wanted;
	}
	promise((rc == PROXY_HEADER_BAD) == (h.reason != NULL));
	promise(!h.names_client || h.client.family == AF_INET ||
		h.client.family == AF_INET6 || rc == PROXY_HEADER_BAD);
	return (0);
}
