#include <string.h>

#include "test/lib/cmocka_all.h"

#include "server/http/http_reader.h"

#define HEAD "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

#define MAX_BODY (1 << 20)

/* What was kept of the last request. */
static char seen[HTTP_HEAD_MAX + 64];
static size_t nseen;

/* Read it all, `step' bytes at a time, and stop after the first request. */
static enum http_read_rc
read_by(const char *from, size_t len, size_t step, size_t *ret_used)
{
	static char text[sizeof(seen)];
	struct http_reader r;
	enum http_read_rc rc = HTTP_READ_MORE;
	size_t used, kept, n;

	http_reader_init(&r, MAX_BODY, true);
	*ret_used = nseen = 0;
	while ((rc == HTTP_READ_MORE || rc == HTTP_READ_CHUNKED) &&
	       *ret_used < len) {
		n = len - *ret_used < step ? len - *ret_used : step;
		memcpy(text, from + *ret_used, n);
		rc = http_reader_read(&r, text, n, &used, &kept);
		assert_true(used <= n && kept <= used);
		memcpy(seen + nseen, text, kept);
		nseen += kept;
		*ret_used += used;
		assert_true(rc != HTTP_READ_MORE || used == n);
		assert_true(
		    rc != HTTP_READ_CHUNKED || http_reader_in_chunks(&r));
	}
	if (rc == HTTP_READ_CHUNKED)
		rc = HTTP_READ_MORE;
	if (rc != HTTP_READ_MORE && rc != HTTP_READ_DONE) {
		assert_non_null(http_reader_reason(&r));
		assert_int_equal(http_reader_read(&r, text, len, &used, &kept),
		    rc);
		assert_int_equal(used, 0);
		assert_int_equal(kept, 0);
	} else
		assert_null(http_reader_reason(&r));
	return (rc);
}

static void
check(const char *text, size_t len, enum http_read_rc want)
{
	size_t whole, parts;

	assert_int_equal(read_by(text, len, len, &whole), want);
	for (size_t step = 1; step < 9; step++) {
		assert_int_equal(read_by(text, len, step, &parts), want);
		assert_int_equal(parts, whole);
	}
	if (want == HTTP_READ_DONE)
		assert_int_equal(whole, len);
}

#define CHECK(text, want) check(text, sizeof(text) - 1, HTTP_READ_##want)

/* A sound request ends at its last byte, however it is cut up. */
static void
test_http_reader_reads_to_the_end(void **state)
{
	(void)state;
	CHECK("GET / HTTP/1.1\r\nHost: x\r\n\r\n", DONE);
	CHECK("GET / HTTP/1.0\r\n\r\n", DONE);
	CHECK("BREW /tea HTTP/1.1\r\nhost:x\r\nX:  a\tb \xff\r\n\r\n", DONE);
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
test_http_reader_stops_between_requests(void **state)
{
	char two[] = "GET / HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n";
	struct http_reader r;
	size_t used, kept;

	(void)state;
	http_reader_init(&r, MAX_BODY, true);
	assert_false(http_reader_begun(&r));
	assert_int_equal(http_reader_read(&r, two, strlen(two), &used, &kept),
	    HTTP_READ_DONE);
	assert_int_equal(used, 18);
	assert_false(http_reader_begun(&r));
	assert_int_equal(http_reader_read(&r, two + used, 1, &used, &kept),
	    HTTP_READ_MORE);
	assert_true(http_reader_begun(&r));
}

/* A request line has three parts, one blank between each. */
static void
test_http_reader_line_is_strict(void **state)
{
	(void)state;
	CHECK("\n", BAD);
	CHECK("\r\r", BAD);
	CHECK("\rG", BAD);
	CHECK(" GET", BAD);
	CHECK("GE(T", BAD);
	CHECK("GET  ", BAD);
	CHECK("GET\t", BAD);
	CHECK("GET /a\x7f", BAD);
	CHECK("GET /\xc3", BAD);
	CHECK("GET /\r", BAD);
	CHECK("GET /a#b", BAD);
	CHECK("GET #", BAD);
	CHECK("GET ?a", BAD);
	CHECK("GET * ", BAD);
	CHECK("OPTIONS *a ", BAD);
	CHECK("OPTIONS * HTTP/1.0\r\n\r\n", DONE);
	CHECK("GET http://x/ HTTP/1.0\r\n\r\n", DONE);
	CHECK("GET / HTTP/1.1 ", BAD);
	CHECK("GET / HTTP/1.1\n", BAD);
	CHECK("GET / HTTP/1.2\r", BAD);
	CHECK("GET / HTTP/1.10\r", BAD);
	CHECK("GET / http/1.1\r", BAD);
	CHECK("GET / HTTP/1.1\rH", BAD);
}

/* Header names are tokens, values free of control bytes, lines not folded. */
static void
test_http_reader_headers_are_strict(void **state)
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
test_http_reader_length_is_said_once(void **state)
{
	(void)state;
	CHECK(HEAD "\r\n", LENGTH);
	CHECK("PUT / HTTP/1.0\r\n\r\n", LENGTH);
	CHECK("PATCH / HTTP/1.0\r\n\r\n", LENGTH);
	CHECK(HEAD "Content-Length: \r", BAD);
	CHECK(HEAD "Content-Length: +5\r", BAD);
	CHECK(HEAD "Content-Length: 5 5\r", BAD);
	CHECK(HEAD "Content-Length: 5\t5\r", BAD);
	CHECK(HEAD "Content-Length: 1234567890123456789\r", BAD);
	CHECK(HEAD "Content-Length: 5\r\nContent-Length:", BAD);
	CHECK(HEAD "Transfer-Encoding: gzip, chunked\r", CODING);
	CHECK(HEAD "Transfer-Encoding: chunke\r", CODING);
	CHECK(HEAD "Transfer-Encoding: chunked, gzip\r", BAD);
	CHECK(HEAD "Transfer-Encoding: \r", BAD);
	CHECK(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding:", BAD);
	CHECK(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
	    BAD);
	CHECK("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BAD);
	CHECK("HEAD / HTTP/1.0\r\nContent-Length: 1\r\n\r\n", BAD);
	CHECK("TRACE / HTTP/1.0\r\nContent-Length: 1\r\n\r\n", BAD);
}

/* Chunks are hex digits and CRLF; a trailer may not say what the head does. */
static void
test_http_reader_chunks_are_strict(void **state)
{
	(void)state;
	CHECK(CHUNKED "\r", BAD);
	CHECK(CHUNKED "0x", BAD);
	CHECK(CHUNKED "5 \r", BAD);
	CHECK(CHUNKED "5;\r", BAD);
	CHECK(CHUNKED "-", BAD);
	CHECK(CHUNKED "5\n", BAD);
	CHECK(CHUNKED "1\r\n1\n", BAD);
	CHECK(CHUNKED "1\r\n12", BAD);
	CHECK(CHUNKED "1\r\n1\r0", BAD);
	CHECK(CHUNKED "fffffffffffffff", MORE);
	CHECK(CHUNKED "5 1", BAD);
	CHECK(CHUNKED "ffffffffffffffff", BAD);
	CHECK(CHUNKED "0\r\nHost: x", BAD);
	CHECK(CHUNKED "0\r\nx-klikit-signature: x", BAD);
	CHECK(CHUNKED "0\r\nX : y", BAD);
}

/* Nothing that has no end is read on. */
static void
test_http_reader_knows_its_limits(void **state)
{
	static char text[HTTP_HEAD_MAX + 64];
	size_t used, head;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	assert_int_equal(read_by(text, sizeof(text), 1000, &used),
	    HTTP_READ_BAD);
	assert_int_equal(used, HTTP_HEAD_MAX + 1);

	memset(text, '0', sizeof(text));
	head = sizeof(CHUNKED) - 1;
	memcpy(text, CHUNKED, head);
	assert_true(head + HTTP_CHUNK_LINE_MAX + 1 < sizeof(text));
	assert_int_equal(read_by(text, sizeof(text), 1000, &used),
	    HTTP_READ_BAD);
	assert_int_equal(used, head + HTTP_CHUNK_LINE_MAX + 1);

	memset(text + head, 'a', sizeof(text) - head);
	memcpy(text + head, "0\r\n", 3);
	assert_int_equal(read_by(text, sizeof(text), 1000, &used),
	    HTTP_READ_BAD);
	assert_int_equal(used, head + 3 + HTTP_TRAILER_MAX + 1);
}

static void
becomes(const char *text, const char *want)
{
	size_t len = strlen(text), used;

	for (size_t step = 1; step <= len; step++) {
		assert_int_equal(read_by(text, len, step, &used),
		    HTTP_READ_DONE);
		assert_int_equal(used, len);
		assert_int_equal(nseen, strlen(want));
		assert_memory_equal(seen, want, nseen);
	}
}

/* A few empty lines before a request mean nothing, nor that it has begun. */
static void
test_http_reader_reads_over_empty_lines(void **state)
{
	char text[] = "\r\n\r";
	struct http_reader r;
	size_t used, kept;

	(void)state;
	becomes("\r\nGET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n");
	becomes("\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n",
	    "GET / HTTP/1.0\r\n\r\n");
	CHECK("\r\n\r\n\r\n\r\n\r", BAD);
	CHECK("\r\n\n", BAD);
	CHECK("\r\n GET", BAD);
	http_reader_init(&r, MAX_BODY, true);
	assert_int_equal(http_reader_read(&r, text, 3, &used, &kept),
	    HTTP_READ_MORE);
	assert_int_equal(kept, 0);
	assert_false(http_reader_begun(&r));
}

/* evhttp sees only spaces before a value; after it, it drops both. */
static void
test_http_reader_takes_tabs_around_values(void **state)
{
	(void)state;
	becomes("GET / HTTP/1.1\r\nHost:\tx\t\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: x\t\r\n\r\n");
	becomes(HEAD "Content-Length: \t 2\t \r\n\r\nab",
	    HEAD "Content-Length:   2\t \r\n\r\nab");
	becomes(HEAD "Transfer-Encoding:\tchunked\t\r\n\r\n0\r\nX:\ty\r\n\r\n",
	    HEAD "Transfer-Encoding: chunked\t\r\n\r\n");
	becomes(HEAD "X:\t\r\nY:\ta\tb\r\nContent-Length:2\r\n\r\n\ta",
	    HEAD "X: \r\nY: a\tb\r\nContent-Length:2\r\n\r\n\ta");
}

/* Of a body in chunks the data is kept, and nothing of its trailer. */
static void
test_http_reader_keeps_the_data_of_chunks(void **state)
{
	(void)state;
	becomes(CHUNKED "0\r\n\r\n", CHUNKED);
	becomes(CHUNKED "2\r\nab\r\n3\r\n\r\nc\r\n0\r\n\r\n",
	    CHUNKED "ab\r\nc");
	becomes(CHUNKED "1\r\n0\r\n0\r\nAuthorization: b\r\nX: y\r\n\r\n",
	    CHUNKED "0");
}

/* Extensions of chunks are read over; what is none is refused. */
static void
test_http_reader_reads_over_chunk_extensions(void **state)
{
	(void)state;
	becomes(CHUNKED "2;a=b\r\nab\r\n0;c\r\n\r\n", CHUNKED "ab");
	becomes(CHUNKED "2 ;\ta = \"x;\\\"y\" ; b\r\n;a\r\n0\r\n\r\n",
	    CHUNKED ";a");
	CHECK(CHUNKED "2;a", MORE);
	CHECK(CHUNKED "2;;", BAD);
	CHECK(CHUNKED "2;=", BAD);
	CHECK(CHUNKED "2;a=\r", BAD);
	CHECK(CHUNKED "2;a \r", BAD);
	CHECK(CHUNKED "2;a b", BAD);
	CHECK(CHUNKED "2;a=\"b\r", BAD);
	CHECK(CHUNKED "2;a=\"\\\r", BAD);
	CHECK(CHUNKED "2;a=\"b\"c", BAD);
	CHECK(CHUNKED "2;a=b\n", BAD);
	CHECK(CHUNKED "2;a\rb", BAD);
	CHECK(CHUNKED "2;a=\0", BAD);
	CHECK(CHUNKED " 2", BAD);
	CHECK(CHUNKED ";a", BAD);
	CHECK(CHUNKED "2\t2", BAD);
}

/* Not only one extension has its limit: all of a body have one. */
static void
test_http_reader_limits_chunk_extensions(void **state)
{
	static const char chunk[] =
	    "1;a=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\nx\r\n";
	enum http_read_rc rc = HTTP_READ_MORE;
	char text[sizeof(chunk)], head[] = CHUNKED;
	struct http_reader r;
	size_t used, kept, n = 0;

	(void)state;
	http_reader_init(&r, MAX_BODY, true);
	assert_int_equal(http_reader_read(&r, head, strlen(head), &used, &kept),
	    HTTP_READ_CHUNKED);
	for (; rc == HTTP_READ_MORE && n < 10000; n++) {
		memcpy(text, chunk, sizeof(chunk));
		rc = http_reader_read(&r, text, strlen(text), &used, &kept);
	}
	assert_int_equal(rc, HTTP_READ_BAD);
	assert_in_range(n, HTTP_EXTENSIONS_MAX / 35, HTTP_EXTENSIONS_MAX / 33);
}

static enum http_read_rc
read_on(struct http_reader *r, const char *from)
{
	enum http_read_rc rc = HTTP_READ_MORE;
	char text[256];
	size_t used, kept;

	for (; *from != '\0' && rc <= HTTP_READ_CHUNKED; from += used)
		rc = http_reader_read(r, strcpy(text, from), strlen(from),
		    &used, &kept);
	return (rc);
}

/* A head, then this so often, then an end. */
static enum http_read_rc
read_many(const char *head, const char *again, unsigned times, const char *end)
{
	enum http_read_rc rc;
	struct http_reader r;

	http_reader_init(&r, MAX_BODY, true);
	rc = read_on(&r, head);
	for (unsigned i = 0; rc <= HTTP_READ_CHUNKED && i < times; i++)
		rc = read_on(&r, again);
	return (rc <= HTTP_READ_CHUNKED ? read_on(&r, end) : rc);
}

/* A hundred fields are enough, and those of the trailer are of them. */
static void
test_http_reader_limits_the_fields(void **state)
{
	(void)state;
	assert_int_equal(read_many(HEAD, "a:\r\n", HTTP_FIELDS_MAX - 2,
			     "Content-Length: 0\r\n\r\n"),
	    HTTP_READ_DONE);
	assert_int_equal(read_many(HEAD, "a:\r\n", HTTP_FIELDS_MAX - 1,
			     "Content-Length: 0\r\n\r\n"),
	    HTTP_READ_BAD);
	assert_int_equal(read_many(CHUNKED "0\r\n", "a:\r\n",
			     HTTP_FIELDS_MAX - 2, "\r\n"),
	    HTTP_READ_DONE);
	assert_int_equal(read_many(CHUNKED "0\r\n", "a:\r\n",
			     HTTP_FIELDS_MAX - 1, "\r\n"),
	    HTTP_READ_BAD);
}

/* So are 64 Ki chunks, however small. */
static void
test_http_reader_limits_the_chunks(void **state)
{
	(void)state;
	assert_int_equal(read_many(CHUNKED, "1\r\nx\r\n", HTTP_CHUNKS_MAX - 1,
			     "0\r\n\r\n"),
	    HTTP_READ_DONE);
	assert_int_equal(read_many(CHUNKED, "1\r\nx\r\n", HTTP_CHUNKS_MAX,
			     "0\r\n\r\n"),
	    HTTP_READ_BAD);
}

/* A body that will be too large is refused before it comes. */
static void
test_http_reader_refuses_a_large_body_at_once(void **state)
{
	(void)state;
	CHECK(HEAD "Content-Length: 1048576\r\n\r\n", MORE);
	CHECK(HEAD "Content-Length: 1048577\r\n\r\n", TOO_LARGE);
	CHECK(HEAD "Content-Length: 999999999999999999\r\n\r\n", TOO_LARGE);
	CHECK(CHUNKED "100000\r\n", MORE);
	CHECK(CHUNKED "100001\r", TOO_LARGE);
	CHECK(CHUNKED "100001;a=b\r", TOO_LARGE);
	CHECK(CHUNKED "1\r\nx\r\n100000\r", TOO_LARGE);
	CHECK(CHUNKED "fffffffffffffff\r", TOO_LARGE);
	CHECK("GET / HTTP/1.0\r\nContent-Length: 1048577\r\n\r\n", TOO_LARGE);
}

/* Where no length is needed, a POST without one has no body. */
static void
test_http_reader_may_do_without_a_length(void **state)
{
	char text[] = "POST / HTTP/1.1\r\nHost: x\r\n\r\nGET";
	struct http_reader r;
	size_t used, kept;

	(void)state;
	http_reader_init(&r, MAX_BODY, false);
	assert_int_equal(http_reader_read(&r, text, strlen(text), &used, &kept),
	    HTTP_READ_DONE);
	assert_int_equal(used, strlen(text) - 3);
}

/* There are no tunnels here. */
static void
test_http_reader_refuses_connect(void **state)
{
	(void)state;
	CHECK("CONNECT ", METHOD);
	CHECK("CONNECTS / HTTP/1.0\r\n\r\n", DONE);
	CHECK("connect / HTTP/1.0\r\n\r\n", DONE);
}

/* A Host that is none is refused, in HTTP/1.0 too, where it may be missing. */
static void
test_http_reader_checks_the_host(void **state)
{
	(void)state;
	CHECK("GET / HTTP/1.1\r\nHost:\r", BAD);
	CHECK("GET / HTTP/1.1\r\nHost: \t\r", BAD);
	CHECK("GET / HTTP/1.0\r\nHost: a/b\r", BAD);
	CHECK("GET / HTTP/1.1\r\nHost: u@h\r", BAD);
	CHECK("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", DONE);
	CHECK("GET / HTTP/1.1\r\nHost: A.Example\r\n\r\n", DONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_reader_reads_to_the_end),
		cmocka_unit_test(test_http_reader_stops_between_requests),
		cmocka_unit_test(test_http_reader_line_is_strict),
		cmocka_unit_test(test_http_reader_headers_are_strict),
		cmocka_unit_test(test_http_reader_length_is_said_once),
		cmocka_unit_test(test_http_reader_chunks_are_strict),
		cmocka_unit_test(test_http_reader_knows_its_limits),
		cmocka_unit_test(test_http_reader_reads_over_empty_lines),
		cmocka_unit_test(test_http_reader_takes_tabs_around_values),
		cmocka_unit_test(test_http_reader_keeps_the_data_of_chunks),
		cmocka_unit_test(test_http_reader_reads_over_chunk_extensions),
		cmocka_unit_test(test_http_reader_limits_the_fields),
		cmocka_unit_test(test_http_reader_limits_the_chunks),
		cmocka_unit_test(test_http_reader_limits_chunk_extensions),
		cmocka_unit_test(test_http_reader_refuses_a_large_body_at_once),
		cmocka_unit_test(test_http_reader_may_do_without_a_length),
		cmocka_unit_test(test_http_reader_refuses_connect),
		cmocka_unit_test(test_http_reader_checks_the_host),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
