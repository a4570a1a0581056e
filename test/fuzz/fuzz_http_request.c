/*
 * Whole or byte by byte, the reader must say the same of the same bytes, make
 * the same of them, and read no further than it is given. It writes nothing but
 * blanks, and no line becomes another one's.
 */
#include <stdlib.h>
#include <string.h>

#include "server/http_request.h"
#include "test/fuzz/fuzz.h"

#define MAX_BODY 65536

struct outcome {
	enum http_request_rc rc;
	size_t requests;
	size_t used;
	uint8_t *text; /* as evhttp gets it */
};

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

/* Follow a copy of the data. */
static struct outcome
follow(const uint8_t *data, size_t len, size_t step)
{
	struct outcome out = { HTTP_REQUEST_MORE, 0, 0, malloc(len + 1) };
	struct http_request r;
	size_t used, n;

	promise(out.text != NULL);
	if (len > 0)
		memcpy(out.text, data, len);
	http_request_init(&r, MAX_BODY, true);
	while (out.used < len) {
		n = len - out.used < step ? len - out.used : step;
		out.rc = http_request_read(&r, out.text + out.used, n, &used);
		out.used += used;
		promise(used <= n);
		if (out.rc == HTTP_REQUEST_DONE) {
			promise(!http_request_begun(&r));
			out.requests++;
			continue;
		}
		if (out.rc != HTTP_REQUEST_MORE)
			break;
		promise(used == n);
	}
	promise((http_request_reason(&r) != NULL) ==
		(out.rc != HTTP_REQUEST_MORE && out.rc != HTTP_REQUEST_DONE));
	return (out);
}

static void
promise_same(const struct outcome *a, const struct outcome *b)
{
	promise(a->rc == b->rc && a->requests == b->requests &&
		a->used == b->used && memcmp(a->text, b->text, a->used) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome whole = follow(data, len, len);
	struct outcome bytes = follow(data, len, 1);
	struct outcome thirteen = follow(data, len, 13);

	promise_same(&whole, &bytes);
	promise_same(&whole, &thirteen);
	for (size_t i = 0; i < len; i++)
		promise(whole.text[i] == data[i] ||
			(whole.text[i] == ' ' && data[i] != '\r' &&
			    data[i] != '\n'));
	free(whole.text);
	free(bytes.text);
	free(thirteen.text);
	return (0);
}
