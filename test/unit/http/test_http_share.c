/* Who holds how much, and who pays when there is too much of it. */
#include <sys/socket.h>

#include <stdlib.h>

#include "server/http/http_share.h"
#include "test/lib/cmocka_all.h"

static struct http_shares shares;

static struct peer_net
address(uint32_t n)
{
	return ((struct peer_net){ .bits = n, .family = AF_INET });
}

static void
join(struct http_holder *holder, uint32_t n)
{
	*holder = (struct http_holder){ 0 };
	assert_int_equal(http_share_join(&shares, holder, address(n)), 0);
}

static void
leave(struct http_holder *holders, size_t n)
{
	for (size_t i = 0; i < n; i++)
		http_share_leave(&shares, &holders[i]);
	assert_int_equal(http_shares_addresses(&shares), 0);
	for (int what = 0; what < HTTP_SHARE_NWHATS; what++)
		assert_int_equal(http_shares_total(&shares, what), 0);
}

static struct http_holder *
greediest(enum http_share_what what)
{
	return (http_shares_greediest(&shares, what));
}

static void
test_nobody_pays_where_nobody_holds(void **state)
{
	struct http_holder one;

	(void)state;
	assert_null(greediest(HTTP_SHARE_CONNECTIONS));
	join(&one, 1);
	assert_null(greediest(HTTP_SHARE_BYTES));
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &one);
	leave(&one, 1);
}

static void
test_the_address_with_the_most_pays_not_who_came_first(void **state)
{
	struct http_holder h[4];

	(void)state;
	join(&h[0], 1); /* came first, and is alone */
	join(&h[1], 2);
	join(&h[2], 2);
	join(&h[3], 3);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[1]);
	http_share_leave(&shares, &h[1]);
	/* All equal now: who was longest unheard of. */
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[0]);
	http_share_heard(&shares, &h[0]);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[2]);
	leave(h, 4);
}

static void
test_within_an_address_the_silent_pay_first(void **state)
{
	struct http_holder h[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		join(&h[i], 1);
	http_share_heard(&shares, &h[0]);
	http_share_heard(&shares, &h[1]);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[2]);
	http_share_heard(&shares, &h[2]);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[0]);
	http_share_heard(&shares, &h[0]);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[1]);
	leave(h, 3);
}

static void
test_of_bytes_the_largest_holder_of_the_greediest_pays(void **state)
{
	struct http_holder h[4];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		join(&h[i], 1);
	join(&h[3], 2);
	http_share_hold(&shares, &h[0], HTTP_SHARE_BYTES, 10);
	http_share_hold(&shares, &h[1], HTTP_SHARE_BYTES, 40);
	http_share_hold(&shares, &h[2], HTTP_SHARE_BYTES, 20);
	http_share_hold(&shares, &h[3], HTTP_SHARE_BYTES, 60);
	assert_int_equal(http_shares_total(&shares, HTTP_SHARE_BYTES), 130);
	assert_ptr_equal(greediest(HTTP_SHARE_BYTES), &h[1]);
	http_share_hold(&shares, &h[1], HTTP_SHARE_BYTES, 0);
	assert_ptr_equal(greediest(HTTP_SHARE_BYTES), &h[3]);
	assert_int_equal(http_shares_total(&shares, HTTP_SHARE_BYTES), 90);
	leave(h, 4);
}

static void
test_who_has_proved_himself_pays_last_and_the_served_never(void **state)
{
	struct http_holder h[4];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		join(&h[i], 1);
	join(&h[3], 2);
	for (size_t i = 0; i < 3; i++)
		http_share_stand(&h[i], HTTP_SHARE_PROVEN);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[3]);
	http_share_stand(&h[3], HTTP_SHARE_SERVED);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[0]);
	http_share_stand(&h[0], HTTP_SHARE_SERVED);
	http_share_stand(&h[1], HTTP_SHARE_SERVED);
	http_share_stand(&h[2], HTTP_SHARE_SERVED);
	assert_null(greediest(HTTP_SHARE_CONNECTIONS));
	assert_int_equal(http_shares_payable(&shares, HTTP_SHARE_CONNECTIONS),
	    0);
	http_share_stand(&h[2], HTTP_SHARE_STRANGER);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[2]);
	assert_int_equal(http_shares_payable(&shares, HTTP_SHARE_CONNECTIONS),
	    1);
	assert_int_equal(http_shares_payable(&shares, HTTP_SHARE_BYTES), 0);
	assert_int_equal(http_share_of(&h[0], HTTP_SHARE_CONNECTIONS), 3);
	leave(h, 4);
}

static void
test_one_as_greedy_as_a_tunnel_is_cut_inside_itself(void **state)
{
	struct http_holder tunnel[20], good;

	(void)state;
	join(&good, 2);
	for (size_t i = 0; i < 20; i++) {
		join(&tunnel[i], 1);
		if (i % 2 == 0) {
			http_share_heard(&shares, &tunnel[i]);
			http_share_stand(&tunnel[i], HTTP_SHARE_PROVEN);
		}
	}
	for (size_t i = 1; i < 18; i += 2) { /* the silent half */
		assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &tunnel[i]);
		http_share_leave(&shares, &tunnel[i]);
	}
	http_share_leave(&shares, &good);
	leave(tunnel, 20);
}

static void
test_the_table_is_no_larger_than_who_is_connected(void **state)
{
	enum { ADDRESSES = 100000, AT_ONCE = 1000 };
	static struct http_holder h[AT_ONCE];
	size_t most = 0;

	(void)state;
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		http_share_leave(&shares, &h[i % AT_ONCE]);
		join(&h[i % AT_ONCE], i);
		assert_true(http_shares_addresses(&shares) <= AT_ONCE);
		if (shares.nbuckets > most)
			most = shares.nbuckets;
	}
	assert_true(most <= 2 * AT_ONCE);
	leave(h, AT_ONCE);
	assert_true(shares.nbuckets <= 64);
}

static void
test_a_hundred_thousand_at_once_are_found_again(void **state)
{
	enum { ADDRESSES = 100000 };
	struct http_holder *h = calloc(ADDRESSES + 1, sizeof(*h));

	(void)state;
	assert_non_null(h);
	for (uint32_t i = 0; i < ADDRESSES; i++)
		join(&h[i], i);
	assert_int_equal(http_shares_addresses(&shares), ADDRESSES);
	join(&h[ADDRESSES], 77777); /* the second of that address */
	assert_int_equal(http_shares_addresses(&shares), ADDRESSES);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[77777]);
	leave(h, ADDRESSES + 1);
	free(h);
}

static int
set_up(void **state)
{
	(void)state;
	return (http_shares_init(&shares, 0x5eed));
}

static int
tear_down(void **state)
{
	(void)state;
	http_shares_fini(&shares);
	return (0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* With all that it holds, as it stands; an address without any is forgotten. */
static void
test_a_connection_may_become_anothers(void **state)
{
	struct http_holder h[3];

	(void)state;
	join(&h[0], 1);
	join(&h[1], 1);
	join(&h[2], 2);
	http_share_hold(&shares, &h[0], HTTP_SHARE_BYTES, 100);
	http_share_hold(&shares, &h[2], HTTP_SHARE_BYTES, 50);
	http_share_stand(&h[0], HTTP_SHARE_PROVEN);
	assert_int_equal(http_share_move(&shares, &h[0], address(2)), 0);
	assert_int_equal(http_share_of(&h[1], HTTP_SHARE_CONNECTIONS), 1);
	assert_int_equal(http_share_of(&h[1], HTTP_SHARE_BYTES), 0);
	assert_int_equal(http_share_of(&h[2], HTTP_SHARE_CONNECTIONS), 2);
	assert_int_equal(http_share_of(&h[2], HTTP_SHARE_BYTES), 150);
	assert_int_equal(http_shares_total(&shares, HTTP_SHARE_BYTES), 150);
	assert_ptr_equal(greediest(HTTP_SHARE_BYTES), &h[2]);
	/* The last one takes its address along. */
	assert_int_equal(http_share_move(&shares, &h[1], address(3)), 0);
	assert_int_equal(http_shares_addresses(&shares), 2);
	assert_int_equal(http_share_move(&shares, &h[1], address(2)), 0);
	assert_int_equal(http_shares_addresses(&shares), 1);
	assert_int_equal(http_share_of(&h[1], HTTP_SHARE_CONNECTIONS), 3);
	assert_int_equal(http_share_move(&shares, &h[1], address(2)), 0);
	leave(h, 3);
	/* After it has left there is nothing to move. */
	assert_int_equal(http_share_move(&shares, &h[1], address(4)), 0);
	assert_int_equal(http_shares_addresses(&shares), 0);
}

/* A caller pays after the strangers of its address, not of another one. */
static void
test_a_caller_pays_after_strangers_of_its_own_address(void **state)
{
	struct http_holder h[5];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		join(&h[i], 1);
		http_share_stand(&h[i], HTTP_SHARE_CALLER);
	}
	join(&h[3], 1);
	join(&h[4], 2); /* said nothing yet, but its address has fewest */
	assert_int_equal(http_shares_payable(&shares, HTTP_SHARE_CONNECTIONS),
	    5);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[3]);
	http_share_leave(&shares, &h[3]);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[0]);
	http_share_stand(&h[4], HTTP_SHARE_PROVEN);
	assert_ptr_equal(greediest(HTTP_SHARE_CONNECTIONS), &h[0]);
	leave(h, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_pays_where_nobody_holds),
		TEST(test_the_address_with_the_most_pays_not_who_came_first),
		TEST(test_within_an_address_the_silent_pay_first),
		TEST(test_of_bytes_the_largest_holder_of_the_greediest_pays),
		TEST(
		    test_who_has_proved_himself_pays_last_and_the_served_never),
		TEST(test_a_caller_pays_after_strangers_of_its_own_address),
		TEST(test_one_as_greedy_as_a_tunnel_is_cut_inside_itself),
		TEST(test_the_table_is_no_larger_than_who_is_connected),
		TEST(test_a_hundred_thousand_at_once_are_found_again),
		TEST(test_a_connection_may_become_anothers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
