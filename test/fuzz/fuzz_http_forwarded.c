/*
 * Lines of fields: "x" and a value of X-Forwarded-For, "f" and one of
 * Forwarded. Whole or byte by byte they must say the same; and whatever stands
 * there, the address that the trusted proxy adds at the end, in a field of its
 * own, is the client, or nobody is.
 */
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

#include "server/base/network.h"
#include "server/http/http_forwarded.h"
#include "test/fuzz/fuzz.h"

static char trusted_text[] = "10.0.0.0/8";

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

/* Add the lines; step: bytes at once. */
static void
add(struct http_forwarded *f, const struct networks *trusted,
    const uint8_t *data, size_t size, size_t step)
{
	const uint8_t *end;
	size_t len, n;

	http_forwarded_begin(f);
	for (; size > 0; data += len, size -= len) {
		end = memchr(data, '\n', size);
		len = end == NULL ? size : (size_t)(end - data) + 1;
		http_forwarded_open(f,
		    data[0] == 'f' ? HTTP_FORWARDED_RFC7239 : HTTP_FORWARDED_X);
		for (size_t i = 1; i < len - (end != NULL); i += n) {
			n = len - (end != NULL) - i;
			n = n < step ? n : step;
			http_forwarded_read(f, trusted, (const char *)data + i,
			    n);
		}
		http_forwarded_close(f, trusted);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_forwarded whole, bytes;
	struct address a = { 0 }, b = { 0 };
	char *texts[] = { trusted_text };
	enum http_forwarded_rc rc;
	struct networks trusted;
	char host[ADDRESS_HOST_MAX];

	promise(networks_read(texts, 1, &trusted) == 0);
	add(&whole, &trusted, data, size, size + 1);
	add(&bytes, &trusted, data, size, 1);
	rc = http_forwarded_client(&whole, &a);
	promise(rc == http_forwarded_client(&bytes, &b));
	promise(rc == HTTP_FORWARDED_NONE || address_same_host(&a, &b));
	promise(rc != HTTP_FORWARDED_CLIENT || a.family == AF_INET ||
		a.family == AF_INET6);

	http_forwarded_add(&whole, &trusted, HTTP_FORWARDED_X, "203.0.113.7");
	rc = http_forwarded_client(&whole, &a);
	promise(rc == HTTP_FORWARDED_UNKNOWN ||
		(rc == HTTP_FORWARDED_CLIENT &&
		    strcmp(address_text(&a, host), "203.0.113.7") == 0));
	networks_fini(&trusted);
	return (0);
}
