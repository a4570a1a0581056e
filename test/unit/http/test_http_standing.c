/* Which connections have proved themselves, and which are being served. */
#include <event2/http.h>

#include "server/http/http_private.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/http_peer.h"

/* The standing of the only connection. */
static enum http_share_standing
standing(struct http_case *f)
{
	assert_int_equal(http_connections(f->http), 1);
	return (TAILQ_FIRST(&f->http->conns)->share.standing);
}

/* Post, and let the delivery have that outcome. */
static void
deliver(struct peer *c, const char *id, enum ingest_rc rc, const char *answer)
{
	peer_post(c, id, "{}", NULL);
	peer_wait_pending(c->f, 1);
	assert_int_equal(standing(c->f), HTTP_SHARE_SERVED);
	peer_commit(c->f, rc, 7);
	peer_wait(c, answer);
}

static void
test_a_new_event_proves_its_connection(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_wait_connections(f, 1);
	deliver(&c, "a", INGEST_RECEIVED, "received");
	assert_int_equal(standing(f), HTTP_SHARE_PROVEN);
	deliver(&c, "a", INGEST_DUPLICATE, "duplicate");
	assert_int_equal(standing(f), HTTP_SHARE_PROVEN);
	peer_close(&c);
}

/* What can be done with a delivery that was overheard proves nothing. */
static void
test_duplicates_and_forgeries_prove_nothing(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_wait_connections(f, 1);
	deliver(&c, "a", INGEST_DUPLICATE, "duplicate");
	assert_int_equal(standing(f), HTTP_SHARE_STRANGER);
	deliver(&c, "b", INGEST_BUSY, "try again");
	assert_int_equal(standing(f), HTTP_SHARE_STRANGER);
	f->in.verdict = INGEST_DUPLICATE;
	peer_post(&c, "a", "{}", NULL);
	peer_wait(&c, "duplicate");
	assert_int_equal(standing(f), HTTP_SHARE_STRANGER);
	peer_post(&c, "c", "{}", "00");
	peer_wait(&c, "401");
	assert_int_equal(standing(f), HTTP_SHARE_STRANGER);
	peer_close(&c);
}

/* Heard of: the first byte, and a whole request; not what dribbles in. */
static void
test_a_dribble_is_heard_once(void **state)
{
	struct http_case *f = *state;
	struct http_holder *share;
	struct peer c;
	uint64_t at;

	peer_open(&c, f);
	peer_wait_connections(f, 1);
	while (TAILQ_EMPTY(&f->http->conns))
		peer_turn(f);
	share = &TAILQ_FIRST(&f->http->conns)->share;
	assert_false(share->spoke);
	peer_send(&c, "GET /healthz HTTP/1.1\r\n");
	while (!share->spoke)
		peer_turn(f);
	at = share->heard;
	peer_send(&c, "Host:");
	while (TAILQ_FIRST(&f->http->conns)->guard.in.reader.head_len < 28)
		peer_turn(f);
	assert_int_equal(share->heard, at);
	peer_send(&c, " x\r\n\r\n");
	peer_wait(&c, "ok");
	assert_true(share->heard > at);
	peer_close(&c);
}

int
main(void)
{
#define HTTP_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
	const struct CMUnitTest tests[] = {
		HTTP_TEST(test_a_new_event_proves_its_connection),
		HTTP_TEST(test_duplicates_and_forgeries_prove_nothing),
		HTTP_TEST(test_a_dribble_is_heard_once),
	};
#undef HTTP_TEST

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
