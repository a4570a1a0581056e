/* A lasting connection, with a far side that says what the test says. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/link.h"
#include "test/lib/client_case.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_tls.h"
#include "test/lib/heap.h"
#include "test/lib/raw_side.h"

#define CONNECT_MS 6000
#define KEEPALIVE_MS 60000
#define INPUT_MAX 4096

/*
 * A protocol of lines: HI is answered by YES, or by NO and a reason; PING by
 * PONG. "BROKEN" breaks it, "AWAY" sends away.
 */
struct world {
	struct client_case *c;
	struct raw_side raw;
	struct link *l;
	unsigned greeted, ups, downs, idles, leaves, lines;
	bool want_again;     /* down() does */
	bool mute_greet;     /* greet() writes nothing */
	const char *free_on; /* the line at which input() frees the link */
	bool free_in_down;

	/* The last end. */
	enum link_fault fault;
	bool was_up;
	bool left; /* had what stands at mark? */
	uint64_t mark;
	int code;
	char reason[HANDLER_REASON_MAX];
	char detail[HANDLER_REASON_MAX];
};

static void
world_greet(void *arg, struct link *l)
{
	struct world *w = arg;

	w->greeted++;
	assert_int_equal(link_state(l), LINK_LOGIN);
	if (!w->mute_greet)
		evbuffer_add_printf(link_output(l), "HI\n");
}

/* Returns what input() has to. */
static int
world_line(struct world *w, struct link *l, const char *line)
{
	w->lines++;
	if (w->free_on != NULL && strcmp(line, w->free_on) == 0) {
		link_free(l);
		w->l = NULL;
		return (0);
	}
	if (strcmp(line, "YES") == 0) {
		link_up(l);
	} else if (strncmp(line, "NO ", 3) == 0) {
		link_refuse(l, 403, line + 3, "it let us not in");
		return (-1);
	} else if (strcmp(line, "AWAY") == 0) {
		link_refuse(l, 320, NULL, "it sends us away");
		return (-1);
	} else if (strcmp(line, "BROKEN") == 0) {
		link_break(l, "%s is no line", line);
		link_break(l, "only the first word counts");
		return (-1);
	} else if (strcmp(line, "BAD") == 0) {
		return (-1);
	}
	return (0);
}

static int
world_input(void *arg, struct link *l, struct evbuffer *in)
{
	struct world *w = arg;
	char *line;
	int rc = 0;

	while (rc == 0 && w->l != NULL &&
	       (line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF)) != NULL) {
		rc = world_line(w, l, line);
		free(line);
	}
	return (rc);
}

static void
world_idle(void *arg, struct link *l)
{
	struct world *w = arg;

	w->idles++;
	evbuffer_add_printf(link_output(l), "PING\n");
}

static void
world_up(void *arg, struct link *l)
{
	struct world *w = arg;

	w->ups++;
	assert_int_equal(link_state(l), LINK_UP);
	assert_null(link_last_failure(l));
}

static void
world_down(void *arg, struct link *l, const struct link_end *end)
{
	struct world *w = arg;

	w->downs++;
	assert_int_equal(link_state(l), LINK_DOWN);
	assert_null(link_output(l));
	assert_string_equal(link_last_failure(l), end->reason);
	w->fault = end->fault;
	w->was_up = end->was_up;
	w->code = end->code;
	w->left = link_has_left(l, w->mark);
	snprintf(w->reason, sizeof(w->reason), "%s", end->reason);
	snprintf(w->detail, sizeof(w->detail), "%s",
	    end->detail == NULL ? "" : end->detail);
	if (w->want_again)
		link_want(l);
	if (w->free_in_down) {
		link_free(l);
		w->l = NULL;
	}
}

static void
world_leave(void *arg, struct link *l)
{
	struct world *w = arg;

	w->leaves++;
	evbuffer_add_printf(link_output(l), "BYE\n");
}

static const struct link_protocol protocol = {
	.greet = world_greet,
	.input = world_input,
	.idle = world_idle,
	.up = world_up,
	.down = world_down,
	.leave = world_leave,
};

/* -- The world -- */

static struct link *
world_link(struct world *w, const char *host, unsigned port, bool tls)
{
	const struct link_options opt = {
		.env = &w->c->env,
		.tls = tls ? (struct handler_tls *)w->c : NULL,
		.host = host,
		.port = (uint16_t)port,
		.connect_ms = CONNECT_MS,
		.keepalive_ms = KEEPALIVE_MS,
		.input_max = INPUT_MAX,
	};

	return (link_new(&opt, &protocol, w));
}

static void
world_use(struct world *w, const char *host, unsigned port, bool tls)
{
	link_free(w->l);
	w->l = world_link(w, host, port, tls);
	assert_non_null(w->l);
}

static int
setup(void **state)
{
	struct world *w = heap_alloc(sizeof(*w));
	void *c;

	fake_clock_reset();
	client_setup(&c);
	w->c = c;
	raw_open(&w->raw, w->c->env.base);
	world_use(w, "127.0.0.1", w->raw.port, false);
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;
	void *c = w->c;

	link_free(w->l);
	raw_close(&w->raw);
	free(w);
	return (client_teardown(&c));
}

static void
turn(const struct world *w)
{
	event_base_loop(w->c->env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	sched_yield();
}

#define UNTIL(w, condition)                                                    \
	while (!(condition))                                                   \
	turn(w)

static void
settle(const struct world *w)
{
	for (int i = 0; i < 20; i++)
		turn(w);
}

/* Have it connected, up to the far side's answer to its greeting. */
static void
world_greeted(struct world *w)
{
	unsigned before = w->raw.naccepted;

	link_want(w->l);
	UNTIL(w, w->raw.naccepted > before && w->raw.got_len >= 3);
	assert_string_equal(w->raw.got, "HI\n");
	assert_int_equal(link_state(w->l), LINK_LOGIN);
}

static void
world_logged_in(struct world *w)
{
	unsigned before = w->ups;

	world_greeted(w);
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups > before);
	w->raw.got_len = 0;
}

/* Let time pass until it dials again. */
static void
world_pass_pause(struct world *w)
{
	int64_t ms = link_pause_ms(w->l);

	assert_in_range(ms, 1, LINK_PAUSE_MAX_MS);
	fake_clock_pass_ms(ms);
}

static void
assert_ended(const struct world *w, enum link_fault fault, bool was_up,
    const char *format)
{
	char expected[HANDLER_REASON_MAX];
	const char *at = strchr(format, '@'); /* for whom */

	if (at == NULL)
		snprintf(expected, sizeof(expected), "%s", format);
	else
		snprintf(expected, sizeof(expected), "%.*s127.0.0.1:%u%s",
		    (int)(at - format), format, w->raw.port, at + 1);
	assert_string_equal(w->reason, expected);
	assert_int_equal(w->fault, fault);
	assert_int_equal(w->was_up, was_up);
}

/* -- Coming up -- */

/* Nothing is dialled before it is wanted. */
static void
test_link_connects_when_wanted(void **state)
{
	struct world *w = *state;

	settle(w);
	assert_int_equal(w->raw.naccepted, 0);
	assert_int_equal(link_state(w->l), LINK_DOWN);
	assert_int_equal(link_pause_ms(w->l), 0);
	assert_string_equal(link_peer(w->l), "");
	link_want(w->l);
	assert_int_equal(link_state(w->l), LINK_DOWN);
	world_logged_in(w);
	assert_int_equal(link_state(w->l), LINK_UP);
	assert_int_equal(w->greeted, 1);
	assert_int_equal(w->downs, 0);
	assert_int_equal(w->raw.naccepted, 1);
	link_want(w->l); /* it is there */
	settle(w);
	assert_int_equal(w->raw.naccepted, 1);
}

/* Its states have names. */
static void
test_link_states_have_names(void **state)
{
	(void)state;
	assert_string_equal(link_state_name(LINK_DOWN), "down");
	assert_string_equal(link_state_name(LINK_DIALING), "dialing");
	assert_string_equal(link_state_name(LINK_SHAKING), "shaking");
	assert_string_equal(link_state_name(LINK_LOGIN), "login");
	assert_string_equal(link_state_name(LINK_UP), "up");
}

/* Several lines at once, one line in pieces: all are read, in one connection.
 */
static void
test_link_reads_in_pieces(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	raw_say(&w->raw, "one\ntwo\nYE");
	UNTIL(w, w->lines == 2);
	assert_int_equal(link_state(w->l), LINK_LOGIN);
	raw_say(&w->raw, "S\nthree\n");
	UNTIL(w, w->lines == 4);
	UNTIL(w, w->ups == 1);
}

/* -- Not coming up -- */

/* Who lets us not in is asked again after pauses that grow. */
static void
test_link_refused_is_no_hot_loop(void **state)
{
	struct world *w = *state;
	int64_t pause_ms, most_ms = 200, sum_ms = 0;

	w->want_again = true;
	for (unsigned i = 1; i <= 12; i++) {
		world_greeted(w);
		raw_say(&w->raw, "NO wrong password\n");
		UNTIL(w, w->downs == i);
		assert_ended(w, LINK_REFUSED, false, "it let us not in");
		assert_string_equal(w->detail, "wrong password");
		assert_int_equal(w->code, 403);
		pause_ms = link_pause_ms(w->l);
		assert_in_range(pause_ms, most_ms / 2, most_ms);
		sum_ms += pause_ms;
		most_ms = 2 * most_ms < 30000 ? 2 * most_ms : 30000;
		fake_clock_pass_ms(pause_ms - 1);
		settle(w);
		assert_int_equal(w->raw.naccepted, i);
		fake_clock_pass_ms(1);
	}
	assert_in_range(sum_ms, 12 * 100, 12 * 30000);
}

/* It stays down, and dials no more, unless it is wanted again. */
static void
test_link_stays_down_unless_wanted(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	raw_hang_up(&w->raw, false);
	UNTIL(w, w->downs == 1);
	assert_ended(w, LINK_UNREACHABLE, false,
	    "@ closed the connection during the login");
	world_pass_pause(w);
	settle(w);
	assert_int_equal(link_pause_ms(w->l), 0);
	assert_int_equal(w->raw.naccepted, 1);
	world_logged_in(w);
	assert_null(link_last_failure(w->l));
}

/* The pauses begin anew once it has been up for a while, not sooner. */
static void
test_link_forgets_failures(void **state)
{
	struct world *w = *state;

	w->want_again = true;
	for (unsigned i = 1; i <= 8; i++) {
		world_logged_in(w);
		raw_hang_up(&w->raw, false);
		UNTIL(w, w->downs == i);
		assert_ended(w, LINK_LOST, true, "@ closed the connection");
		world_pass_pause(w);
	}
	world_logged_in(w);
	fake_clock_pass_ms(20000);
	raw_hang_up(&w->raw, true);
	UNTIL(w, w->downs == 9);
	assert_ended(w, LINK_LOST, true,
	    "the connection to @ was lost: Connection reset by peer");
	assert_in_range(link_pause_ms(w->l), 100, 200);
}

/* Nobody listens there. */
static void
test_link_is_not_connected(void **state)
{
	struct world *w = *state;
	char expected[128];
	unsigned port;
	int fd;

	port = far_refuse(&fd);
	world_use(w, "127.0.0.1", port, false);
	link_want(w->l);
	UNTIL(w, w->downs == 1);
	snprintf(expected, sizeof(expected),
	    "connection refused by 127.0.0.1:%u", port);
	assert_ended(w, LINK_UNREACHABLE, false, expected);
	assert_true(link_pause_ms(w->l) > 0);
	assert_false(w->left);
	assert_int_equal(close(fd), 0);
}

/* A connection that is never made ends with its time. */
static void
test_link_hangs_while_dialing(void **state)
{
	struct world *w = *state;
	char expected[128];
	int fds[FAR_STUCK_FDS];
	unsigned port = far_stuck(fds);

	world_use(w, "127.0.0.1", port, false);
	link_want(w->l);
	UNTIL(w, link_state(w->l) == LINK_DIALING);
	settle(w);
	fake_clock_pass_ms(CONNECT_MS - 1);
	settle(w);
	assert_int_equal(w->downs, 0);
	fake_clock_pass_ms(1);
	UNTIL(w, w->downs == 1);
	snprintf(expected, sizeof(expected),
	    "no connection to 127.0.0.1:%u within 6s", port);
	assert_ended(w, LINK_UNREACHABLE, false, expected);
	for (int i = 0; i < FAR_STUCK_FDS; i++)
		assert_int_equal(close(fds[i]), 0);
}

/* No name server speaks. */
static void
test_link_hangs_while_looking_up(void **state)
{
	struct world *w = *state;

	world_use(w, "two.test", w->raw.port, false);
	link_want(w->l);
	UNTIL(w, link_state(w->l) == LINK_DIALING);
	settle(w);
	fake_clock_pass_ms(CONNECT_MS);
	UNTIL(w, w->downs == 1);
	assert_int_equal(w->fault, LINK_UNREACHABLE);
	assert_memory_equal(w->reason, "no name server answered for two.test",
	    36);
}

/* A login without an answer ends with its time. */
static void
test_link_hangs_in_the_login(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	fake_clock_pass_ms(CONNECT_MS - 1);
	settle(w);
	assert_int_equal(w->downs, 0);
	fake_clock_pass_ms(1);
	UNTIL(w, w->downs == 1);
	assert_ended(w, LINK_UNREACHABLE, false,
	    "login at @ not done within 6s");
	assert_int_equal(w->raw.naccepted, 1);
}

/* It may drag on, as long as it is done in time. */
static void
test_link_waits_for_a_slow_login(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	for (int i = 0; i < 5; i++) {
		fake_clock_pass_ms(CONNECT_MS / 6);
		raw_say(&w->raw, "wait\n");
		UNTIL(w, w->lines == (unsigned)i + 1);
	}
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups == 1);
	fake_clock_pass_ms(CONNECT_MS);
	settle(w);
	assert_int_equal(w->downs, 0);
}

/* An address that answers nothing is left for another, and tried last. */
static void
test_link_tries_another_address(void **state)
{
	struct world *w = *state;

	w->c->speaks = true;
	world_use(w, "both.test", w->raw.port, false);
	world_greeted(w);
	fake_clock_pass_ms(CONNECT_MS / 3);
	UNTIL(w, w->greeted == 2);
	assert_int_equal(w->downs, 0);
	UNTIL(w, w->raw.naccepted == 2 && w->raw.got_len == 3);
	assert_string_equal(w->raw.got, "HI\n");
	/* There is no third one. */
	fake_clock_pass_ms(CONNECT_MS / 3);
	settle(w);
	assert_int_equal(w->greeted, 2);
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups == 1);
	assert_int_equal(w->downs, 0);
}

/* -- Being up -- */

/* What is written goes by itself, and one can see that it has. */
static void
test_link_writes(void **state)
{
	struct world *w = *state;
	uint64_t mark;

	assert_null(link_output(w->l));
	assert_int_equal(link_mark(w->l), 0);
	assert_false(link_has_left(w->l, 0));
	world_logged_in(w);
	mark = link_mark(w->l);
	assert_int_equal(mark, 3);
	assert_false(link_has_left(w->l, mark));
	assert_true(link_has_left(w->l, 2));
	evbuffer_add_printf(link_output(w->l), "ORDER\n");
	assert_int_equal(link_mark(w->l), 9);
	assert_false(link_has_left(w->l, mark));
	UNTIL(w, w->raw.got_len == 6);
	assert_string_equal(w->raw.got, "ORDER\n");
	assert_true(link_has_left(w->l, mark));
	assert_true(link_has_left(w->l, 8));
	assert_false(link_has_left(w->l, 9));
}

/* What stands behind a byte that has left may not have: that is exact. */
static void
test_link_knows_what_has_left(void **state)
{
	struct world *w = *state;
	const size_t much = (size_t)24 << 20; /* more than sockets hold */
	char *bytes = heap_alloc(much);

	world_logged_in(w);
	raw_stop_reading(&w->raw);
	w->mark = link_mark(w->l);
	assert_int_equal(evbuffer_add(link_output(w->l), bytes, much), 0);
	UNTIL(w, link_has_left(w->l, w->mark));
	settle(w);
	w->mark += much - 1;
	assert_false(link_has_left(w->l, w->mark));
	raw_hang_up(&w->raw, true);
	UNTIL(w, w->downs == 1);
	assert_false(w->left);
	free(bytes);
}

/* Also in down(), when some of it has. */
static void
test_link_knows_in_down(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	w->mark = link_mark(w->l);
	evbuffer_add_printf(link_output(w->l), "ORDER\n");
	UNTIL(w, w->raw.got_len == 6);
	raw_hang_up(&w->raw, true);
	UNTIL(w, w->downs == 1);
	assert_true(w->left);
}

/* Silence is broken by a question, and what comes is life. */
static void
test_link_asks_after_silence(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	for (unsigned i = 1; i <= 3; i++) {
		fake_clock_pass_ms(KEEPALIVE_MS - 1);
		settle(w);
		assert_int_equal(w->idles, i - 1);
		fake_clock_pass_ms(1);
		UNTIL(w, w->idles == i);
		UNTIL(w, w->raw.got_len == 5);
		assert_string_equal(w->raw.got, "PING\n");
		w->raw.got_len = 0;
		fake_clock_pass_ms(KEEPALIVE_MS - 1);
		settle(w);
		assert_int_equal(w->idles, i);
		raw_say(&w->raw, "PONG\n");
		UNTIL(w, w->lines == 1 + i);
	}
	assert_int_equal(w->downs, 0);
	/* Who speaks is not asked. */
	fake_clock_pass_ms(KEEPALIVE_MS / 2);
	settle(w);
	raw_say(&w->raw, "news\n");
	UNTIL(w, w->lines == 5);
	fake_clock_pass_ms(KEEPALIVE_MS / 2);
	settle(w);
	assert_int_equal(w->idles, 3);
}

/* Who does not answer for as long again is lost. */
static void
test_link_loses_the_silent(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	fake_clock_pass_ms(KEEPALIVE_MS);
	UNTIL(w, w->idles == 1);
	fake_clock_pass_ms(KEEPALIVE_MS - 1);
	settle(w);
	assert_int_equal(w->downs, 0);
	fake_clock_pass_ms(1);
	UNTIL(w, w->downs == 1);
	assert_ended(w, LINK_LOST, true, "nothing has come from @ for 120s");
	UNTIL(w, w->raw.ended);
}

/* A machine that slept asks first. */
static void
test_link_asks_after_a_sleep(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	fake_clock_pass_ms(10 * KEEPALIVE_MS);
	UNTIL(w, w->idles == 1);
	settle(w);
	assert_int_equal(w->downs, 0);
}

/* What breaks the protocol: the first word counts. */
static void
test_link_breaks(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	raw_say(&w->raw, "BROKEN\nmore\n");
	UNTIL(w, w->downs == 1);
	assert_ended(w, LINK_BROKEN, true, "BROKEN is no line");
	assert_int_equal(w->lines, 2); /* YES, BROKEN */
	world_pass_pause(w);
	world_greeted(w);
	raw_say(&w->raw, "BAD\n");
	UNTIL(w, w->downs == 2);
	assert_ended(w, LINK_BROKEN, false, "what it sends makes no sense");
}

/* A line without end is cut. */
static void
test_link_bounds_its_input(void **state)
{
	struct world *w = *state;
	char line[INPUT_MAX];

	memset(line, 'x', sizeof(line));
	world_logged_in(w);
	raw_send(&w->raw, line, sizeof(line) - 1);
	raw_send(&w->raw, "\n", 1);
	UNTIL(w, w->lines == 2);
	raw_send(&w->raw, line, sizeof(line));
	raw_send(&w->raw, line, 1);
	UNTIL(w, w->downs == 1);
	assert_int_equal(w->fault, LINK_BROKEN);
	assert_int_equal(w->lines, 2);
}

/* A farewell counts, though a reset follows it at once. */
static void
test_link_reads_a_farewell(void **state)
{
	struct world *w = *state;

	for (unsigned i = 1; i <= 2; i++) {
		world_logged_in(w);
		if (i == 2) /* then it is the writing that fails */
			evbuffer_add_printf(link_output(w->l), "ORDER\n");
		raw_say_and_reset(&w->raw, "AWAY\n");
		UNTIL(w, w->downs == i);
		assert_ended(w, LINK_REFUSED, true, "it sends us away");
		assert_int_equal(w->code, 320);
		assert_string_equal(w->detail, "");
		world_pass_pause(w);
	}
}

/* A call that was not answered takes it down. */
static void
test_link_drops(void **state)
{
	struct world *w = *state;

	link_drop(w->l, "ignored");
	world_logged_in(w);
	link_drop(w->l, "no answer within %ds", 5);
	assert_int_equal(w->downs, 0);
	UNTIL(w, w->downs == 1);
	assert_ended(w, LINK_LOST, true, "no answer within 5s");
	UNTIL(w, w->raw.ended);
	link_break(w->l, "ignored");
	link_up(w->l);
	settle(w);
	assert_int_equal(w->downs, 1);
}

/* -- Going -- */

/* In each state it can be freed; who is up says goodbye. */
static void
test_link_is_freed_in_each_state(void **state)
{
	struct world *w = *state;

	for (int s = LINK_DOWN; s <= LINK_UP; s++) {
		world_use(w, "127.0.0.1", w->raw.port, s == LINK_SHAKING);
		if (s != LINK_DOWN)
			link_want(w->l);
		if (s == LINK_UP)
			world_logged_in(w);
		UNTIL(w, link_state(w->l) == (enum link_state)s);
		link_free(w->l);
		w->l = NULL;
		settle(w);
	}
	assert_int_equal(w->leaves, 1);
	assert_int_equal(w->downs, 0);
	UNTIL(w, w->raw.ended);
	assert_string_equal(w->raw.got, "BYE\n");
}

/* Half a request is not followed by a goodbye. */
static void
test_link_leaves_without_a_word(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	evbuffer_add_printf(link_output(w->l), "ORDER\n");
	link_free(w->l);
	w->l = NULL;
	UNTIL(w, w->raw.ended);
	assert_int_equal(w->leaves, 0);
	assert_int_equal(w->raw.got_len, 0);
}

/* The protocol may free it from within its functions. */
static void
test_link_is_freed_from_within(void **state)
{
	struct world *w = *state;

	w->free_on = "DIE";
	world_logged_in(w);
	raw_say(&w->raw, "DIE\nDIE\n");
	UNTIL(w, w->raw.ended);
	assert_int_equal(w->leaves, 1);
	assert_int_equal(w->downs, 0);
	world_use(w, "127.0.0.1", w->raw.port, false);
	w->free_in_down = true;
	world_logged_in(w);
	raw_say(&w->raw, "AWAY\n");
	UNTIL(w, w->raw.ended);
	assert_int_equal(w->downs, 1);
	assert_null(w->l);
}

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
	settle(w);
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
	assert_ended(w, LINK_UNREACHABLE, false,
	    "no TLS with @: " FAKE_TLS_REFUSED);
	world_pass_pause(w);
	world_shaken(w);
	raw_hang_up(&w->raw, false);
	UNTIL(w, w->downs == 2);
	assert_ended(w, LINK_UNREACHABLE, false,
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
	settle(w); /* there is no third one */
	assert_int_equal(w->raw.naccepted, 2);
	fake_clock_pass_ms(CONNECT_MS / 3);
	UNTIL(w, w->downs == 1);
	assert_ended(w, LINK_UNREACHABLE, false,
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
	settle(w);
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
			assert_ended(w, LINK_UNREACHABLE, false,
			    strstr(w->reason, "memory") != NULL
				? "out of memory"
				: w->reason);
			world_pass_pause(w);
			settle(w);
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
#define LINK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_link_connects_when_wanted),
		LINK_TEST(test_link_states_have_names),
		LINK_TEST(test_link_reads_in_pieces),
		LINK_TEST(test_link_refused_is_no_hot_loop),
		LINK_TEST(test_link_stays_down_unless_wanted),
		LINK_TEST(test_link_forgets_failures),
		LINK_TEST(test_link_is_not_connected),
		LINK_TEST(test_link_hangs_while_dialing),
		LINK_TEST(test_link_hangs_while_looking_up),
		LINK_TEST(test_link_hangs_in_the_login),
		LINK_TEST(test_link_waits_for_a_slow_login),
		LINK_TEST(test_link_tries_another_address),
		LINK_TEST(test_link_writes),
		LINK_TEST(test_link_knows_what_has_left),
		LINK_TEST(test_link_knows_in_down),
		LINK_TEST(test_link_asks_after_silence),
		LINK_TEST(test_link_loses_the_silent),
		LINK_TEST(test_link_asks_after_a_sleep),
		LINK_TEST(test_link_breaks),
		LINK_TEST(test_link_bounds_its_input),
		LINK_TEST(test_link_reads_a_farewell),
		LINK_TEST(test_link_drops),
		LINK_TEST(test_link_is_freed_in_each_state),
		LINK_TEST(test_link_leaves_without_a_word),
		LINK_TEST(test_link_is_freed_from_within),
		LINK_TEST(test_link_shakes_hands),
		LINK_TEST(test_link_says_goodbye_by_tls),
		LINK_TEST(test_link_names_why_tls_failed),
		LINK_TEST(test_link_leaves_a_hanging_handshake),
		LINK_TEST(test_links_are_many),
		LINK_TEST(test_link_survives_lack_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
