/*
 * What happens to the connection is only recorded; link_pump() runs from the
 * loop and decides. It alone moves the state, calls the protocol, and frees
 * connections.
 */
#include "handlers/net/link.h"

#include <sys/random.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/util.h>

#include "handlers/net/conn.h"
#include "handlers/net/link_facts.h"
#include "handlers/net/link_way.h"
#include "handlers/net/net_clock.h"
#include "store/base/timeval.h"

struct link {
	const struct link_protocol *protocol;
	void *arg;
	int64_t connect_ms;
	size_t input_max;

	enum link_state state;
	bool wanted;
	struct event *kick;  /* made active when a fact is new */
	struct event *timer; /* the state's */
	struct event *stage;
	struct link_way way;
	struct link_facts facts;

	int64_t up_ms; /* since when it is UP */
	struct link_silence silence;
	struct link_pause pause;
	char failure[HANDLER_REASON_MAX]; /* the last; empty: none */

	bool busy;           /* link_pump() is at work */
	bool destroyed_flag; /* it frees the link when it is done */
};

/* -- States -- */

#define TO(s) (1u << LINK_##s)
static const struct {
	const char *name;
	unsigned next; /* states reachable in one step */
} states[] = {
	[LINK_DOWN] = { "down", TO(DIALING) },
	[LINK_DIALING] = { "dialing", TO(SHAKING) | TO(DOWN) },
	[LINK_SHAKING] = { "shaking", TO(LOGIN) | TO(DIALING) | TO(DOWN) },
	[LINK_LOGIN] = { "login", TO(UP) | TO(DIALING) | TO(DOWN) },
	[LINK_UP] = { "up", TO(DOWN) },
};
#undef TO
_Static_assert(sizeof(states) / sizeof(states[0]) == LINK_NSTATES,
    "every state has a row");

static void
link_move(struct link *l, enum link_state to)
{
	assert((states[l->state].next & (1u << to)) != 0);
	l->state = to;
}

const char *
link_state_name(enum link_state state)
{
	return (states[state].name);
}

/* -- Facts -- */

static void
link_wake(const struct link *l)
{
	event_active(l->kick, EV_READ, 0);
}

static void
timer_arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	(void)evtimer_add(timer, &tv);
}

static void link_pump(struct link *l);

/* event: there is a new fact. */
static void
link_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	link_pump(arg);
}

/* evtimer: the time of the state is over. */
static void
link_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	l->facts.time_over = true;
	link_pump(l);
}

/* evtimer: the time for one step at this address is over. */
static void
link_stage_cb(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	l->facts.stage_over = true;
	link_pump(l);
}

/* conn_calls: TLS is there; link_way: there is a connection, or none. */
static void
link_changed_cb(void *arg)
{
	link_pump(arg);
}

/* conn_calls */
static void
link_input_cb(void *arg)
{
	struct link *l = arg;

	l->facts.unread = true;
	link_pump(l);
}

/* conn_calls */
static void
link_lost_cb(void *arg, int error)
{
	struct link *l = arg;

	l->facts.unread = evbuffer_get_length(conn_input(l->way.conn)) > 0;
	l->facts.lost = true;
	l->facts.error = error;
	link_pump(l);
}

static const struct conn_calls conn_calls = {
	.ready = link_changed_cb,
	.input = link_input_cb,
	.lost = link_lost_cb,
};

/* The protocol ends the connection, unless it has ended; the reason follows. */
static bool
link_end_by(struct link *l, enum link_fault fault, int code, const char *detail)
{
	if ((l->state != LINK_LOGIN && l->state != LINK_UP) || l->facts.ended)
		return (false);
	link_facts_end(&l->facts, fault, code, detail);
	link_wake(l);
	return (true);
}

void
link_drop(struct link *l, const char *reason_fmt, ...)
{
	enum link_fault fault =
	    l->state == LINK_UP ? LINK_LOST : LINK_UNREACHABLE;
	va_list ap;

	if (!link_end_by(l, fault, 0, NULL))
		return;
	va_start(ap, reason_fmt);
	(void)vsnprintf(l->facts.reason, HANDLER_REASON_MAX, reason_fmt, ap);
	va_end(ap);
}

void
link_break(struct link *l, const char *reason_fmt, ...)
{
	va_list ap;

	if (!link_end_by(l, LINK_BROKEN, 0, NULL))
		return;
	va_start(ap, reason_fmt);
	(void)vsnprintf(l->facts.reason, HANDLER_REASON_MAX, reason_fmt, ap);
	va_end(ap);
}

void
link_refuse(struct link *l, int code, const char *detail,
    const char *reason_fmt, ...)
{
	va_list ap;

	if (!link_end_by(l, LINK_REFUSED, code, detail))
		return;
	va_start(ap, reason_fmt);
	(void)vsnprintf(l->facts.reason, HANDLER_REASON_MAX, reason_fmt, ap);
	va_end(ap);
}

void
link_up(struct link *l)
{
	if (l->state != LINK_LOGIN)
		return;
	l->facts.logged_in = true;
	link_wake(l);
}

/* -- Its end -- */

/* What is known of the connection is of no use for the next. */
static void
link_drop_conn(struct link *l)
{
	link_way_drop(&l->way);
	(void)evtimer_del(l->stage);
	l->facts = (struct link_facts){ .time_over = false };
}

/* After a failure nothing is dialled for a while. */
static void
link_rest(struct link *l, bool was_up)
{
	int64_t now_ms = net_clock_ms();
	uint32_t rnd;

	if (getrandom(&rnd, sizeof(rnd), GRND_NONBLOCK) != sizeof(rnd))
		rnd = (uint32_t)net_clock_us();
	timer_arm(l->timer, link_pause_begin(&l->pause,
				was_up ? now_ms - l->up_ms : 0, now_ms, rnd));
}

/* It is over, or could not be made: this is why. */
static void
link_fall(struct link *l, enum link_fault fault, const char *reason)
{
	bool was_up = l->state == LINK_UP;
	struct link_facts facts = l->facts;
	struct link_end end = { .fault = fault,
		.was_up = was_up,
		.reason = l->failure,
		.detail = facts.detail[0] == '\0' ? NULL : facts.detail,
		.code = facts.code };

	(void)snprintf(l->failure, sizeof(l->failure), "%s", reason);
	link_way_blame(&l->way); /* the next one begins elsewhere, if it can */
	link_move(l, LINK_DOWN);
	link_rest(l, was_up);
	l->wanted = false;
	l->protocol->down(l->arg, l, &end);
	link_drop_conn(l);
}

/* There is no time left. */
static void
link_fall_late(struct link *l)
{
	const char *whom = l->way.peer;
	char text[HANDLER_REASON_MAX];

	if (l->state == LINK_DIALING)
		whom = link_way_whom(&l->way);
	link_late_text(l->state, whom, l->way.host, l->connect_ms, text);
	link_fall(l, LINK_UNREACHABLE, text);
}

/* The connection has ended by itself. */
static void
link_fall_lost(struct link *l)
{
	char text[HANDLER_REASON_MAX];

	link_lost_text(l->state, l->way.peer,
	    conn_failure(l->way.conn, l->facts.error), text);
	link_fall(l, l->state == LINK_UP ? LINK_LOST : LINK_UNREACHABLE, text);
}

/* -- Its steps -- */

static void
link_dial(struct link *l)
{
	link_move(l, LINK_DIALING);
	link_way_dial(&l->way, l->connect_ms);
}

/* There is no answer here: is there another address? Else it has more time. */
static void
link_try_elsewhere(struct link *l)
{
	l->facts.stage_over = false;
	if (!link_way_has_other(&l->way))
		return;
	link_way_blame(&l->way);
	link_drop_conn(l);
	link_dial(l);
}

static void
link_step_down(struct link *l)
{
	if (l->facts.time_over)
		l->pause.until_ms = 0;
	l->facts.time_over = false;
	if (!l->wanted || l->pause.until_ms != 0)
		return;
	link_way_reset(&l->way);
	timer_arm(l->timer, l->connect_ms);
	link_dial(l);
}

static void
link_step_dialing(struct link *l)
{
	if (l->way.failure[0] != '\0') {
		link_fall(l, LINK_UNREACHABLE, l->way.failure);
	} else if (l->way.conn != NULL) {
		link_move(l, LINK_SHAKING);
		timer_arm(l->stage, l->connect_ms / 3);
	} else if (l->facts.time_over) {
		link_fall_late(l);
	}
}

static void
link_step_shaking(struct link *l)
{
	if (l->facts.lost) {
		link_fall_lost(l);
	} else if (conn_is_ready(l->way.conn)) {
		link_move(l, LINK_LOGIN);
		timer_arm(l->stage, l->connect_ms / 3);
		l->protocol->greet(l->arg, l);
	} else if (l->facts.time_over) {
		link_fall_late(l);
	} else if (l->facts.stage_over) {
		link_try_elsewhere(l);
	}
}

/* Have the protocol read what has come. */
static void
link_read(struct link *l)
{
	struct evbuffer *in = conn_input(l->way.conn);

	if (!l->facts.unread || l->facts.ended)
		return;
	l->facts.unread = false;
	l->facts.heard = true;
	link_silence_heard(&l->silence, net_clock_ms());
	if (l->protocol->input(l->arg, l, in) == -1)
		link_break(l, "what it sends makes no sense");
	else if (evbuffer_get_length(in) > l->input_max)
		link_break(l, "it sends more than %zu bytes that make no whole",
		    l->input_max);
}

/* Does the far side still live? */
static void
link_look_after(struct link *l)
{
	char text[HANDLER_REASON_MAX];
	int64_t wait_ms;

	l->facts.time_over = false;
	switch (link_silence_judge(&l->silence, net_clock_ms(), &wait_ms)) {
	case SILENCE_WAIT:
		timer_arm(l->timer, wait_ms);
		return;
	case SILENCE_ASK:
		timer_arm(l->timer, wait_ms);
		l->protocol->idle(l->arg, l);
		return;
	case SILENCE_DEAD:
		link_silence_text(l->way.peer, 2 * l->silence.limit_ms, text);
		link_fall(l, LINK_LOST, text);
		return;
	}
}

static void
link_rise(struct link *l)
{
	link_move(l, LINK_UP);
	(void)evtimer_del(l->stage);
	(void)evtimer_del(l->timer);
	l->facts.time_over = false;
	l->up_ms = net_clock_ms();
	l->failure[0] = '\0';
	if (l->silence.limit_ms > 0)
		timer_arm(l->timer, l->silence.limit_ms);
	l->protocol->up(l->arg, l);
}

static void
link_step_login(struct link *l)
{
	link_read(l);
	if (l->destroyed_flag)
		return;
	if (l->facts.ended)
		link_fall(l, l->facts.fault, l->facts.reason);
	else if (l->facts.logged_in)
		link_rise(l);
	else if (l->facts.lost)
		link_fall_lost(l);
	else if (l->facts.time_over)
		link_fall_late(l);
	else if (l->facts.stage_over && !l->facts.heard)
		link_try_elsewhere(l);
}

static void
link_step_up(struct link *l)
{
	link_read(l);
	if (l->destroyed_flag)
		return;
	if (l->facts.ended)
		link_fall(l, l->facts.fault, l->facts.reason);
	else if (l->facts.lost)
		link_fall_lost(l);
	else if (l->facts.time_over)
		link_look_after(l);
}

static void (*const steps[LINK_NSTATES])(struct link *l) = {
	[LINK_DOWN] = link_step_down,
	[LINK_DIALING] = link_step_dialing,
	[LINK_SHAKING] = link_step_shaking,
	[LINK_LOGIN] = link_step_login,
	[LINK_UP] = link_step_up,
};

static void link_dispose(struct link *l);

/* Do what the facts ask for. */
static void
link_pump(struct link *l)
{
	enum link_state before;

	if (l->destroyed_flag)
		return;
	l->busy = true;
	do {
		before = l->state;
		steps[l->state](l);
	} while (l->state != before && !l->destroyed_flag);
	l->busy = false;
	if (l->destroyed_flag)
		link_dispose(l);
}

/* -- Its life -- */

struct link *
link_new(const struct link_options *opt, const struct link_protocol *protocol,
    void *arg)
{
	const struct conn_kind kind = { .env = opt->env,
		.tls = opt->tls,
		.host = opt->host,
		.port = opt->port,
		.calls = &conn_calls };
	struct event_base *base = opt->env->base;
	struct link *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (NULL);
	l->protocol = protocol;
	l->arg = arg;
	l->connect_ms = opt->connect_ms;
	l->silence.limit_ms = opt->keepalive_ms;
	l->input_max = opt->input_max;
	l->way.changed = link_changed_cb;
	l->way.arg = l;
	if (link_way_init(&l->way, &kind) == -1 ||
	    (l->kick = event_new(base, -1, 0, link_kick_cb, l)) == NULL ||
	    (l->timer = evtimer_new(base, link_timer_cb, l)) == NULL ||
	    (l->stage = evtimer_new(base, link_stage_cb, l)) == NULL) {
		link_dispose(l);
		return (NULL);
	}
	return (l);
}

static void
link_dispose(struct link *l)
{
	link_way_fini(&l->way);
	if (l->kick != NULL)
		event_free(l->kick);
	if (l->timer != NULL)
		event_free(l->timer);
	if (l->stage != NULL)
		event_free(l->stage);
	free(l);
}

/* Say goodbye, if that is not half a request more. */
static void
link_leave(struct link *l)
{
	if (l->state != LINK_UP || l->facts.lost ||
	    !conn_is_drained(l->way.conn) || l->protocol->leave == NULL)
		return;
	l->protocol->leave(l->arg, l);
	l->destroyed_flag = true; /* whatever comes of it counts no more */
	conn_flush(l->way.conn);
}

void
link_free(struct link *l)
{
	if (l == NULL || l->destroyed_flag)
		return;
	link_leave(l);
	l->destroyed_flag = true;
	if (!l->busy)
		link_dispose(l);
}

enum link_state
link_state(const struct link *l)
{
	return (l->state);
}

void
link_want(struct link *l)
{
	l->wanted = true;
	if (l->state == LINK_DOWN)
		link_wake(l);
}

void
link_hurry(struct link *l)
{
	l->pause = (struct link_pause){ .failures = 0 };
	if (l->state == LINK_DOWN)
		link_wake(l);
}

int64_t
link_pause_ms(const struct link *l)
{
	return (link_pause_left(&l->pause, net_clock_ms()));
}

const char *
link_last_failure(const struct link *l)
{
	return (l->failure[0] == '\0' ? NULL : l->failure);
}

const char *
link_peer(const struct link *l)
{
	return (l->way.peer);
}

/* -- Writing -- */

struct evbuffer *
link_output(struct link *l)
{
	if (l->state != LINK_LOGIN && l->state != LINK_UP)
		return (NULL);
	return (conn_output(l->way.conn));
}

uint64_t
link_mark(const struct link *l)
{
	return (l->way.conn == NULL ? 0 : conn_mark(l->way.conn));
}

bool
link_has_left(const struct link *l, uint64_t mark)
{
	return (l->way.conn != NULL && conn_has_left(l->way.conn, mark));
}
