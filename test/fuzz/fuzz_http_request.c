/*
 * Whole or byte by byte, the reader must say the same of the same bytes, and
 * read no further than it is given.
 */
#include <stdlib.h>

#include "server/http_request.h"
#include "test/fuzz/fuzz.h"

struct outcome {
	enum http_request_rc rc;
	size_t requests;
	size_t used;
};

static struct outcome
follow(const uint8_t *data, size_t len, size_t step)
{
	struct outcome out = { HTTP_REQUEST_MORE, 0, 0 };
	struct http_request r;
	size_t used, n;

	http_request_init(&r);
	while (out.used < len) {
		n = len - out.used < step ? len - out.used : step;
		out.rc = http_request_read(&r, data + out.used, n, &used);
		out.used += used;
		if (used > n)
			abort();
		if (out.rc == HTTP_REQUEST_DONE) {
			if (http_request_begun(&r))
				abort();
			out.requests++;
			continue;
		}
		if (out.rc != HTTP_REQUEST_MORE)
			break;
		if (used != n)
			abort();
	}
	if ((http_request_reason(&r) != NULL) !=
	    (out.rc == HTTP_REQUEST_BAD || out.rc == HTTP_REQUEST_LENGTH))
		abort();
	return (out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome whole = follow(data, len, len);
	struct outcome bytes = follow(data, len, 1);
	struct outcome thirteen = follow(data, len, 13);

	if (whole.rc != bytes.rc || whole.requests != bytes.requests ||
	    whole.used != bytes.used || whole.rc != thirteen.rc ||
	    whole.requests != thirteen.requests || whole.used != thirteen.used)
		abort();
	return (0);
}
