#include "handlers/queue/amqp_session.h"

#include <string.h>

/* -- What we say -- */

void
amqp_session_begin(struct amqp_session *s, const struct amqp_login *login,
    struct amqp_out *out)
{
	*s = (struct amqp_session){ .step = AMQP_STEP_START, .login = login };
	amqp_put_greeting(out);
}

void
amqp_session_ask(struct amqp_session *s, bool exchange,
    const struct amqp_declare *what, struct amqp_out *out)
{
	s->asked = s->asked == 0 ? AMQP_CHANNEL + 1 : (uint16_t)(s->asked + 1);
	s->asked_exchange = exchange;
	s->asking = true;
	s->ask = *what;
	amqp_put_channel_open(out, s->asked);
}

static enum amqp_said
session_up(struct amqp_session *s)
{
	s->step = AMQP_STEP_UP;
	return (AMQP_SAID_UP);
}

static enum amqp_said
session_next(struct amqp_session *s, enum amqp_step step)
{
	s->step = step;
	return (AMQP_SAID_NOTHING);
}

static enum amqp_said
session_break(struct amqp_session *s, struct amqp_news *ret_news,
    const char *reason)
{
	s->step = AMQP_STEP_OVER;
	ret_news->reason = reason;
	return (AMQP_SAID_BROKEN);
}

/* -- The login -- */

/* Is word one of those in list, which stand between blanks? */
static bool
has_word(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word), at = 0, end;

	while (at < len) {
		for (end = at; end < len && list[end] != ' '; end++)
			;
		if (end - at == n && memcmp(list + at, word, n) == 0)
			return (true);
		at = end + 1;
	}
	return (false);
}

static enum amqp_said
login_start(struct amqp_session *s, struct amqp_in *in, struct amqp_out *out,
    struct amqp_news *ret_news)
{
	const char *mechanisms;
	size_t len;

	if (amqp_get_u8(in) != 0 || amqp_get_u8(in) != 9)
		return (session_break(s, ret_news,
		    "speaks another version of AMQP than 0-9-1"));
	amqp_skip_long(in); /* server-properties */
	mechanisms = amqp_get_long(in, &len);
	if (!in->broken && !has_word(mechanisms, len, "PLAIN"))
		return (session_break(s, ret_news,
		    "does not offer a login by user and password (PLAIN)"));
	amqp_put_start_ok(out, s->login->name, s->login->user,
	    s->login->password, s->login->password_len);
	return (session_next(s, AMQP_STEP_TUNE));
}

/* The lower limit of the two, of which 0 is none. */
static uint32_t
lower(uint32_t theirs, uint32_t ours)
{
	return (theirs == 0 || theirs > ours ? ours : theirs);
}

static enum amqp_said
login_tune(struct amqp_session *s, struct amqp_in *in, struct amqp_out *out,
    struct amqp_news *ret_news)
{
	struct amqp_tune *tune = &s->tune;

	tune->channel_max =
	    (uint16_t)lower(amqp_get_u16(in), AMQP_CHANNELS_MAX);
	tune->frame_max = lower(amqp_get_u32(in), AMQP_FRAME_MAX);
	tune->heartbeat_s = (uint16_t)lower(amqp_get_u16(in), AMQP_HEARTBEAT_S);
	if (!in->broken && tune->frame_max < AMQP_FRAME_MIN)
		return (session_break(s, ret_news,
		    "asks for frames shorter than AMQP allows"));
	amqp_put_tune_ok(out, tune);
	amqp_put_open(out, s->login->vhost);
	return (session_next(s, AMQP_STEP_OPEN));
}

static enum amqp_said
login_declare(struct amqp_session *s, struct amqp_out *out)
{
	const struct amqp_declare queue = { .name = s->login->queue,
		.durable = true,
		.queue_type = s->login->queue_type };

	if (queue.name == NULL)
		return (session_up(s));
	amqp_put_queue_declare(out, AMQP_CHANNEL, &queue);
	return (session_next(s, AMQP_STEP_QUEUE));
}

static enum amqp_said
login_bind(struct amqp_session *s, struct amqp_out *out)
{
	const struct amqp_login *login = s->login;

	if (login->exchange[0] == '\0')
		return (session_up(s));
	amqp_put_queue_bind(out, AMQP_CHANNEL, login->queue, login->exchange,
	    login->queue);
	return (session_next(s, AMQP_STEP_BIND));
}

/* The answer of a step, at the step that waits for it. */
static bool
is_due(const struct amqp_session *s, uint32_t method)
{
	static const uint32_t due[] = {
		[AMQP_STEP_START] = AMQP_CONNECTION_START,
		[AMQP_STEP_TUNE] = AMQP_CONNECTION_TUNE,
		[AMQP_STEP_OPEN] = AMQP_CONNECTION_OPEN_OK,
		[AMQP_STEP_CHANNEL] = AMQP_CHANNEL_OPEN_OK,
		[AMQP_STEP_CONFIRM] = AMQP_CONFIRM_SELECT_OK,
		[AMQP_STEP_QUEUE] = AMQP_QUEUE_DECLARE_OK,
		[AMQP_STEP_BIND] = AMQP_QUEUE_BIND_OK,
		[AMQP_STEP_UP] = 0,
		[AMQP_STEP_OVER] = 0,
	};

	return (due[s->step] != 0 && due[s->step] == method);
}

static enum amqp_said
login_goes_on(struct amqp_session *s, struct amqp_in *in, struct amqp_out *out,
    struct amqp_news *ret_news)
{
	switch (s->step) {
	case AMQP_STEP_START:
		return (login_start(s, in, out, ret_news));
	case AMQP_STEP_TUNE:
		return (login_tune(s, in, out, ret_news));
	case AMQP_STEP_OPEN:
		amqp_put_channel_open(out, AMQP_CHANNEL);
		return (session_next(s, AMQP_STEP_CHANNEL));
	case AMQP_STEP_CHANNEL:
		amqp_put_confirm_select(out, AMQP_CHANNEL);
		return (session_next(s, AMQP_STEP_CONFIRM));
	case AMQP_STEP_CONFIRM:
		return (login_declare(s, out));
	case AMQP_STEP_QUEUE:
		return (login_bind(s, out));
	case AMQP_STEP_BIND:
		return (session_up(s));
	case AMQP_STEP_UP:
	case AMQP_STEP_OVER:
		break;
	}
	return (AMQP_SAID_NOTHING);
}

/* -- The connection, and its channels -- */

/* Why it closes: the fields of both methods are the same. */
static void
read_close(struct amqp_in *in, struct amqp_news *ret_news)
{
	ret_news->code = amqp_get_u16(in);
	amqp_get_short(in, ret_news->text);
	ret_news->method = amqp_get_u32(in);
}

/* Two may ask us to send nothing for a while; both must take it back. */
static enum amqp_said
session_hold(struct amqp_session *s, bool *which, bool on)
{
	bool was = s->blocked || s->flow_off, is;

	*which = on;
	is = s->blocked || s->flow_off;
	if (was == is)
		return (AMQP_SAID_NOTHING);
	return (is ? AMQP_SAID_BLOCKED : AMQP_SAID_UNBLOCKED);
}

static enum amqp_said
read_connection(struct amqp_session *s, uint32_t method, struct amqp_in *in,
    struct amqp_out *out, struct amqp_news *ret_news)
{
	switch (method) {
	case AMQP_CONNECTION_CLOSE:
		read_close(in, ret_news);
		amqp_put_plain(out, 0, AMQP_CONNECTION_CLOSE_OK);
		s->step = AMQP_STEP_OVER;
		return (AMQP_SAID_CLOSED);
	case AMQP_CONNECTION_CLOSE_OK:
		return (session_break(s, ret_news, "ended the connection"));
	case AMQP_CONNECTION_SECURE:
		return (session_break(s, ret_news,
		    "asks for more than a user and a password"));
	case AMQP_CONNECTION_BLOCKED:
		amqp_get_short(in, ret_news->text);
		return (session_hold(s, &s->blocked, true));
	case AMQP_CONNECTION_UNBLOCKED:
		return (session_hold(s, &s->blocked, false));
	default:
		return (session_break(s, ret_news,
		    "sent a method that does not belong there"));
	}
}

/* -- What becomes of messages -- */

static enum amqp_said
read_settled(struct amqp_in *in, struct amqp_news *ret_news,
    enum amqp_said said)
{
	ret_news->tag = amqp_get_u64(in);
	ret_news->multiple = (amqp_get_u8(in) & 1) != 0;
	return (said);
}

static enum amqp_said
read_return(struct amqp_session *s, struct amqp_in *in)
{
	struct amqp_returned *r = &s->returned;

	*r = (struct amqp_returned){ .under_way = true, .header_due = true };
	r->code = amqp_get_u16(in);
	amqp_get_short(in, r->text);
	return (AMQP_SAID_NOTHING);
}

/* The message that came back is whole. */
static enum amqp_said
return_ends(struct amqp_session *s, struct amqp_news *ret_news)
{
	struct amqp_returned *r = &s->returned;

	if (r->header_due || r->body_left > 0)
		return (AMQP_SAID_NOTHING);
	r->under_way = false;
	ret_news->code = r->code;
	memcpy(ret_news->text, r->text, sizeof(r->text));
	memcpy(ret_news->message_id, r->message_id, sizeof(r->message_id));
	return (AMQP_SAID_RETURN);
}

/* Its properties, as far as to the message's id (4.2.6.1). */
static void
read_message_id(struct amqp_in *in, char ret_id[AMQP_SHORT_MAX + 1])
{
	uint16_t flags = amqp_get_u16(in);
	char skipped[AMQP_SHORT_MAX + 1];

	for (unsigned bit = 15; bit > 7; bit--) {
		if ((flags & 1u << bit) == 0)
			continue;
		if (bit == 13) /* headers */
			amqp_skip_long(in);
		else if (bit == 12 || bit == 11) /* delivery-mode, priority */
			(void)amqp_get_u8(in);
		else
			amqp_get_short(in, skipped);
	}
	if ((flags & 1u << 7) != 0)
		amqp_get_short(in, ret_id);
}

static enum amqp_said
read_content(struct amqp_session *s, const struct amqp_frame *frame,
    struct amqp_in *in, struct amqp_news *ret_news)
{
	struct amqp_returned *r = &s->returned;

	if (frame->channel != AMQP_CHANNEL || !r->under_way ||
	    r->header_due != (frame->type == AMQP_FRAME_HEADER))
		return (session_break(s, ret_news,
		    "sent a message that nobody asked for"));
	if (frame->type == AMQP_FRAME_BODY) {
		if (frame->len > r->body_left)
			return (session_break(s, ret_news,
			    "returned a message longer than it said"));
		r->body_left -= frame->len;
		return (return_ends(s, ret_news));
	}
	(void)amqp_get_u32(in); /* class, weight */
	r->body_left = amqp_get_u64(in);
	read_message_id(in, r->message_id);
	r->header_due = false;
	return (return_ends(s, ret_news));
}

static enum amqp_said
read_channel(struct amqp_session *s, uint32_t method, struct amqp_in *in,
    struct amqp_out *out, struct amqp_news *ret_news)
{
	bool active;

	if (method == AMQP_CHANNEL_CLOSE) {
		read_close(in, ret_news);
		amqp_put_plain(out, AMQP_CHANNEL, AMQP_CHANNEL_CLOSE_OK);
		s->step = AMQP_STEP_OVER;
		return (AMQP_SAID_CHANNEL_CLOSED);
	}
	if (s->step == AMQP_STEP_UP) {
		switch (method) {
		case AMQP_BASIC_ACK:
			return (read_settled(in, ret_news, AMQP_SAID_ACK));
		case AMQP_BASIC_NACK:
			return (read_settled(in, ret_news, AMQP_SAID_NACK));
		case AMQP_BASIC_RETURN:
			return (read_return(s, in));
		case AMQP_CHANNEL_FLOW:
			active = (amqp_get_u8(in) & 1) != 0;
			amqp_put_flow_ok(out, AMQP_CHANNEL, active);
			return (session_hold(s, &s->flow_off, !active));
		default:
			break;
		}
	}
	return (session_break(s, ret_news,
	    "sent a method that does not belong there"));
}

/* The channel on which something was asked. */
static enum amqp_said
read_asked(struct amqp_session *s, uint32_t method, struct amqp_in *in,
    struct amqp_out *out, struct amqp_news *ret_news)
{
	switch (method) {
	case AMQP_CHANNEL_OPEN_OK:
		if (s->asked_exchange)
			amqp_put_exchange_declare(out, s->asked, &s->ask);
		else
			amqp_put_queue_declare(out, s->asked, &s->ask);
		return (AMQP_SAID_NOTHING);
	case AMQP_EXCHANGE_DECLARE_OK:
	case AMQP_QUEUE_DECLARE_OK:
		s->asking = false;
		return (AMQP_SAID_FOUND);
	case AMQP_CHANNEL_CLOSE:
		read_close(in, ret_news);
		amqp_put_plain(out, s->asked, AMQP_CHANNEL_CLOSE_OK);
		s->asking = false;
		return (AMQP_SAID_MISSING);
	default:
		return (session_break(s, ret_news,
		    "sent a method that does not belong there"));
	}
}

static enum amqp_said
read_method(struct amqp_session *s, const struct amqp_frame *frame,
    struct amqp_in *in, struct amqp_out *out, struct amqp_news *ret_news)
{
	uint32_t method = amqp_get_u32(in);
	uint16_t channel =
	    s->step == AMQP_STEP_CHANNEL || s->step == AMQP_STEP_CONFIRM ||
		    s->step == AMQP_STEP_QUEUE || s->step == AMQP_STEP_BIND
		? AMQP_CHANNEL
		: 0;

	if (is_due(s, method) && frame->channel == channel)
		return (login_goes_on(s, in, out, ret_news));
	if (frame->channel == 0)
		return (read_connection(s, method, in, out, ret_news));
	if (frame->channel == AMQP_CHANNEL && s->step > AMQP_STEP_OPEN &&
	    !s->returned.under_way)
		return (read_channel(s, method, in, out, ret_news));
	if (s->asking && frame->channel == s->asked)
		return (read_asked(s, method, in, out, ret_news));
	return (session_break(s, ret_news,
	    "sent a method that does not belong there"));
}

enum amqp_said
amqp_session_read(struct amqp_session *s, const struct amqp_frame *frame,
    struct amqp_out *out, struct amqp_news *ret_news)
{
	struct amqp_in in = { .at = frame->payload, .left = frame->len };

	*ret_news = (struct amqp_news){ .during = s->step };
	if (s->step == AMQP_STEP_OVER)
		return (AMQP_SAID_NOTHING);
	switch (frame->type) {
	case AMQP_FRAME_METHOD:
		ret_news->said = read_method(s, frame, &in, out, ret_news);
		break;
	case AMQP_FRAME_HEADER:
	case AMQP_FRAME_BODY:
		ret_news->said = read_content(s, frame, &in, ret_news);
		break;
	case AMQP_FRAME_HEARTBEAT:
		break;
	}
	if (in.broken && ret_news->said != AMQP_SAID_BROKEN)
		ret_news->said = session_break(s, ret_news,
		    "sent a method or a message that is cut short");
	return (ret_news->said);
}
