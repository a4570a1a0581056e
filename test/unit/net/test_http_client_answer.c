/* An answer has the status that its status line says, whatever follows. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/http_client_answer.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* What is to be read of an answer before its connection ends. */
struct row {
	const char *text;
	enum answer_state state;
	int status;
	bool keeps;
	const char *body;
};

static const struct row rows[] = {
	/* As it should be. */
	{ OK "Content-Length: 2\r\n\r\nok", ANSWER_WHOLE, 200, true, "ok" },
	{ OK "content-length:2\r\n\r\nok", ANSWER_WHOLE, 200, true, "ok" },
	{ OK "TRANSFER-ENCODING: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	    ANSWER_WHOLE, 200, true, "ok" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n"
	     "1;a=b\r\no\r\n01 \r\nk\r\n0\r\nX: y\r\n\r\n",
	    ANSWER_WHOLE, 200, true, "ok" },
	{ OK "\r\nall", ANSWER_REST, 200, false, "all" },
	{ "HTTP/1.1 204 No\r\n\r\n", ANSWER_WHOLE, 204, true, "" },
	{ "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", ANSWER_WHOLE, 304,
	    true, "" },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", ANSWER_WHOLE, 200,
	    false, "ok" },
	{ OK "Connection: foo, Close\r\nContent-Length: 0\r\n\r\n",
	    ANSWER_WHOLE, 200, false, "" },
	/* A status line in odd clothes. */
	{ "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ANSWER_WHOLE, 200, true,
	    "" },
	{ "HTTP/1.1  200  OK\nContent-Length: 0\n\n", ANSWER_WHOLE, 200, true,
	    "" },
	{ "HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n", ANSWER_WHOLE, 200,
	    true, "" },
	{ "HTTP/1.9 599 \xff\r\nContent-Length: 0\r\n\r\n", ANSWER_WHOLE, 599,
	    true, "" },
	/* An answer to come, then the answer. */
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nno colon\r\n"
	  "Content-Length: 7\r\n\r\n" OK "Content-Length: 0\r\n\r\n",
	    ANSWER_WHOLE, 200, true, "" },
	{ "HTTP/1.1 100\n\nHTTP/1.1 422 No\r\n\r\nwhy", ANSWER_REST, 422, false,
	    "why" },
	/* Two framings: chunked is how it is read. */
	{ OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
	     "2\r\nok\r\n0\r\n\r\n",
	    ANSWER_WHOLE, 200, false, "ok" },
	{ OK "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
	    ANSWER_TORN, 200, false, "" },
	{ OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", ANSWER_WHOLE,
	    200, true, "ok" },
	{ OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", ANSWER_TORN,
	    200, false, "" },
	{ OK "Content-Length: 2, 2\r\n\r\nok", ANSWER_TORN, 200, false, "" },
	{ OK "Content-Length: +2\r\n\r\nok", ANSWER_TORN, 200, false, "" },
	{ OK "Content-Length: 99999999999999999999\r\n\r\nok", ANSWER_TORN, 200,
	    false, "" },
	{ OK "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	    ANSWER_WHOLE, 200, false, "ok" },
	{ OK "Transfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
	    ANSWER_REST, 200, false, "ok" },
	/* Lines that make no sense. */
	{ OK "no colon\r\nContent-Length: 2\r\n\r\nok", ANSWER_WHOLE, 200,
	    false, "ok" },
	{ OK "no colon\r\n\r\nok", ANSWER_TORN, 200, false, "" },
	{ OK " folded\r\nContent-Length : 2\r\n\r\nok", ANSWER_WHOLE, 200,
	    false, "ok" },
	{ OK ": \r\n\r\n", ANSWER_REST, 200, false, "" },
	/* Chunks that make none. */
	{ OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", ANSWER_TORN, 200, false,
	    "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n", ANSWER_TORN,
	    200, false, "ok" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n", ANSWER_TORN,
	    200, false, "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n", ANSWER_TORN, 200,
	    false, "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
	    ANSWER_TORN, 200, false, "" },
	/* Cut off. */
	{ "HTTP/1.1 200 ", ANSWER_REASON, 200, false, "" },
	{ OK "Content-Le", ANSWER_HEADERS, 200, false, "" },
	{ OK "Content-Length: 9\r\n\r\nok", ANSWER_BODY, 200, false, "ok" },
	{ "HTTP/1.1 200", ANSWER_STATUS, 0, false, "" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", ANSWER_STATUS, 0, false, "" },
	/* No HTTP. */
	{ "SSH-2.0-x\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "HTTP/2 200 OK\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "HTTP/1.1 2000 X\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "HTTP/1.1 020 X\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "HTTP/1.1 -20 X\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "HTTP/1.1 600 X\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "HTTP/1.1 101 X\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "HTTP/1.1200 OK\r\n", ANSWER_NOT_HTTP, 0, false, "" },
	{ "\r\n\r\n", ANSWER_NOT_HTTP, 0, false, "" },
};

static void
check(const struct row *row, size_t piece)
{
	struct answer a = { .status = 0 };
	size_t len = strlen(row->text);

	for (size_t at = 0; at < len && !answer_is_over(&a); at += piece)
		(void)answer_read(&a, row->text + at,
		    len - at < piece ? len - at : piece);
	if (a.state != row->state || a.status != row->status ||
	    answer_keeps(&a) != row->keeps || a.body_len != strlen(row->body) ||
	    memcmp(a.body, row->body, a.body_len) != 0)
		fail_msg("in pieces of %zu: state %d, status %d, keeps %d, "
			 "body \"%.*s\" of:\n%s",
		    piece, a.state, a.status, answer_keeps(&a), (int)a.body_len,
		    a.body, row->text);
}

/* Each of them, however it is cut into pieces. */
static void
test_http_client_answer_table(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++)
			check(&rows[i], pieces[k]);
	}
}

/* What comes behind an answer is not taken. */
static void
test_http_client_answer_takes_no_more(void **state)
{
	static const char text[] = OK "Content-Length: 2\r\n\r\nok" OK;
	struct answer a = { .status = 0 };

	(void)state;
	assert_int_equal(answer_read(&a, text, strlen(text)),
	    strlen(text) - strlen(OK));
	assert_int_equal(answer_read(&a, text, strlen(text)), 0);
}

/* A body without a length ends with the connection, and only such a one. */
static void
test_http_client_answer_ends(void **state)
{
	struct answer a = { .status = 0 };

	(void)state;
	(void)answer_read(&a, OK "\r\nok", strlen(OK "\r\nok"));
	assert_false(answer_is_over(&a));
	answer_end(&a);
	assert_int_equal(a.state, ANSWER_WHOLE);
	assert_false(answer_keeps(&a));
	a = (struct answer){ .state = ANSWER_BODY, .status = 200 };
	answer_end(&a);
	assert_false(answer_is_over(&a));
}

/* A head without end is cut, with its status if that has been read. */
static void
test_http_client_answer_cuts_a_head(void **state)
{
	static char much[ANSWER_HEAD_MAX];
	struct answer a = { .status = 0 };

	(void)state;
	memset(much, 'x', sizeof(much));
	(void)answer_read(&a, OK "X: ", strlen(OK "X: "));
	(void)answer_read(&a, much, sizeof(much));
	assert_int_equal(a.state, ANSWER_TORN);
	assert_int_equal(a.status, 200);
	a = (struct answer){ .status = 0 };
	(void)answer_read(&a, "HTTP/1.1 100 X\r\n", 16);
	(void)answer_read(&a, much, sizeof(much));
	assert_int_equal(a.state, ANSWER_NOT_HTTP);
}

/* A date has its blanks; a Location is made fit for a line. */
static void
test_http_client_answer_has_fields(void **state)
{
	static const char text[] =
	    OK "retry-after:  Sun Nov  6 08:49:37 1994 \r\n"
	       "LOCATION: http://x/\ty\r\n\r\n";
	struct answer a = { .status = 0 };

	(void)state;
	(void)answer_read(&a, text, strlen(text));
	assert_string_equal(a.retry_after, "Sun Nov  6 08:49:37 1994");
	assert_string_equal(a.location, "http://x/?y");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_client_answer_table),
		cmocka_unit_test(test_http_client_answer_takes_no_more),
		cmocka_unit_test(test_http_client_answer_ends),
		cmocka_unit_test(test_http_client_answer_cuts_a_head),
		cmocka_unit_test(test_http_client_answer_has_fields),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
