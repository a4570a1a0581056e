/* A lasting connection by TLS; many of them; without memory. */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/fake_clock.h"
#include "test/lib/fake_tls.h"
#include "test/lib/heap.h"
#include "test/lib/link_case.h"

/* -- TLS -- */

/* Says hello and is answered; then it is as without TLS. */
static void
world_shaken(struct world *w)
{
	unsigned before = w->raw.naccepted;

	link_want(w->l);
	UNTIL(w, w->raw.naccepted > before &&
		     w->raw.got_len == strlen(FAKE_TLS_HELLO));
	assert_int_equal(link_state(w->l), LINK_SHAKING);
	w->raw.got_len = 0;
}

static void
test_link_shakes_hands(void **state)
{
	struct world *w = *state;
	uint64_t mark;

	world_use(w, "localhost", w->raw.port, true);
	world_shaken(w);
	assert_string_equal(w->c->host, "localhost");
	raw_say(&w->raw, FAKE_TLS_YES);
	UNTIL(w, w->raw.got_len == 3);
	assert_string_equal(w->raw.got, "HI\n");
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups == 1);
	mark = link_mark(w->l);
	assert_false(link_has_left(w->l, mark));
	assert_true(link_has_left(w->l, 0));
	evbuffer_add_printf(link_output(w->l), "ORDER\n");
	assert_false(link_has_left(w->l, mark));
	UNTIL(w, w->raw.got_len == 9);
	assert_true(link_has_left(w->l, mark));
	/* What was written since then has not, though bytes had before. */
	world_settle(w);
	mark = link_mark(w->l);
	assert_false(link_has_left(w->l, mark));
	evbuffer_add_printf(link_output(w->l), "ANOTHER\n");
	assert_false(link_has_left(w->l, mark));
	assert_true(link_has_left(w->l, mark - 1));
}

/* The goodbye leaves before TLS does. */
static void
test_link_says_goodbye_by_tls(void **state)
{
	struct world *w = *state;
	unsigned before = fake_tls_leaves;

	world_use(w, "127.0.0.1", w->raw.port, true);
	world_shaken(w);
	raw_say(&w->raw, FAKE_TLS_YES);
	UNTIL(w, w->raw.got_len == 3);
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups == 1);
	link_free(w->l);
	w->l = NULL;
	assert_int_equal(fake_tls_leaves, before + 1);
	UNTIL(w, w->raw.ended);
	assert_string_equal(w->raw.got, "HI\nBYE\n");
	assert_int_equal(w->downs, 0);
}

/* Why TLS failed is what it says. */
static void
test_link_names_why_tls_failed(void **state)
{
	struct world *w = *state;

	world_use(w, "127.0.0.1", w->raw.port, true);
	world_shaken(w);
	raw_say(&w->raw, FAKE_TLS_NO);
	UNTIL(w, w->downs == 1);
	world_assert_ended(w, LINK_UNREACHABLE, false,
	    "no TLS with @: " FAKE_TLS_REFUSED);
	world_pass_pause(w);
	world_shaken(w);
	raw_hang_up(&w->raw, false);
	UNTIL(w, w->downs == 2);
	world_assert_ended(w, LINK_UNREACHABLE, false,
	    "no TLS with @: " FAKE_TLS_CLOSED);
	assert_int_equal(w->greeted, 0);
}

/* TLS that hangs at one address is tried at another. */
static void
test_link_leaves_a_hanging_handshake(void **state)
{
	struct world *w = *state;

	w->c->speaks = true;
	world_use(w, "both.test", w->raw.port, true);
	world_shaken(w);
	fake_clock_pass_ms(CONNECT_MS / 3);
	UNTIL(w,
	    w->raw.naccepted == 2 && w->raw.got_len == strlen(FAKE_TLS_HELLO));
	fake_clock_pass_ms(CONNECT_MS / 3);
	world_settle(w); /* there is no third one */
	assert_int_equal(w->raw.naccepted, 2);
	fake_clock_pass_ms(CONNECT_MS / 3);
	UNTIL(w, w->downs == 1);
	world_assert_ended(w, LINK_UNREACHABLE, false,
	    "TLS handshake with @ not done within 6s");
}

/* -- Many of them -- */

#define MANY 16 /* as many as the far side's queue takes */

struct crowd {
	struct link *links[MANY];
	unsigned greeted, downs;
	uint16_t pauses[201]; /* how many rest so many ms */
};

static void
crowd_greet(void *arg, struct link *l)
{
	struct crowd *crowd = arg;

	crowd->greeted++;
	evbuffer_add_printf(link_output(l), "HI\n");
}

static void
crowd_down(void *arg, struct link *l, const struct link_end *end)
{
	struct crowd *crowd = arg;
	int64_t pause_ms = link_pause_ms(l);

	assert_int_equal(end->fault, LINK_UNREACHABLE);
	assert_in_range(pause_ms, 100, 200);
	crowd->pauses[pause_ms]++;
	crowd->downs++;
	link_want(l);
}

/*
 * Links to one host wait for one look-up, and what failed together does not
 * come back together.
 */
static void
test_links_are_many(void **state)
{
	static const struct link_protocol crowd_protocol = { .greet =
								 crowd_greet,
		.down = crowd_down };
	struct world *w = *state;
	struct crowd *crowd = heap_alloc(sizeof(*crowd));
	struct link_options opt = { .env = &w->c->env,
		.host = "two.test",
		.port = (uint16_t)w->c->far.port,
		.connect_ms = CONNECT_MS,
		.input_max = INPUT_MAX };
	unsigned most = 0;

	far_play(&w->c->far, FAR_DEAF, "");
	for (int i = 0; i < MANY; i++) {
		crowd->links[i] = link_new(&opt, &crowd_protocol, crowd);
		assert_non_null(crowd->links[i]);
		link_want(crowd->links[i]);
	}
	world_settle(w);
	assert_in_range(w->c->nasked, 1, 2); /* A, and AAAA if it has IPv6 */
	fake_clock_pass_ms(CONNECT_MS);
	UNTIL(w, crowd->downs == MANY); /* nobody spoke */
	for (int i = 0; i <= 200; i++)
		most = crowd->pauses[i] > most ? crowd->pauses[i] : most;
	assert_in_range(most, 1, MANY / 3);
	w->c->speaks = true;
	fake_clock_pass_ms(200);
	UNTIL(w, crowd->greeted == MANY);
	assert_int_equal(crowd->downs, MANY);
	for (int i = 0; i < MANY; i++)
		link_free(crowd->links[i]);
	far_hang_up(&w->c->far, false);
	free(crowd);
}

/* -- Memory -- */

/* It fails at each allocation: it is not made, or it is down and comes back. */
static void
test_link_survives_lack_of_memory(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	link_free(w->l);
	do {
		heap_fail(n++, 1);
		w->l = world_link(w, "127.0.0.1", w->raw.port, false);
	} while (heap_heal() == 0);
	assert_non_null(w->l);
	assert_true(n > 3);
	for (n = 0; w->ups == 0; n++) {
		unsigned downs = w->downs;

		assert_true(n < 50);
		heap_fail(n, 1);
		link_want(w->l);
		UNTIL(w, w->downs > downs || link_state(w->l) == LINK_LOGIN);
		heap_heal();
		if (w->downs > downs) {
			world_assert_ended(w, LINK_UNREACHABLE, false,
			    strstr(w->reason, "memory") != NULL
				? "out of memory"
				: w->reason);
			world_pass_pause(w);
			world_settle(w);
			continue;
		}
		UNTIL(w, w->raw.got_len == 3);
		raw_say(&w->raw, "YES\n");
		UNTIL(w, w->ups == 1);
	}
	assert_true(n > 2);
}

int
main(void)
{
#define LINK_TEST(f)                                                           \
	cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_link_shakes_hands),
		LINK_TEST(test_link_says_goodbye_by_tls),
		LINK_TEST(test_link_names_why_tls_failed),
		LINK_TEST(test_link_leaves_a_hanging_handshake),
		LINK_TEST(test_links_are_many),
		LINK_TEST(test_link_survives_lack_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
