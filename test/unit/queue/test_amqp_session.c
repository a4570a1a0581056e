/* A broker's side of the talk, frame by frame. */
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp_session.h"

static const struct amqp_login plain = { .name = "klikitd pos",
	.user = "me",
	.password = "pw",
	.password_len = 2,
	.vhost = "/v",
	.exchange = "" };

static struct amqp_session s;
static struct amqp_out sent; /* by us, since the last look */
static struct amqp_news news;

static int
session_teardown(void **state)
{
	(void)state;
	amqp_out_fini(&sent);
	return (0);
}

/* -- What the broker says -- */

static enum amqp_said
hear(enum amqp_frame_type type, uint16_t channel,
    const struct amqp_out *payload)
{
	const struct amqp_frame frame = { .type = type,
		.channel = channel,
		.payload = payload->bytes,
		.len = payload->len };

	amqp_out_fini(&sent);
	return (amqp_session_read(&s, &frame, &sent, &news));
}

/* A method whose arguments are those bytes. */
static enum amqp_said
hear_method(uint16_t channel, enum amqp_method method, const void *bytes,
    size_t len)
{
	struct amqp_out payload = { .bytes = NULL };
	enum amqp_said said;

	amqp_put_u32(&payload, (uint32_t)method);
	amqp_put_bytes(&payload, bytes, len);
	said = hear(AMQP_FRAME_METHOD, channel, &payload);
	amqp_out_fini(&payload);
	return (said);
}

#define HEAR(channel, method, args)                                            \
	hear_method(channel, method, args, sizeof(args) - 1)

static enum amqp_said
hear_start(const char *mechanisms)
{
	struct amqp_out args = { .bytes = NULL };
	enum amqp_said said;

	amqp_put_bytes(&args, "\x00\x09", 2);
	amqp_table_end(&args, amqp_table_begin(&args));
	amqp_put_long(&args, mechanisms, strlen(mechanisms));
	amqp_put_long(&args, "en_US", 5);
	said = hear_method(0, AMQP_CONNECTION_START, args.bytes, args.len);
	amqp_out_fini(&args);
	return (said);
}

static enum amqp_said
hear_close(uint16_t channel, enum amqp_method method, int code,
    const char *text)
{
	struct amqp_out args = { .bytes = NULL };
	enum amqp_said said;

	amqp_put_u16(&args, (uint16_t)code);
	amqp_put_short(&args, text);
	amqp_put_u32(&args, AMQP_BASIC_PUBLISH);
	said = hear_method(channel, method, args.bytes, args.len);
	amqp_out_fini(&args);
	return (said);
}

/* -- What we say -- */

/* The next frame of ours is that method. */
static void
expect_sent(uint16_t channel, enum amqp_method method)
{
	struct amqp_frame frame;
	struct amqp_in in;
	const char *reason;
	size_t size;

	assert_false(sent.failed);
	assert_int_equal(amqp_frame_read(sent.bytes, sent.len, &frame, &size,
			     &reason),
	    AMQP_FRAME_WHOLE);
	in = (struct amqp_in){ .at = frame.payload, .left = frame.len };
	assert_int_equal(frame.type, AMQP_FRAME_METHOD);
	assert_int_equal(frame.channel, channel);
	assert_int_equal(amqp_get_u32(&in), method);
	memmove(sent.bytes, sent.bytes + size, sent.len - size);
	sent.len -= size;
}

static bool
has_sent(const char *bytes, size_t len)
{
	return (memmem(sent.bytes, sent.len, bytes, len) != NULL);
}

#define TUNE "\x07\xff\x00\x02\x00\x00\x00\x3c"

/* Up to and with the channel. */
static void
log_in(const struct amqp_login *login)
{
	amqp_out_fini(&sent);
	amqp_session_begin(&s, login, &sent);
	assert_int_equal(sent.len, 8);
	assert_memory_equal(sent.bytes, "AMQP\x00\x00\x09\x01", 8);
	assert_int_equal(hear_start("AMQPLAIN PLAIN"), AMQP_SAID_NOTHING);
	assert_true(has_sent("\x05PLAIN\x00\x00\x00\x06\x00me\x00pw", 16));
	assert_true(has_sent("publisher_confirmst\x01", 20));
	assert_true(has_sent("connection.blockedt\x01", 20));
	assert_true(has_sent("authentication_failure_closet\x01", 30));
	assert_true(has_sent("klikitd pos", 11));
	expect_sent(0, AMQP_CONNECTION_START_OK);
	assert_int_equal(HEAR(0, AMQP_CONNECTION_TUNE, TUNE),
	    AMQP_SAID_NOTHING);
	expect_sent(0, AMQP_CONNECTION_TUNE_OK);
	assert_true(has_sent("\x02/v", 3));
	expect_sent(0, AMQP_CONNECTION_OPEN);
	assert_int_equal(HEAR(0, AMQP_CONNECTION_OPEN_OK, "\x00"),
	    AMQP_SAID_NOTHING);
	expect_sent(1, AMQP_CHANNEL_OPEN);
	assert_int_equal(HEAR(1, AMQP_CHANNEL_OPEN_OK, "\x00\x00\x00\x00"),
	    AMQP_SAID_NOTHING);
	expect_sent(1, AMQP_CONFIRM_SELECT);
	assert_int_equal(sent.len, 0);
}

static void
come_up(const struct amqp_login *login)
{
	log_in(login);
	assert_int_equal(HEAR(1, AMQP_CONFIRM_SELECT_OK, ""), AMQP_SAID_UP);
	assert_int_equal(s.step, AMQP_STEP_UP);
}

static void
expect_broken(enum amqp_said said, const char *words)
{
	assert_int_equal(said, AMQP_SAID_BROKEN);
	assert_non_null(strstr(news.reason, words));
	assert_int_equal(s.step, AMQP_STEP_OVER);
	/* Nothing more is read. */
	assert_int_equal(HEAR(1, AMQP_BASIC_ACK, ""), AMQP_SAID_NOTHING);
}

/* -- The login -- */

static void
test_the_login_ends_with_confirms(void **state)
{
	(void)state;
	come_up(&plain);
	assert_int_equal(s.tune.frame_max, 131072);
	assert_int_equal(s.tune.heartbeat_s, 60);
	assert_int_equal(s.tune.channel_max, 2047);
}

static void
test_the_queue_is_declared(void **state)
{
	struct amqp_login login = plain;

	(void)state;
	login.queue = "orders";
	login.queue_type = "quorum";
	log_in(&login);
	assert_int_equal(HEAR(1, AMQP_CONFIRM_SELECT_OK, ""),
	    AMQP_SAID_NOTHING);
	assert_true(has_sent("\x06orders\x02", 8)); /* durable, no more */
	assert_true(has_sent("\x0cx-queue-typeS\x00\x00\x00\x06quorum", 24));
	expect_sent(1, AMQP_QUEUE_DECLARE);
	assert_int_equal(HEAR(1, AMQP_QUEUE_DECLARE_OK, "\x06orders"),
	    AMQP_SAID_UP);
}

static void
test_the_queue_is_bound_to_the_exchange(void **state)
{
	struct amqp_login login = plain;

	(void)state;
	login.queue = "orders";
	login.queue_type = "classic";
	login.exchange = "ex";
	log_in(&login);
	(void)HEAR(1, AMQP_CONFIRM_SELECT_OK, "");
	assert_int_equal(HEAR(1, AMQP_QUEUE_DECLARE_OK, "\x06orders"),
	    AMQP_SAID_NOTHING);
	assert_true(has_sent("\x06orders\x02"
			     "ex\x06orders\x00",
	    18));
	expect_sent(1, AMQP_QUEUE_BIND);
	assert_int_equal(HEAR(1, AMQP_QUEUE_BIND_OK, ""), AMQP_SAID_UP);
}

/* A limit that the broker does not have is ours; its lower one is both's. */
static void
test_the_lower_limits_count(void **state)
{
	(void)state;
	amqp_session_begin(&s, &plain, &sent);
	(void)hear_start("PLAIN");
	(void)HEAR(0, AMQP_CONNECTION_TUNE, "\x00\x00\x00\x00\x00\x00\x00\x00");
	assert_true(has_sent("\x07\xff\x00\x02\x00\x00\x00\x3c", 8));
	amqp_session_begin(&s, &plain, &sent);
	(void)hear_start("PLAIN");
	(void)HEAR(0, AMQP_CONNECTION_TUNE, "\x00\x01\x00\x00\x10\x00\x00\x05");
	assert_true(has_sent("\x00\x01\x00\x00\x10\x00\x00\x05", 8));
	amqp_session_begin(&s, &plain, &sent);
	(void)hear_start("PLAIN");
	expect_broken(HEAR(0, AMQP_CONNECTION_TUNE,
			  "\x00\x01\x00\x00\x0f\xff\x00\x05"),
	    "shorter");
}

static void
test_the_password_is_not_given_to_who_does_not_ask_for_it(void **state)
{
	(void)state;
	amqp_session_begin(&s, &plain, &sent);
	expect_broken(hear_start("EXTERNAL XPLAIN PLAINX"), "PLAIN");
	amqp_session_begin(&s, &plain, &sent);
	expect_broken(hear_start(""), "PLAIN");
	amqp_session_begin(&s, &plain, &sent);
	expect_broken(HEAR(0, AMQP_CONNECTION_START, "\x01\x00"), "version");
	amqp_session_begin(&s, &plain, &sent);
	(void)hear_start("PLAIN");
	expect_broken(HEAR(0, AMQP_CONNECTION_SECURE, ""), "more than");
}

/* The answer of one step is none of another. */
static void
test_steps_come_in_their_order(void **state)
{
	(void)state;
	amqp_session_begin(&s, &plain, &sent);
	expect_broken(HEAR(0, AMQP_CONNECTION_TUNE, TUNE), "belong");
	amqp_session_begin(&s, &plain, &sent);
	expect_broken(HEAR(1, AMQP_CHANNEL_OPEN_OK, ""), "belong");
	come_up(&plain);
	expect_broken(hear_start("PLAIN"), "belong");
	log_in(&plain);
	expect_broken(HEAR(1, AMQP_BASIC_ACK, "\0\0\0\0\0\0\0\1\0"), "belong");
	log_in(&plain);
	expect_broken(HEAR(0, AMQP_CONFIRM_SELECT_OK, ""), "belong");
	log_in(&plain);
	expect_broken(HEAR(2, AMQP_CONFIRM_SELECT_OK, ""), "belong");
}

static void
test_a_refusal_says_at_which_step(void **state)
{
	(void)state;
	amqp_session_begin(&s, &plain, &sent);
	(void)hear_start("PLAIN");
	assert_int_equal(hear_close(0, AMQP_CONNECTION_CLOSE, 403,
			     "ACCESS_REFUSED"),
	    AMQP_SAID_CLOSED);
	assert_int_equal(news.code, 403);
	assert_int_equal(news.during, AMQP_STEP_TUNE);
	assert_string_equal(news.text, "ACCESS_REFUSED");
	expect_sent(0, AMQP_CONNECTION_CLOSE_OK);
	assert_int_equal(s.step, AMQP_STEP_OVER);
}

/* -- What becomes of messages -- */

static void
test_messages_are_settled(void **state)
{
	(void)state;
	come_up(&plain);
	assert_int_equal(HEAR(1, AMQP_BASIC_ACK, "\0\0\0\0\0\0\1\2\0"),
	    AMQP_SAID_ACK);
	assert_int_equal(news.tag, 258);
	assert_false(news.multiple);
	assert_int_equal(HEAR(1, AMQP_BASIC_ACK, "\0\0\0\0\0\0\0\7\1"),
	    AMQP_SAID_ACK);
	assert_true(news.multiple);
	/* Of a nack the second bit says "requeue". */
	assert_int_equal(HEAR(1, AMQP_BASIC_NACK, "\0\0\0\0\0\0\0\7\2"),
	    AMQP_SAID_NACK);
	assert_false(news.multiple);
	assert_int_equal(HEAR(1, AMQP_BASIC_NACK, "\0\0\0\0\0\0\0\7\3"),
	    AMQP_SAID_NACK);
	assert_true(news.multiple);
}

/* With all properties before it, so that none is taken for another. */
#define RETURN                                                                 \
	"\x01\x38\x08NO_ROUTE\x02"                                             \
	"ex\x01k"
#define HEADER                                                                 \
	"\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\xff\xc0\x01t\x01"    \
	"e\x00\x00\x00\x03HHH\x02\x05\x01"                                     \
	"c\x01r\x01x\x02id\x00\x00\x00\x00\x00\x00\x00\x01"

static enum amqp_said
hear_content(uint16_t channel, enum amqp_frame_type type, const void *bytes,
    size_t len)
{
	struct amqp_out payload = { .bytes = NULL };
	enum amqp_said said;

	amqp_put_bytes(&payload, bytes, len);
	said = hear(type, channel, &payload);
	amqp_out_fini(&payload);
	return (said);
}

static void
test_a_returned_message_is_whole_first(void **state)
{
	(void)state;
	come_up(&plain);
	assert_int_equal(HEAR(1, AMQP_BASIC_RETURN, RETURN), AMQP_SAID_NOTHING);
	assert_int_equal(hear_content(1, AMQP_FRAME_HEADER, HEADER,
			     sizeof(HEADER) - 1),
	    AMQP_SAID_NOTHING);
	assert_int_equal(hear_content(1, AMQP_FRAME_BODY, "ab", 2),
	    AMQP_SAID_NOTHING);
	/* Between its frames others may come, but not on that channel. */
	assert_int_equal(hear_content(0, AMQP_FRAME_HEARTBEAT, "", 0),
	    AMQP_SAID_NOTHING);
	assert_int_equal(HEAR(0, AMQP_CONNECTION_BLOCKED, "\x03low"),
	    AMQP_SAID_BLOCKED);
	assert_string_equal(news.text, "low");
	assert_int_equal(hear_content(1, AMQP_FRAME_BODY, "cd", 2),
	    AMQP_SAID_RETURN);
	assert_int_equal(news.code, 312);
	assert_string_equal(news.text, "NO_ROUTE");
	assert_string_equal(news.message_id, "id");
}

static void
test_an_empty_message_is_returned_with_its_header(void **state)
{
	static const char header[] = "\x00\x3c\x00\x00"
				     "\x00\x00\x00\x00\x00\x00\x00\x00"
				     "\x00\x80\x02id";

	(void)state;
	come_up(&plain);
	(void)HEAR(1, AMQP_BASIC_RETURN, RETURN);
	assert_int_equal(hear_content(1, AMQP_FRAME_HEADER, header,
			     sizeof(header) - 1),
	    AMQP_SAID_RETURN);
	assert_string_equal(news.message_id, "id");
}

static void
test_messages_out_of_place_break_it(void **state)
{
	(void)state;
	come_up(&plain);
	expect_broken(hear_content(1, AMQP_FRAME_BODY, "x", 1), "nobody");
	come_up(&plain);
	(void)HEAR(1, AMQP_BASIC_RETURN, RETURN);
	expect_broken(hear_content(1, AMQP_FRAME_BODY, "x", 1), "nobody");
	come_up(&plain);
	(void)HEAR(1, AMQP_BASIC_RETURN, RETURN);
	(void)hear_content(1, AMQP_FRAME_HEADER, HEADER, sizeof(HEADER) - 1);
	expect_broken(hear_content(1, AMQP_FRAME_BODY, "abcde", 5), "longer");
	come_up(&plain);
	(void)HEAR(1, AMQP_BASIC_RETURN, RETURN);
	expect_broken(HEAR(1, AMQP_BASIC_ACK, "\0\0\0\0\0\0\0\7\1"), "belong");
	come_up(&plain);
	(void)HEAR(1, AMQP_BASIC_RETURN, RETURN);
	expect_broken(hear_content(1, AMQP_FRAME_HEADER, HEADER, 30), "cut");
}

static void
test_a_method_that_is_cut_short_breaks_it(void **state)
{
	(void)state;
	come_up(&plain);
	expect_broken(HEAR(1, AMQP_BASIC_ACK, "\0\0\0\0\0\0\0"), "cut short");
	come_up(&plain);
	expect_broken(hear_content(1, AMQP_FRAME_METHOD, "\0", 1), "");
}

/* -- Pauses, and the end -- */

static void
test_both_who_asked_for_a_pause_take_it_back(void **state)
{
	(void)state;
	come_up(&plain);
	assert_int_equal(HEAR(0, AMQP_CONNECTION_BLOCKED, "\x00"),
	    AMQP_SAID_BLOCKED);
	assert_int_equal(HEAR(0, AMQP_CONNECTION_BLOCKED, "\x00"),
	    AMQP_SAID_NOTHING);
	assert_int_equal(HEAR(1, AMQP_CHANNEL_FLOW, "\x00"), AMQP_SAID_NOTHING);
	expect_sent(1, AMQP_CHANNEL_FLOW_OK);
	assert_int_equal(HEAR(0, AMQP_CONNECTION_UNBLOCKED, ""),
	    AMQP_SAID_NOTHING);
	assert_int_equal(HEAR(1, AMQP_CHANNEL_FLOW, "\x01"),
	    AMQP_SAID_UNBLOCKED);
	assert_int_equal(HEAR(0, AMQP_CONNECTION_UNBLOCKED, ""),
	    AMQP_SAID_NOTHING);
}

static void
test_the_channel_may_be_closed(void **state)
{
	(void)state;
	come_up(&plain);
	assert_int_equal(hear_close(1, AMQP_CHANNEL_CLOSE, 404,
			     "NOT_FOUND - no exchange"),
	    AMQP_SAID_CHANNEL_CLOSED);
	assert_int_equal(news.code, 404);
	assert_int_equal(news.during, AMQP_STEP_UP);
	assert_int_equal(news.method, AMQP_BASIC_PUBLISH);
	expect_sent(1, AMQP_CHANNEL_CLOSE_OK);
	assert_int_equal(s.step, AMQP_STEP_OVER);
}

static void
test_the_broker_may_leave(void **state)
{
	(void)state;
	come_up(&plain);
	assert_int_equal(hear_close(0, AMQP_CONNECTION_CLOSE, 320, "bye"),
	    AMQP_SAID_CLOSED);
	assert_int_equal(news.during, AMQP_STEP_UP);
	come_up(&plain);
	expect_broken(HEAR(0, AMQP_CONNECTION_CLOSE_OK, ""), "ended");
}

/* -- Questions -- */

static void
test_what_is_asked_has_a_channel_of_its_own(void **state)
{
	const struct amqp_declare ex = { .name = "ex", .passive = true };

	(void)state;
	come_up(&plain);
	amqp_out_fini(&sent);
	amqp_session_ask(&s, true, &ex, &sent);
	expect_sent(2, AMQP_CHANNEL_OPEN);
	assert_int_equal(HEAR(2, AMQP_CHANNEL_OPEN_OK, "\0\0\0\0"),
	    AMQP_SAID_NOTHING);
	assert_true(has_sent("\x02"
			     "ex\x06"
			     "direct\x01",
	    11));
	expect_sent(2, AMQP_EXCHANGE_DECLARE);
	assert_int_equal(hear_close(2, AMQP_CHANNEL_CLOSE, 404, "NOT_FOUND"),
	    AMQP_SAID_MISSING);
	expect_sent(2, AMQP_CHANNEL_CLOSE_OK);
	assert_int_equal(news.code, 404);
	assert_int_equal(s.step, AMQP_STEP_UP);
	amqp_out_fini(&sent);
	amqp_session_ask(&s, false, &ex, &sent);
	expect_sent(3, AMQP_CHANNEL_OPEN);
	(void)HEAR(3, AMQP_CHANNEL_OPEN_OK, "\0\0\0\0");
	expect_sent(3, AMQP_QUEUE_DECLARE);
	assert_int_equal(HEAR(3, AMQP_QUEUE_DECLARE_OK,
			     "\x02"
			     "ex"),
	    AMQP_SAID_FOUND);
	/* What nobody asks for any more is out of place. */
	expect_broken(HEAR(3, AMQP_QUEUE_DECLARE_OK, ""), "belong");
}

#define TEST(name) cmocka_unit_test_teardown(name, session_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_login_ends_with_confirms),
		TEST(test_the_queue_is_declared),
		TEST(test_the_queue_is_bound_to_the_exchange),
		TEST(test_the_lower_limits_count),
		TEST(test_the_password_is_not_given_to_who_does_not_ask_for_it),
		TEST(test_steps_come_in_their_order),
		TEST(test_a_refusal_says_at_which_step),
		TEST(test_messages_are_settled),
		TEST(test_a_returned_message_is_whole_first),
		TEST(test_an_empty_message_is_returned_with_its_header),
		TEST(test_messages_out_of_place_break_it),
		TEST(test_a_method_that_is_cut_short_breaks_it),
		TEST(test_both_who_asked_for_a_pause_take_it_back),
		TEST(test_the_channel_may_be_closed),
		TEST(test_the_broker_may_leave),
		TEST(test_what_is_asked_has_a_channel_of_its_own),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
