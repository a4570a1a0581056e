#include <stdlib.h>
#include <string.h>

#include "handlers/queue/amqp_confirm.h"
#include "handlers/queue/amqp_session.h"
#include "handlers/queue/amqp_verdict.h"
#include "test/fuzz/fuzz.h"

#define OUTSTANDING 8

static const struct amqp_login login = { .name = "klikitd pos",
	.user = "me",
	.password = "pw",
	.password_len = 2,
	.vhost = "/",
	.queue = "orders",
	.queue_type = "quorum",
	.exchange = "ex" };

/* What the broker says of messages does not settle more than there are. */
static void
settle(struct amqp_confirm *c, const struct amqp_news *news)
{
	struct amqp_settled settled;
	size_t before = amqp_confirm_count(c), taken = 0;

	if (!amqp_confirm_knows(c, news->tag, news->multiple))
		return;
	while (amqp_confirm_take(c, news->tag, news->multiple, &settled))
		taken++;
	if (taken > before || (!news->multiple && taken != 1) ||
	    amqp_confirm_count(c) != before - taken)
		abort();
}

static void
act(struct amqp_session *s, struct amqp_confirm *c,
    const struct amqp_news *news, struct amqp_out *out)
{
	static const struct amqp_declare queue = { .name = "orders",
		.passive = true };
	struct handler_result result = { .code = 0 };

	switch (news->said) {
	case AMQP_SAID_UP:
		while (amqp_confirm_has_room(c)) {
			if (amqp_confirm_add(c, c, "id") == 0)
				abort();
		}
		amqp_session_ask(s, false, &queue, out);
		break;
	case AMQP_SAID_ACK:
	case AMQP_SAID_NACK:
		settle(c, news);
		break;
	case AMQP_SAID_RETURN:
		(void)amqp_confirm_return(c, news->message_id, news->code);
		break;
	case AMQP_SAID_CLOSED:
	case AMQP_SAID_CHANNEL_CLOSED:
		amqp_verdict_lost(news, true, false, &result);
		if (result.verdict == HANDLER_DONE || result.reason[0] == '\0')
			abort();
		break;
	case AMQP_SAID_BROKEN:
		if (news->reason == NULL)
			abort();
		break;
	case AMQP_SAID_NOTHING:
	case AMQP_SAID_BLOCKED:
	case AMQP_SAID_UNBLOCKED:
	case AMQP_SAID_FOUND:
	case AMQP_SAID_MISSING:
		break;
	}
}

/*
 * Whatever a broker says: the session goes forward only, ends for good, and
 * what it answers stays as long as what it was sent.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct amqp_confirm *c = amqp_confirm_new(OUTSTANDING);
	struct amqp_out out = { .bytes = NULL };
	struct amqp_frame frame;
	struct amqp_session s;
	struct amqp_news news;
	enum amqp_step step = AMQP_STEP_START;
	const char *reason;
	size_t at = 0, length;

	if (c == NULL)
		abort();
	amqp_session_begin(&s, &login, &out);
	while (amqp_frame_read(data + at, size - at, &frame, &length,
		   &reason) == AMQP_FRAME_WHOLE) {
		at += length;
		(void)amqp_session_read(&s, &frame, &out, &news);
		if (s.step < step || out.failed ||
		    (step == AMQP_STEP_OVER && news.said != AMQP_SAID_NOTHING))
			abort();
		step = s.step;
		act(&s, c, &news, &out);
	}
	if (out.len > 1024 + 4 * size)
		abort();
	amqp_out_fini(&out);
	amqp_confirm_free(c);
	return (0);
}
