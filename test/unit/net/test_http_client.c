/* What is sent, and what is made of answers of every kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/client_case.h"
#include "test/lib/heap.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* The request is whole and holds what it was given. */
static void
test_http_client_sends_the_request(void **state)
{
	struct client_case *c = *state;
	char expected[256];

	client_play(c, FAR_ANSWER, OK);
	assert_answered(c, 200, "ok");
	snprintf(expected, sizeof(expected),
	    "POST /orders?x=1 HTTP/1.1\r\nContent-Type: text/plain\r\n"
	    "X-Test: yes\r\nHost: 127.0.0.1:%u\r\nContent-Length: 5\r\n\r\n"
	    "hello",
	    c->far.port);
	assert_string_equal(c->far.request, expected);
	assert_string_equal(c->host, "127.0.0.1");
	assert_int_equal(c->port, c->far.port);
}

/* A Host of the caller's stands alone. */
static void
test_http_client_sends_another_host(void **state)
{
	struct client_case *c = *state;
	static const char *const headers[] = { "host: pos.example" };
	const struct http_client_request req = { .headers = headers,
		.nheaders = 1,
		.body = "",
		.timeout_ms = 600000 };
	struct http_client_call *call;

	far_play(&c->far, FAR_ANSWER, OK);
	call = http_client_post(c->hc, &req, NULL, NULL);
	assert_non_null(call);
	client_wait_requests(c, 1);
	http_client_cancel(call);
	assert_string_equal(c->far.request,
	    "POST /orders?x=1 HTTP/1.1\r\nhost: pos.example\r\n"
	    "Content-Length: 0\r\n\r\n");
}

/* http_client_request.may_send: arg is where the end is noted, too. */
static bool
may_not_send(void *arg)
{
	const struct client_case *c = arg;

	return (c->ndone == 0);
}

/* What may not be sent any more is not, on whichever connection. */
static void
test_http_client_asks_before_it_sends(void **state)
{
	struct client_case *c = *state;
	const struct http_client_request req = { .body = "",
		.may_send = may_not_send,
		.timeout_ms = 600000 };

	far_play(&c->far, FAR_ANSWER, OK);
	client_send(c, &req);
	client_wait(c, 1);
	assert_int_equal(c->answer.end, HTTP_CLIENT_ANSWERED);
	for (unsigned i = 2; i < 4; i++) { /* kept; a new one */
		client_send(c, &req);
		client_wait(c, i);
		assert_int_equal(c->answer.end, HTTP_CLIENT_NOT_SENT);
		assert_non_null(strstr(c->reason, "another may do it"));
	}
	assert_int_equal(c->far.nrequests, 1);
}

/* A request of any method, to any path of that far side. */
static void
test_http_client_speaks_methods(void **state)
{
	static const struct {
		enum http_client_method method;
		const char *target, *body, *request;
	} all[] = {
		{ HTTP_CLIENT_GET, NULL, NULL,
		    "GET /orders?x=1 HTTP/1.1\r\nHost: @\r\n\r\n" },
		{ HTTP_CLIENT_GET, "/latest/role", NULL,
		    "GET /latest/role HTTP/1.1\r\nHost: @\r\n\r\n" },
		{ HTTP_CLIENT_PUT, "/token", "",
		    "PUT /token HTTP/1.1\r\nHost: @\r\n"
		    "Content-Length: 0\r\n\r\n" },
		{ HTTP_CLIENT_PUT, NULL, "abc",
		    "PUT /orders?x=1 HTTP/1.1\r\nHost: @\r\n"
		    "Content-Length: 3\r\n\r\nabc" },
		{ HTTP_CLIENT_POST, "/", NULL,
		    "POST / HTTP/1.1\r\nHost: @\r\n"
		    "Content-Length: 0\r\n\r\n" },
	};
	struct client_case *c = *state;
	char expected[256];

	far_play(&c->far, FAR_ANSWER, OK);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct http_client_request req = {
			.method = all[i].method,
			.target = all[i].target,
			.body = all[i].body,
			.body_len =
			    all[i].body == NULL ? 0 : strlen(all[i].body),
			.timeout_ms = 600000,
		};
		const char *host = strchr(all[i].request, '@');

		client_send(c, &req);
		client_wait(c, i + 1);
		assert_answered(c, 200, "ok");
		snprintf(expected, sizeof(expected), "%.*s127.0.0.1:%u%s",
		    (int)(host - all[i].request), all[i].request, c->far.port,
		    host + 1);
		assert_string_equal(c->far.request, expected);
	}
	assert_int_equal(c->far.naccepted, 1);
}

/* What would frame another request is not sent. */
static void
test_http_client_sends_no_second_line(void **state)
{
	static const char *const headers[] = { "A: b\r\nC: d" };
	struct client_case *c = *state;
	struct http_client_request req = { .target = "/a\r\nX: y",
		.timeout_ms = 600000 };

	assert_null(http_client_post(c->hc, &req, NULL, NULL));
	req.target = "/a b";
	assert_null(http_client_post(c->hc, &req, NULL, NULL));
	req = (struct http_client_request){ .headers = headers,
		.nheaders = 1,
		.timeout_ms = 600000 };
	assert_null(http_client_post(c->hc, &req, NULL, NULL));
	client_settle(c);
	assert_int_equal(c->far.naccepted, 0);
}

/* One connection serves one call after the other. */
static void
test_http_client_reuses_connections(void **state)
{
	struct client_case *c = *state;

	for (int i = 0; i < 3; i++) {
		client_play(c, FAR_ANSWER, OK);
		assert_answered(c, 200, "ok");
	}
	assert_int_equal(c->far.nrequests, 3);
	assert_int_equal(c->far.naccepted, 1);
}

/* Calls at the same time have a connection each; so many are kept. */
static void
test_http_client_keeps_no_more_than_told(void **state)
{
	struct client_case *c = *state;

	client_use(c, "127.0.0.1", c->far.port, 1);
	far_play(&c->far, FAR_ANSWER, OK);
	client_post(c);
	client_post(c);
	client_wait(c, 2);
	client_settle(c);
	assert_int_equal(c->far.naccepted, 2);
	assert_int_equal(c->far.nopen, 1);
}

/* A connection that asks to be closed is closed. */
static void
test_http_client_obeys_connection_close(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	assert_answered(c, 204, "");
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
	client_play(c, FAR_ANSWER,
	    "HTTP/1.0 200 OK\r\nContent-Length: 0"
	    "\r\n\r\n");
	assert_answered(c, 200, "");
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
}

/* What comes behind an answer is not taken for the next one. */
static void
test_http_client_drops_what_comes_behind(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER, OK "HTTP/1.1 500 No\r\n\r\n");
	assert_answered(c, 200, "ok");
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
	client_play(c, FAR_ANSWER, OK);
	assert_answered(c, 200, "ok");
}

/* A kept connection that was closed meanwhile is not used, nor leaked. */
static void
test_http_client_notices_closed_connections(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER, OK);
	far_hang_up(&c->far, false); /* seen by the loop */
	client_settle(c);
	client_play(c, FAR_ANSWER, OK);
	assert_answered(c, 200, "ok");
	assert_int_equal(c->far.naccepted, 2);
}

/* A connection lost under a request of which nothing left is replaced. */
static void
test_http_client_tries_anew_once(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER, OK);
	client_post(c);
	far_hang_up(&c->far, true);
	client_wait(c, 2);
	assert_answered(c, 200, "ok");
	assert_int_equal(c->far.naccepted, 2);
	assert_int_equal(c->far.nrequests, 2);
}

/* An answer in chunks is one answer, and its connection is kept. */
static void
test_http_client_reads_chunks(void **state)
{
	struct client_case *c = *state;

	static const char text[] =
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\none\r\n4\r\n two\r\n0\r\nTrailer: x\r\n\r\n";

	client_play(c, FAR_ANSWER, text);
	assert_answered(c, 200, "one two");
	client_play(c, FAR_DRIP, text);
	assert_answered(c, 200, "one two");
	assert_int_equal(c->far.naccepted, 1);
}

/* An answer that comes byte by byte is read like any other. */
static void
test_http_client_reads_drips(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_DRIP, OK);
	assert_answered(c, 200, "ok");
	assert_int_equal(c->far.naccepted, 1);
}

/* 100 and the other 1xx are no answer, however often they come. */
static void
test_http_client_goes_on_after_1xx(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
	    "HTTP/1.1 102 Processing\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	    "HTTP/1.1 100 Continue\r\n\r\n" OK);
	assert_answered(c, 200, "ok");
	assert_int_equal(c->answer.retry_after_ms, 0);
}

/* Of a long answer the first KB is kept; its connection is kept too. */
static void
test_http_client_keeps_the_beginning(void **state)
{
	struct client_case *c = *state;
	char *text = malloc(300100);
	int n;

	n = sprintf(text, "HTTP/1.1 422 No\r\nContent-Length: 300000\r\n\r\n");
	memset(text + n, 'a', 300000);
	text[n] = 'b';
	text[n + 300000] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		client_play(c, FAR_ANSWER, text);
		assert_int_equal(c->answer.status, 422);
		assert_int_equal(c->answer.body_len, 1024);
		assert_memory_equal(c->body, text + n, 1024);
	}
	assert_int_equal(c->far.naccepted, 1);
	free(text);
}

/* Who has more room for an answer gets as much of it as fits there. */
static void
test_http_client_fills_the_room_given(void **state)
{
	struct client_case *c = *state;
	static const char head[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n";
	char text[sizeof(head) + 3000], room[4000];
	size_t n = strlen(head);

	memcpy(text, head, n);
	memset(text + n, 'a', 3000);
	text[n + 2999] = 'z';
	text[n + 3000] = '\0';
	c->room = room;
	for (c->room_size = 2000; c->room_size <= 4000; c->room_size += 1000) {
		size_t len = c->room_size < 3000 ? c->room_size : 3000;

		memset(room, '!', sizeof(room));
		client_play(c, FAR_ANSWER, text);
		assert_int_equal(c->answer.status, 200);
		assert_int_equal(c->answer.body_len, len);
		assert_memory_equal(room, text + n, len);
		if (len < sizeof(room))
			assert_int_equal(room[len], '!');
	}
	assert_int_equal(c->far.naccepted, 1);
	c->room = NULL;
}

/* The end of the connection may be the end of an answer. */
static void
test_http_client_reads_until_closed(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_CLOSE, "HTTP/1.1 200 OK\r\n\r\nall of it");
	assert_answered(c, 200, "all of it");
}

/* A status counts, even if the rest of its answer never comes. */
static void
test_http_client_keeps_the_status_of_a_torn_answer(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_CLOSE,
	    "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n"
	    "bus");
	assert_answered(c, 503, "bus");
	assert_int_equal(c->answer.retry_after_ms, 7000);
	client_play(c, FAR_CLOSE,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
	    "nonsense\r\n");
	assert_answered(c, 200, "one");
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
}

/* What follows a status line takes nothing from it; nothing is sent twice. */
static void
test_http_client_believes_the_status_line(void **state)
{
	static const char *const rests[] = {
		"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
		"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
		"Content-Length: two\r\n\r\nok",
		"no colon\r\n\r\n",
		"Transfer-Encoding: chunked\r\n\r\nnonsense",
		"Transfer-Encoding: chunked\r\n\r\n2\r\nok and more",
		"Connection: close\r\nX: \001\r\n garbage\r\n\r\n",
	};
	struct client_case *c = *state;
	char text[160];

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		for (int act = 0; act < 2; act++) {
			(void)snprintf(text, sizeof(text),
			    "HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\n%s",
			    rests[i]);
			client_play(c, act == 0 ? FAR_CLOSE : FAR_DRIP, text);
			assert_string_equal(c->reason, "");
			assert_int_equal(c->answer.status, 200);
		}
	}
	client_settle(c);
	assert_int_equal(c->far.nopen, 0); /* none serves again */
	assert_int_equal(c->far.nrequests, 2 * 7);
}

/* Cut in the midst of its head, it has its status all the same. */
static void
test_http_client_believes_a_cut_head(void **state)
{
	static const char *const heads[] = { "HTTP/1.1 200 ", "HTTP/1.1 200\r",
		"HTTP/1.0 200 O", "HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Le" };
	struct client_case *c = *state;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		client_play(c, FAR_CLOSE, heads[i]);
		assert_answered(c, 200, "");
	}
}

/* An answer that comes before the request was read is the answer. */
static void
test_http_client_takes_an_early_answer(void **state)
{
	struct client_case *c = *state;

	far_play(&c->far, FAR_EARLY,
	    "HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno");
	assert_non_null(client_post_bytes(c, (size_t)24 << 20, 600000));
	client_wait(c, 1);
	assert_answered(c, 413, "no");
	far_hang_up(&c->far, false); /* it does not see that we did */
}

/* An answer without end is cut, and its status counts. */
static void
test_http_client_cuts_an_endless_answer(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ENDLESS, "HTTP/1.1 200 OK\r\n\r\nbegin");
	assert_int_equal(c->answer.end, HTTP_CLIENT_ANSWERED);
	assert_int_equal(c->answer.status, 200);
	assert_memory_equal(c->body, "begin\0\0", 7);
	client_play(c, FAR_ENDLESS,
	    "HTTP/1.1 500 No\r\nTransfer-Encoding: "
	    "chunked\r\n\r\nffffffff\r\n");
	assert_answered(c, 500, "");
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
}

/* A redirect is an answer, and where it leads is told. */
static void
test_http_client_does_not_follow(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 302 Found\r\nLocation: http://x/\ty\r\n"
	    "Content-Length: 0\r\n\r\n");
	assert_answered(c, 302, "");
	assert_string_equal(c->location, "http://x/?y");
	assert_int_equal(c->far.nrequests, 1);
}

/* Retry-After may be a date. */
static void
test_http_client_reads_retry_after(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
	    "Retry-After: Thu, 01 Jan 2026 00:01:30 GMT\r\n\r\n");
	assert_answered(c, 429, "");
	assert_int_equal(c->answer.retry_after_ms, 90000);
}

/*
 * The date is of the far side's clock, which says in the same answer what time
 * it is there: ours, years off, is not asked.
 */
static void
test_http_client_reads_retry_after_by_the_far_clock(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
	    "Retry-After: Mon, 05 Jun 2028 10:01:30 GMT\r\n"
	    "Date: Mon, 05 Jun 2028 10:00:00 GMT\r\n\r\n");
	assert_answered(c, 429, "");
	assert_int_equal(c->answer.retry_after_ms, 90000);
	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
	    "Retry-After: Mon, 03 Jan 2022 10:00:40 GMT\r\n"
	    "Date: Mon, 03 Jan 2022 10:00:00 GMT\r\n\r\n");
	assert_answered(c, 429, "");
	assert_int_equal(c->answer.retry_after_ms, 40000);
}

/* The far side's clock goes along, if it makes sense. */
static void
test_http_client_reads_the_date(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 403 No\r\nContent-Length: 0\r\n"
	    "Date: Thu, 01 Jan 2026 01:00:00 GMT\r\n\r\n");
	assert_answered(c, 403, "");
	assert_int_equal(c->answer.date_ms, INT64_C(1767229200000));
	client_play(c, FAR_ANSWER,
	    "HTTP/1.1 403 No\r\nContent-Length: 0\r\nDate: now\r\n\r\n");
	assert_answered(c, 403, "");
	assert_int_equal(c->answer.date_ms, 0);
	client_play(c, FAR_ANSWER, OK);
	assert_int_equal(c->answer.date_ms, 0);
}

/* A large answer goes whole into the room for it. */
static void
test_http_client_takes_large_answers(void **state)
{
	struct client_case *c = *state;
	const size_t len = 200000;
	char *text = heap_alloc(len + 100);

	c->room = heap_alloc(len);
	c->room_size = len;
	snprintf(text, 100, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
	    len);
	memset(text + strlen(text), 'x', len);
	client_play(c, FAR_ANSWER, text);
	assert_int_equal(c->answer.status, 200);
	assert_int_equal(c->answer.body_len, len);
	assert_int_equal(c->room[0], 'x');
	assert_int_equal(c->room[len - 1], 'x');
	free(text);
	free(c->room);
	c->room = NULL;
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_http_client_sends_the_request),
		CASE(test_http_client_sends_another_host),
		CASE(test_http_client_speaks_methods),
		CASE(test_http_client_sends_no_second_line),
		CASE(test_http_client_reuses_connections),
		CASE(test_http_client_keeps_no_more_than_told),
		CASE(test_http_client_obeys_connection_close),
		CASE(test_http_client_drops_what_comes_behind),
		CASE(test_http_client_notices_closed_connections),
		CASE(test_http_client_tries_anew_once),
		CASE(test_http_client_asks_before_it_sends),
		CASE(test_http_client_reads_chunks),
		CASE(test_http_client_reads_drips),
		CASE(test_http_client_goes_on_after_1xx),
		CASE(test_http_client_keeps_the_beginning),
		CASE(test_http_client_fills_the_room_given),
		CASE(test_http_client_reads_until_closed),
		CASE(test_http_client_keeps_the_status_of_a_torn_answer),
		CASE(test_http_client_believes_the_status_line),
		CASE(test_http_client_believes_a_cut_head),
		CASE(test_http_client_takes_an_early_answer),
		CASE(test_http_client_cuts_an_endless_answer),
		CASE(test_http_client_does_not_follow),
		CASE(test_http_client_reads_retry_after),
		CASE(test_http_client_reads_retry_after_by_the_far_clock),
		CASE(test_http_client_reads_the_date),
		CASE(test_http_client_takes_large_answers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
