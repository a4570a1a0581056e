/*
 * Whole or byte by byte, the reader must say the same of the same bytes, keep
 * the same of them, and read no further than it is given. What it keeps are
 * those bytes, in their order, but for blanks it has written. Who watches its
 * heads changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "server/base/network.h"
#include "server/http/http_reader.h"
#include "test/fuzz/fuzz.h"

#define MAX_BODY 65536

struct outcome {
	enum http_read_rc rc;
	size_t requests;
	size_t used;
	uint8_t *text; /* that was kept */
	size_t len;
};

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

static bool
goes_on(enum http_read_rc rc)
{
	return (rc == HTTP_READ_MORE || rc == HTTP_READ_CHUNKED ||
		rc == HTTP_READ_DONE);
}

/* http_head_watch: everybody may come in. */
static bool
head_cb(void *arg, bool health)
{
	(void)arg;
	(void)health;
	return (true);
}

static const struct networks nobody;
static struct http_forwarded named;
static const struct http_head_watch watch = { &named, &nobody, head_cb, NULL };

/* Follow a copy of the data. */
static struct outcome
follow(const uint8_t *data, size_t len, size_t step,
    const struct http_head_watch *watched)
{
	struct outcome out = { .text = malloc(len + 1) };
	uint8_t *part = malloc(len + 1);
	struct http_reader r;
	size_t used, kept, n;

	promise(out.text != NULL && part != NULL);
	http_reader_init(&r, MAX_BODY, true);
	http_reader_watch(&r, watched);
	while (out.used < len && goes_on(out.rc)) {
		n = len - out.used < step ? len - out.used : step;
		memcpy(part, data + out.used, n);
		out.rc = http_reader_read(&r, part, n, &used, &kept);
		promise(used <= n && kept <= used);
		promise(out.rc != HTTP_READ_MORE || used == n);
		promise(out.rc != HTTP_READ_DONE || !http_reader_begun(&r));
		if (goes_on(out.rc)) {
			memcpy(out.text + out.len, part, kept);
			out.len += kept;
		}
		out.used += used;
		out.requests += out.rc == HTTP_READ_DONE;
	}
	promise((http_reader_reason(&r) != NULL) == !goes_on(out.rc));
	free(part);
	return (out);
}

static void
promise_same(const struct outcome *a, const struct outcome *b)
{
	size_t len = a->len < b->len ? a->len : b->len;

	promise(a->rc == b->rc && a->requests == b->requests &&
		a->used == b->used && memcmp(a->text, b->text, len) == 0);
	promise(a->len == b->len || !goes_on(a->rc));
}

/* Is what was kept a part of the data, in its order? */
static void
promise_kept(const struct outcome *out, const uint8_t *data, size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < out->len; i++, at++) {
		while (at < len && data[at] != out->text[i] &&
		       !(data[at] == '\t' && out->text[i] == ' '))
			at++;
		promise(at < len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome whole = follow(data, len, len, NULL);
	struct outcome bytes = follow(data, len, 1, &watch);
	struct outcome thirteen = follow(data, len, 13, NULL);

	promise_same(&whole, &bytes);
	promise_same(&whole, &thirteen);
	promise_kept(&whole, data, len);
	free(whole.text);
	free(bytes.text);
	free(thirteen.text);
	return (0);
}
