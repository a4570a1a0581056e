#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/fake_clock.h"
#include "test/lib/heap.h"
#include "test/lib/link_case.h"

/* -- The protocol -- */

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

struct link *
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

void
world_use(struct world *w, const char *host, unsigned port, bool tls)
{
	link_free(w->l);
	w->l = world_link(w, host, port, tls);
	assert_non_null(w->l);
}

int
world_setup(void **state)
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

int
world_teardown(void **state)
{
	struct world *w = *state;
	void *c = w->c;

	link_free(w->l);
	raw_close(&w->raw);
	free(w);
	return (client_teardown(&c));
}

void
world_turn(const struct world *w)
{
	event_base_loop(w->c->env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	sched_yield();
}

void
world_settle(const struct world *w)
{
	for (int i = 0; i < 20; i++)
		world_turn(w);
}

void
world_greeted(struct world *w)
{
	unsigned before = w->raw.naccepted;

	link_want(w->l);
	UNTIL(w, w->raw.naccepted > before && w->raw.got_len >= 3);
	assert_string_equal(w->raw.got, "HI\n");
	assert_int_equal(link_state(w->l), LINK_LOGIN);
}

void
world_logged_in(struct world *w)
{
	unsigned before = w->ups;

	world_greeted(w);
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups > before);
	w->raw.got_len = 0;
}

void
world_pass_pause(struct world *w)
{
	int64_t ms = link_pause_ms(w->l);

	assert_in_range(ms, 1, LINK_PAUSE_MAX_MS);
	fake_clock_pass_ms(ms);
}

void
world_assert_ended(const struct world *w, enum link_fault fault, bool was_up,
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
