/* Which connections have proved themselves, and which are being served. */
#include "server/http/http_private.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/http_peer.h"

/* The standing of the only connection. */
static enum http_share_standing
standing(struct http_case *f)
{
	assert_int_equal(http_connections(f->http), 1);
	return (TAILQ_FIRST(&f->http->conns.adopted)->share.standing);
}

/* It is served while its request is kept; then it stands as before, or better.
 */
static void
test_a_route_proves_a_connection(void **state)
{
	struct http_case *f = *state;
	struct http_request *r;
	struct peer c;

	peer_open(&c, f);
	peer_wait_connections(f, 1);
	peer_post(&c);
	peer_wait_kept(f, 1);
	assert_int_equal(standing(f), HTTP_SHARE_SERVED);
	http_request_finish(peer_take(f), 200, "first");
	peer_wait(&c, "first");
	assert_int_equal(standing(f), HTTP_SHARE_STRANGER);
	peer_post(&c);
	peer_wait_kept(f, 1);
	r = peer_take(f);
	assert_false(http_request_is_proven(r));
	http_request_prove(r);
	assert_true(http_request_is_proven(r));
	http_request_finish(r, 200, "second");
	peer_wait(&c, "second");
	assert_int_equal(standing(f), HTTP_SHARE_PROVEN);
	peer_close(&c);
}

/* What only waits is not served: it may be closed for others. */
static void
test_who_waits_is_not_served(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_wait_connections(f, 1);
	peer_send(&c, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait_kept(f, 1);
	assert_int_equal(standing(f), HTTP_SHARE_STRANGER);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait(&c, "answered");
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
	while (TAILQ_EMPTY(&f->http->conns.adopted))
		peer_turn(f);
	share = &TAILQ_FIRST(&f->http->conns.adopted)->share;
	assert_false(share->spoke);
	peer_send(&c, "GET /healthz HTTP/1.1\r\n");
	while (!share->spoke)
		peer_turn(f);
	at = share->heard;
	peer_send(&c, "Host:");
	while (
	    TAILQ_FIRST(&f->http->conns.adopted)->guard.feed.reader.head_len <
	    28)
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
		HTTP_TEST(test_a_route_proves_a_connection),
		HTTP_TEST(test_who_waits_is_not_served),
		HTTP_TEST(test_a_dribble_is_heard_once),
	};
#undef HTTP_TEST

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
