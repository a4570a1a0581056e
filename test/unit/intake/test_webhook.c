#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/webhook_case.h"

/* No answer before the commit, and one after; then its jobs may run. */
static void
test_webhook_answers_after_the_commit(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	peer_open(&c, &f->h);
	webhook_post(&c, "a", "{}", NULL);
	webhook_wait_pending(f, 1);
	assert_string_equal(f->in.event_id, "a");
	assert_memory_equal(f->in.peer, "127.0.0.1:", 10);
	assert_int_equal(f->in.pending[0].len, 2);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(c.bev)), 0);
	assert_int_equal(f->in.nanswered, 0);
	webhook_commit(f, INGEST_RECEIVED, 7);
	peer_wait(&c, "HTTP/1.1 200 OK");
	peer_wait(&c, "Content-Type: application/json; charset=utf-8");
	peer_wait(&c, "{\"status\":\"received\"}");
	assert_int_equal(f->in.nanswered, 1);
	assert_int_equal(f->in.answered, 7);

	webhook_post(&c, "a", "{}", NULL);
	webhook_wait_pending(f, 1);
	webhook_commit(f, INGEST_DUPLICATE, 7);
	peer_wait(&c, "200 OK");
	peer_wait(&c, "{\"status\":\"duplicate-ignored\"}");
	assert_int_equal(f->in.nanswered, 1);
	peer_close(&c);
}

/* What ingest decides at once or too late has its status each. */
static void
test_webhook_answers_each_outcome(void **state)
{
	static const struct {
		enum ingest_rc rc;
		const char *status, *body;
	} cases[] = {
		{ INGEST_BUSY, "503 Service Unavailable",
		    "{\"error\":\"try again later\"}" },
		{ INGEST_INVALID, "400 Bad Request",
		    "{\"error\":\"invalid JSON\"}" },
		{ INGEST_TOO_MANY, "400 Bad Request",
		    "{\"error\":\"too many orders\"}" },
		{ INGEST_MISFIT, "403 Forbidden",
		    "{\"error\":\"not for this endpoint\"}" },
		{ INGEST_DUPLICATE, "200 OK",
		    "{\"status\":\"duplicate-ignored\"}" },
	};
	struct webhook_case *f = *state;
	struct peer c;

	peer_open(&c, &f->h);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->in.verdict = cases[i].rc;
		webhook_post(&c, "a", "nonsense", NULL);
		peer_wait(&c, cases[i].status);
		if (cases[i].rc == INGEST_BUSY)
			peer_wait(&c, "Retry-After: ");
		peer_wait(&c, cases[i].body);
	}
	f->in.verdict = INGEST_PENDING;
	webhook_post(&c, "a", "{}", NULL);
	webhook_wait_pending(f, 1);
	webhook_commit(f, INGEST_BUSY, 0);
	peer_wait(&c, "503");
	peer_wait(&c, "Retry-After: ");
	assert_int_equal(f->in.nanswered, 0);
	assert_int_equal(f->diag.n, 3);
	assert_int_equal(f->diag.cause, REJECT_NOT_FOR_ENDPOINT);
	assert_string_equal(f->diag.endpoint, "default");
	assert_int_equal(f->diag.body_len, strlen("nonsense"));
	peer_close(&c);
}

/* What opens another endpoint is as good as forged. */
static void
test_webhook_is_opened_by_its_own_secrets(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	assert_int_equal(secrets_add(f->sec, "other", "another", 7, 0), 0);
	f->endpoint.which = 1 << 1;
	peer_open(&c, &f->h);
	webhook_post(&c, "a", "{}", NULL);
	peer_wait(&c, "401 Unauthorized");
	peer_wait(&c, "{\"error\":\"invalid signature\"}");
	f->endpoint.which = 1 << 0;
	webhook_post(&c, "a", "{}", NULL);
	webhook_wait_pending(f, 1);
	assert_string_equal(f->in.endpoint, "default");
	webhook_commit(f, INGEST_RECEIVED, 7);
	peer_wait(&c, "200 OK");
	peer_close(&c);
}

/* A forged delivery is 401, and noted without what is secret in it. */
static void
test_webhook_notes_forgeries_without_secrets(void **state)
{
	static char zeros[SIGNATURE_TEXT_LEN + 1];
	struct webhook_case *f = *state;
	struct peer c;
	char body[3000] = "";

	memset(zeros, '0', SIGNATURE_TEXT_LEN);
	memset(body, 'x', sizeof(body) - 1);
	peer_open(&c, &f->h);
	webhook_post(&c, "a", body, zeros);
	peer_wait(&c, "401 Unauthorized");
	peer_wait(&c, "{\"error\":\"invalid signature\"}");
	assert_int_equal(f->diag.n, 1);
	assert_int_equal(f->diag.cause, REJECT_SIGNATURE);
	assert_int_equal(f->diag.body_len, sizeof(body) - 1);
	assert_int_equal(f->diag.size, sizeof(body) - 1);
	assert_null(strstr(f->diag.headers, "aGVtbGln"));
	assert_null(strstr(f->diag.headers, "private"));
	assert_null(strstr(f->diag.headers, "0000"));
	assert_non_null(strstr(f->diag.headers, "x-klikit-event-id: a\n"));
	peer_close(&c);
}

/* klikit's headers must be there and be names. */
static void
test_webhook_checks_the_headers_first(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;
	char id[257] = "";

	peer_open(&c, &f->h);
	peer_send(&c, "POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
		      "x-klikit-event-id: a\r\nx-klikit-event-type: \r\n"
		      "x-klikit-signature: b\r\nContent-Length: 0\r\n\r\n");
	peer_wait(&c, "400 Bad Request");
	peer_wait(&c, "{\"error\":\"missing klikit headers\"}");
	memset(id, 'a', 256);
	webhook_post(&c, id, "{}", NULL);
	peer_wait(&c, "{\"error\":\"invalid klikit headers\"}");
	webhook_post(&c, "caf\xc3\xa9", "{}", NULL);
	peer_wait(&c, "{\"error\":\"invalid klikit headers\"}");
	id[255] = '\0';
	webhook_post(&c, id, "{}", NULL);
	webhook_wait_pending(f, 1);
	webhook_commit(f, INGEST_DUPLICATE, 1);
	peer_wait(&c, "200 OK");
	peer_close(&c);
}

/* Who has failed too often is turned away, right or wrong, until it is
 * forgiven.
 */
static void
test_webhook_turns_away_who_fails_too_often(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	webhook_set_limit(f->webhook, 1, 0);
	peer_open(&c, &f->h);
	webhook_post(&c, "a", "{}", "wrong");
	peer_wait(&c, "401 Unauthorized");
	webhook_post(&c, "b", "{}", "wrong");
	peer_wait(&c, "429 Too Many Requests");
	peer_wait(&c, "Retry-After: 60\r\n");
	webhook_post(&c, "c", "{}", NULL);
	peer_wait(&c, "429 Too Many Requests");
	assert_int_equal(f->diag.n, 1);
	assert_int_equal(webhook_limited(f->webhook), 2);
	webhook_forgive(f->webhook);
	webhook_post(&c, "d", "{}", NULL);
	webhook_wait_pending(f, 1);
	webhook_commit(f, INGEST_RECEIVED, 1);
	peer_wait(&c, "200 OK");
	peer_close(&c);
}

/* Good deliveries are charged nothing, however many. */
static void
test_webhook_charges_only_what_failed(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	webhook_set_limit(f->webhook, 1, 0);
	peer_open(&c, &f->h);
	for (int i = 0; i < 10; i++) {
		webhook_post(&c, "a", "{}", NULL);
		webhook_wait_pending(f, 1);
		webhook_commit(f, INGEST_DUPLICATE, 1);
		peer_wait(&c, "200 OK");
	}
	assert_int_equal(webhook_limited(f->webhook), 0);
	peer_close(&c);
}

/* A client gone before its commit costs nothing, and its jobs run. */
static void
test_webhook_outlives_a_client_gone_before_its_commit(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	peer_open(&c, &f->h);
	webhook_post(&c, "a", "{}", NULL);
	webhook_wait_pending(f, 1);
	peer_reset(&c);
	webhook_commit(f, INGEST_RECEIVED, 9);
	peer_wait_connections(&f->h, 0);
	assert_int_equal(f->in.nanswered, 1);
	assert_int_equal(f->in.answered, 9);
}

/* An answer that was given but never left is reported once, too. */
static void
test_webhook_reports_an_answer_that_never_left(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	peer_open(&c, &f->h);
	webhook_post(&c, "a", "{}", NULL);
	webhook_wait_pending(f, 1);
	peer_reset(&c);
	webhook_commit(f, INGEST_RECEIVED, 11);
	assert_int_equal(f->in.nanswered, 0);
	http_free(f->h.http);
	f->h.http = NULL;
	assert_int_equal(f->in.nanswered, 1);
}

/* The last delivery, and then: has its connection proved itself? */
static void
assert_standing(struct peer *c, const char *standing)
{
	peer_send(c, "GET /proven HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait(c, "200 OK");
	peer_wait(c, standing);
}

/* Post, and let the delivery have that outcome. */
static void
deliver(struct peer *c, const char *id, enum ingest_rc rc, const char *answer)
{
	struct webhook_case *f = (struct webhook_case *)c->f;

	webhook_post(c, id, "{}", NULL);
	webhook_wait_pending(f, 1);
	webhook_commit(f, rc, 7);
	peer_wait(c, answer);
}

static void
test_a_new_event_proves_its_connection(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	peer_open(&c, &f->h);
	assert_standing(&c, "stranger");
	deliver(&c, "a", INGEST_RECEIVED, "received");
	assert_standing(&c, "proven");
	deliver(&c, "a", INGEST_DUPLICATE, "duplicate");
	assert_standing(&c, "proven");
	peer_close(&c);
}

/* What can be done with a delivery that was overheard proves nothing. */
static void
test_duplicates_and_forgeries_prove_nothing(void **state)
{
	struct webhook_case *f = *state;
	struct peer c;

	peer_open(&c, &f->h);
	deliver(&c, "a", INGEST_DUPLICATE, "duplicate");
	assert_standing(&c, "stranger");
	deliver(&c, "b", INGEST_BUSY, "try again");
	assert_standing(&c, "stranger");
	f->in.verdict = INGEST_DUPLICATE;
	webhook_post(&c, "a", "{}", NULL);
	peer_wait(&c, "duplicate");
	assert_standing(&c, "stranger");
	webhook_post(&c, "c", "{}", "00");
	peer_wait(&c, "401");
	assert_standing(&c, "stranger");
	peer_close(&c);
}

int
main(void)
{
#define WEBHOOK_TEST(name)                                                     \
	cmocka_unit_test_setup_teardown(name, webhook_setup, webhook_teardown)
	const struct CMUnitTest tests[] = {
		WEBHOOK_TEST(test_webhook_answers_after_the_commit),
		WEBHOOK_TEST(test_webhook_answers_each_outcome),
		WEBHOOK_TEST(test_webhook_is_opened_by_its_own_secrets),
		WEBHOOK_TEST(test_webhook_notes_forgeries_without_secrets),
		WEBHOOK_TEST(test_webhook_checks_the_headers_first),
		WEBHOOK_TEST(test_webhook_turns_away_who_fails_too_often),
		WEBHOOK_TEST(test_webhook_charges_only_what_failed),
		WEBHOOK_TEST(
		    test_webhook_outlives_a_client_gone_before_its_commit),
		WEBHOOK_TEST(test_webhook_reports_an_answer_that_never_left),
		WEBHOOK_TEST(test_a_new_event_proves_its_connection),
		WEBHOOK_TEST(test_duplicates_and_forgeries_prove_nothing),
	};
#undef WEBHOOK_TEST

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
