#include "handlers/queue/amqp_conn.h"

#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "handlers/queue/amqp_verdict.h"
#include "handlers/queue/one_line.h"

#define BEATS_PER_HEARTBEAT 2
#define SILENT_HEARTBEATS 2 /* then it is left */

struct amqp_conn {
	struct link *link;
	const struct amqp_login *login;
	const struct amqp_conn_calls *calls;
	void *arg;
	struct amqp_session session;
	struct amqp_news closed; /* its said is NOTHING: it was not */
	struct amqp_out out;
	struct event *beat;
	unsigned silent_beats;
	uint64_t heard;
	bool reading;        /* conn_input_cb() is at work */
	bool destroyed_flag; /* it frees this when it is done */
};

/* -- What we say -- */

/* Send what was written, and keep no copy of it: there may be a password. */
static void
conn_write(struct amqp_conn *c)
{
	struct evbuffer *out = link_output(c->link);

	if (c->out.failed ||
	    (c->out.len > 0 && out != NULL &&
		evbuffer_add(out, c->out.bytes, c->out.len) == -1))
		link_drop(c->link, "out of memory");
	amqp_out_fini(&c->out);
}

static void
conn_beats_begin(struct amqp_conn *c)
{
	long us = c->session.tune.heartbeat_s * 1000000L / BEATS_PER_HEARTBEAT;
	const struct timeval tv = { us / 1000000, us % 1000000 };

	c->silent_beats = 0;
	(void)event_add(c->beat, &tv);
}

/* evtimer, persistent: a sign of life is due. */
static void
conn_beat_cb(evutil_socket_t fd, short what, void *arg)
{
	struct amqp_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->silent_beats++ < SILENT_HEARTBEATS * BEATS_PER_HEARTBEAT) {
		amqp_put_heartbeat(&c->out);
		conn_write(c);
	} else {
		link_drop(c->link, "the broker has been silent for %d s",
		    SILENT_HEARTBEATS * c->session.tune.heartbeat_s);
	}
}

void
amqp_conn_ask(struct amqp_conn *c, bool exchange,
    const struct amqp_declare *what)
{
	amqp_session_ask(&c->session, exchange, what, &c->out);
	conn_write(c);
}

void
amqp_conn_break(struct amqp_conn *c, const char *reason)
{
	link_break(c->link, "the broker at %s %s", link_peer(c->link), reason);
}

/* -- What the broker says -- */

/* The next frame that is whole. */
static enum amqp_frame_state
next_frame(struct evbuffer *in, struct amqp_frame *ret_frame, size_t *ret_size,
    const char **ret_reason)
{
	size_t len = evbuffer_get_length(in), wanted = AMQP_FRAME_HEAD;
	enum amqp_frame_state state = AMQP_FRAME_PART;
	const uint8_t *bytes;

	/* Twice at most: its head says how long it is. */
	while (state == AMQP_FRAME_PART && len > 0) {
		if (wanted > len)
			wanted = len;
		if ((bytes = evbuffer_pullup(in, (ssize_t)wanted)) == NULL) {
			*ret_reason = "sent a frame for which is no memory";
			return (AMQP_FRAME_BROKEN);
		}
		state = amqp_frame_read(bytes, wanted, ret_frame, ret_size,
		    ret_reason);
		if (*ret_size > len)
			break;
		wanted = *ret_size;
	}
	return (state);
}

/* Returns 0; -1: the link was ended. */
static int
conn_heard(struct amqp_conn *c, const struct amqp_news *news)
{
	char detail[HANDLER_REASON_MAX];

	switch (news->said) {
	case AMQP_SAID_NOTHING:
		break;
	case AMQP_SAID_UP:
		link_up(c->link);
		break;
	case AMQP_SAID_ACK:
	case AMQP_SAID_NACK:
	case AMQP_SAID_RETURN:
	case AMQP_SAID_BLOCKED:
	case AMQP_SAID_UNBLOCKED:
	case AMQP_SAID_FOUND:
	case AMQP_SAID_MISSING:
		return (c->calls->said(c->arg, news));
	case AMQP_SAID_CLOSED:
	case AMQP_SAID_CHANNEL_CLOSED:
		c->closed = *news;
		one_line(news->text, detail);
		link_refuse(c->link, news->code, detail, "the broker %s",
		    amqp_verdict_closed(news).text);
		return (-1);
	case AMQP_SAID_BROKEN:
		amqp_conn_break(c, news->reason);
		return (-1);
	}
	return (0);
}

/* One frame that is whole. Returns 0; -1: the link was ended. */
static int
conn_read(struct amqp_conn *c, const struct amqp_frame *frame,
    struct amqp_news *ret_news)
{
	if (frame->type != AMQP_FRAME_BODY)
		c->heard++;
	c->silent_beats = 0;
	if (amqp_session_read(&c->session, frame, &c->out, ret_news) ==
	    AMQP_SAID_BROKEN)
		amqp_out_fini(&c->out); /* it gets no answer */
	conn_write(c);
	if (c->session.step == AMQP_STEP_OPEN &&
	    !event_pending(c->beat, EV_TIMEOUT, NULL))
		conn_beats_begin(c);
	return (conn_heard(c, ret_news));
}

/* link_protocol */
static int
conn_input_cb(void *arg, struct link *l, struct evbuffer *in)
{
	struct amqp_conn *c = arg;
	enum amqp_frame_state state;
	struct amqp_frame frame;
	struct amqp_news news;
	const char *reason;
	size_t size;
	int rc = 0;

	c->reading = true;
	while (rc == 0 && !c->destroyed_flag &&
	       (state = next_frame(in, &frame, &size, &reason)) !=
		   AMQP_FRAME_PART) {
		if (state == AMQP_FRAME_BROKEN) {
			link_break(l, "the broker at %s %s%s", link_peer(l),
			    reason,
			    c->session.step == AMQP_STEP_START
				? "; correct host or port in url"
				: "");
			rc = -1;
			break;
		}
		rc = conn_read(c, &frame, &news);
		(void)evbuffer_drain(in, size);
	}
	c->reading = false;
	if (!c->destroyed_flag)
		return (rc);
	free(c);
	return (0);
}

/* link_protocol */
static void
conn_greet_cb(void *arg, struct link *l)
{
	struct amqp_conn *c = arg;

	(void)l;
	(void)event_del(c->beat);
	c->closed.said = AMQP_SAID_NOTHING;
	amqp_session_begin(&c->session, c->login, &c->out);
	conn_write(c);
}

/* link_protocol: signs of life are on a timer of ours. */
static void
conn_idle_cb(void *arg, struct link *l)
{
	(void)arg;
	(void)l;
}

/* link_protocol */
static void
conn_up_cb(void *arg, struct link *l)
{
	struct amqp_conn *c = arg;

	(void)l;
	c->calls->up(c->arg);
}

/* link_protocol */
static void
conn_down_cb(void *arg, struct link *l, const struct link_end *end)
{
	struct amqp_conn *c = arg;

	(void)l;
	(void)event_del(c->beat);
	c->calls->down(c->arg, end,
	    c->closed.said == AMQP_SAID_NOTHING ? NULL : &c->closed);
}

/* link_protocol */
static void
conn_leave_cb(void *arg, struct link *l)
{
	struct amqp_conn *c = arg;

	(void)l;
	amqp_put_close(&c->out);
	conn_write(c);
}

static const struct link_protocol protocol = {
	.greet = conn_greet_cb,
	.input = conn_input_cb,
	.idle = conn_idle_cb,
	.up = conn_up_cb,
	.down = conn_down_cb,
	.leave = conn_leave_cb,
};

/* -- Its life -- */

struct amqp_conn *
amqp_conn_new(const struct link_options *opt, const struct amqp_login *login,
    const struct amqp_conn_calls *calls, void *arg)
{
	struct amqp_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return (NULL);
	c->login = login;
	c->calls = calls;
	c->arg = arg;
	c->beat = event_new(opt->env->base, -1, EV_PERSIST, conn_beat_cb, c);
	if (c->beat == NULL ||
	    (c->link = link_new(opt, &protocol, c)) == NULL) {
		amqp_conn_free(c);
		return (NULL);
	}
	return (c);
}

void
amqp_conn_free(struct amqp_conn *c)
{
	if (c == NULL)
		return;
	link_free(c->link);
	if (c->beat != NULL)
		event_free(c->beat);
	amqp_out_fini(&c->out);
	c->destroyed_flag = true;
	if (!c->reading)
		free(c);
}

struct link *
amqp_conn_link(const struct amqp_conn *c)
{
	return (c->link);
}

size_t
amqp_conn_frame_max(const struct amqp_conn *c)
{
	return (c->session.tune.frame_max);
}

uint64_t
amqp_conn_heard(const struct amqp_conn *c)
{
	return (c->heard);
}
