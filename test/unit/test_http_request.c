#include <string.h>

#include "test/lib/cmocka_all.h"

#include "server/http_request.h"

#define HEAD "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

/* Read it all, `step' bytes at a time, and stop after the first request. */
static enum http_request_rc
read_by(const char *text, size_t len, size_t step, size_t *ret_used)
{
	struct http_request r;
	enum http_request_rc rc = HTTP_REQUEST_MORE;
	size_t used, n;

	http_request_init(&r);
	*ret_used = 0;
	while (rc == HTTP_REQUEST_MORE && *ret_used < len) {
		n = len - *ret_used < step ? len - *ret_used : step;
		rc = http_request_read(&r, text + *ret_used, n, &used);
		assert_true(used <= n);
		*ret_used += used;
		assert_true(rc != HTTP_REQUEST_MORE || used == n);
	}
	if (rc == HTTP_REQUEST_BAD || rc == HTTP_REQUEST_LENGTH) {
		assert_non_null(http_request_reason(&r));
		assert_int_equal(http_request_read(&r, text, len, &used), rc);
		assert_int_equal(used, 0);
	} else
		assert_null(http_request_reason(&r));
	return (rc);
}

static void
check(const char *text, size_t len, enum http_request_rc want)
{
	size_t whole, parts;

	assert_int_equal(read_by(text, len, len, &whole), want);
	for (size_t step = 1; step < 9; step++) {
		assert_int_equal(read_by(text, len, step, &parts), want);
		assert_int_equal(parts, whole);
	}
	if (want == HTTP_REQUEST_DONE)
		assert_int_equal(whole, len);
}

#define CHECK(text, want) check(text, sizeof(text) - 1, HTTP_REQUEST_##want)

/* A sound request ends at its last byte, however it is cut up. */
static void
test_http_request_reads_to_the_end(void **state)
{
	(void)state;
	CHECK("GET / HTTP/1.1\r\nHost: x\r\n\r\n", DONE);
	CHECK("GET / HTTP/1.0\r\n\r\n", DONE);
	CHECK("BREW /tea HTTP/1.1\r\nhost:\r\nX:  a\tb \xff\r\n\r\n", DONE);
	CHECK(HEAD "Content-Length: 0\r\n\r\n", DONE);
	CHECK(HEAD "content-length:  5  \r\n\r\n12345", DONE);
	CHECK(HEAD "Content-Length: 5\r\n\r\n1234", MORE);
	CHECK(CHUNKED "0\r\n\r\n", DONE);
	CHECK(CHUNKED "5\r\n12345\r\n0A\r\n1234567890\r\n000\r\n\r\n", DONE);
	CHECK(CHUNKED "1\r\n1\r\n0\r\nX: y\r\nZ: \r\n\r\n", DONE);
	CHECK(CHUNKED "1\r\n1\r\n0\r\n", MORE);
	CHECK("HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", DONE);
}

/* What follows a request is left, and is the next one. */
static void
test_http_request_stops_between_requests(void **state)
{
	const char *two = "GET / HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n";
	struct http_request r;
	size_t used;

	(void)state;
	http_request_init(&r);
	assert_false(http_request_begun(&r));
	assert_int_equal(http_request_read(&r, two, strlen(two), &used),
	    HTTP_REQUEST_DONE);
	assert_int_equal(used, 18);
	assert_false(http_request_begun(&r));
	assert_int_equal(http_request_read(&r, two + used, 1, &used),
	    HTTP_REQUEST_MORE);
	assert_true(http_request_begun(&r));
}

/* A request line has three parts, one blank between each. */
static void
test_http_request_line_is_strict(void **state)
{
	(void)state;
	CHECK("\r\n", BAD);
	CHECK(" GET", BAD);
	CHECK("GE(T", BAD);
	CHECK("GET  ", BAD);
	CHECK("GET\t", BAD);
	CHECK("GET /a\x7f", BAD);
	CHECK("GET /\xc3", BAD);
	CHECK("GET /\r", BAD);
	CHECK("GET / HTTP/1.1 ", BAD);
	CHECK("GET / HTTP/1.1\n", BAD);
	CHECK("GET / HTTP/1.2\r", BAD);
	CHECK("GET / HTTP/1.10\r", BAD);
	CHECK("GET / http/1.1\r", BAD);
	CHECK("GET / HTTP/1.1\rH", BAD);
}

/* Header names are tokens, values free of control bytes, lines not folded. */
static void
test_http_request_headers_are_strict(void **state)
{
	(void)state;
	CHECK(HEAD ": a", BAD);
	CHECK(HEAD "X : a", BAD);
	CHECK(HEAD "X\xc3: a", BAD);
	CHECK(HEAD "X\r", BAD);
	CHECK(HEAD "X: a\r\n b", BAD);
	CHECK("GET / HTTP/1.1\r\n\tHost: a", BAD);
	CHECK(HEAD "X: a\0", BAD);
	CHECK(HEAD "X: a\x7f", BAD);
	CHECK(HEAD "X: a\n", BAD);
	CHECK(HEAD "X: a\rb", BAD);
	CHECK(HEAD "Host: y", BAD);
	CHECK("GET / HTTP/1.1\r\nX: y\r\n\r\n", BAD);
	CHECK(HEAD "x-klikit-event-id: a\r\nX-Klikit-Event-Id:", BAD);
	CHECK(HEAD "x-klikit-event-type: a\r\nx-klikit-event-type:", BAD);
	CHECK(HEAD "x-klikit-signature: a\r\nx-klikit-signature:", BAD);
}

/* There is one way to say how long a body is. */
static void
test_http_request_length_is_said_once(void **state)
{
	(void)state;
	CHECK(HEAD "\r\n", LENGTH);
	CHECK("PUT / HTTP/1.0\r\n\r\n", LENGTH);
	CHECK("PATCH / HTTP/1.0\r\n\r\n", LENGTH);
	CHECK(HEAD "Content-Length: \r", BAD);
	CHECK(HEAD "Content-Length: +5\r", BAD);
	CHECK(HEAD "Content-Length: 5 5\r", BAD);
	CHECK(HEAD "Content-Length: \t5\r", BAD);
	CHECK(HEAD "Content-Length: 1234567890123456789\r", BAD);
	CHECK(HEAD "Content-Length: 5\r\nContent-Length:", BAD);
	CHECK(HEAD "Transfer-Encoding: gzip, chunked\r", BAD);
	CHECK(HEAD "Transfer-Encoding: chunked\t\r", BAD);
	CHECK(HEAD "Transfer-Encoding: chunke\r", BAD);
	CHECK(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding:", BAD);
	CHECK(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
	    BAD);
	CHECK("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BAD);
	CHECK("HEAD / HTTP/1.0\r\nContent-Length: 1\r\n\r\n", BAD);
	CHECK("TRACE / HTTP/1.0\r\nContent-Length: 1\r\n\r\n", BAD);
}

/* Chunks are hex digits and CRLF; a trailer may not say what the head does. */
static void
test_http_request_chunks_are_strict(void **state)
{
	(void)state;
	CHECK(CHUNKED "\r", BAD);
	CHECK(CHUNKED "0x", BAD);
	CHECK(CHUNKED "5 ", BAD);
	CHECK(CHUNKED "5;", BAD);
	CHECK(CHUNKED "-", BAD);
	CHECK(CHUNKED "5\n", BAD);
	CHECK(CHUNKED "1\r\n1\n", BAD);
	CHECK(CHUNKED "1\r\n12", BAD);
	CHECK(CHUNKED "1\r\n1\r0", BAD);
	CHECK(CHUNKED "fffffffffffffff", MORE);
	CHECK(CHUNKED "ffffffffffffffff", BAD);
	CHECK(CHUNKED "0\r\nHost: x", BAD);
	CHECK(CHUNKED "0\r\nx-klikit-signature: x", BAD);
	CHECK(CHUNKED "0\r\nX : y", BAD);
}

/* Nothing that has no end is read on. */
static void
test_http_request_knows_its_limits(void **state)
{
	static char text[HTTP_HEAD_MAX + 64];
	size_t used, head;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	assert_int_equal(read_by(text, sizeof(text), 1000, &used),
	    HTTP_REQUEST_BAD);
	assert_int_equal(used, HTTP_HEAD_MAX);

	memset(text, '0', sizeof(text));
	head = sizeof(CHUNKED) - 1;
	memcpy(text, CHUNKED, head);
	assert_int_equal(read_by(text, sizeof(text), 1000, &used),
	    HTTP_REQUEST_BAD);
	assert_int_equal(used, head + HTTP_CHUNK_LINE_MAX + 1);

	memset(text + head, 'a', sizeof(text) - head);
	memcpy(text + head, "0\r\n", 3);
	assert_int_equal(read_by(text, sizeof(text), 1000, &used),
	    HTTP_REQUEST_BAD);
	assert_int_equal(used, head + 3 + HTTP_TRAILER_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_request_reads_to_the_end),
		cmocka_unit_test(test_http_request_stops_between_requests),
		cmocka_unit_test(test_http_request_line_is_strict),
		cmocka_unit_test(test_http_request_headers_are_strict),
		cmocka_unit_test(test_http_request_length_is_said_once),
		cmocka_unit_test(test_http_request_chunks_are_strict),
		cmocka_unit_test(test_http_request_knows_its_limits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
