#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp_verdict.h"

/* One row for each of the table, and what no row names. */
static const struct {
	enum amqp_said said;
	enum amqp_step during;
	int code;
	const char *text;
	enum amqp_action action;
	const char *words;
} rows[] = {
	{ AMQP_SAID_CLOSED, AMQP_STEP_TUNE, 403, "", AMQP_PAUSE,
	    "password_file" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_OPEN, 403, "", AMQP_PAUSE, "rights" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_OPEN, 402, "", AMQP_PAUSE,
	    "no such virtual host" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_OPEN, 530,
	    "NOT_ALLOWED - access to vhost '/' refused: connection limit (1) "
	    "is reached",
	    AMQP_RETRY_DOWN, "as many connections" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_OPEN, 530,
	    "NOT_ALLOWED - vhost x not found", AMQP_PAUSE, "virtual host" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_UP, 320, "", AMQP_RETRY_DOWN,
	    "shuts down" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_TUNE, 320, "", AMQP_RETRY_DOWN,
	    "shuts down" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_CHANNEL, 530, "", AMQP_PAUSE, "limits" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_CONFIRM, 540, "", AMQP_PAUSE,
	    "RabbitMQ" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_OPEN, 541, "", AMQP_RETRY_DOWN,
	    "inside" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_UP, 506, "", AMQP_RETRY_DOWN, "short" },
	{ AMQP_SAID_CLOSED, AMQP_STEP_UP, 501, "", AMQP_RETRY_UNCLEAR,
	    "closed the connection" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_QUEUE, 403, "", AMQP_PAUSE,
	    "declare = no" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_QUEUE, 405, "", AMQP_PAUSE,
	    "exclusive" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_QUEUE, 406, "", AMQP_PAUSE,
	    "as declare says" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_BIND, 403, "", AMQP_PAUSE,
	    "bind" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_BIND, 404, "", AMQP_PAUSE,
	    "no such exchange" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_UP, 403, "", AMQP_PAUSE,
	    "right to write" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_UP, 404, "", AMQP_PAUSE,
	    "no such exchange" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_UP, 311, "", AMQP_BLAME,
	    "large" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_UP, 406, "", AMQP_BLAME,
	    "large" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_UP, 506, "", AMQP_RETRY_DOWN,
	    "short" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_CONFIRM, 540, "", AMQP_PAUSE,
	    "RabbitMQ" },
	{ AMQP_SAID_CHANNEL_CLOSED, AMQP_STEP_UP, 0, "", AMQP_RETRY_UNCLEAR,
	    "closed the channel" },
};

static struct amqp_news
row_news(size_t i)
{
	struct amqp_news news = { .said = rows[i].said,
		.during = rows[i].during,
		.code = rows[i].code };

	strcpy(news.text, rows[i].text);
	return (news);
}

static void
test_each_row_means_what_it_says(void **state)
{
	struct amqp_meaning meaning;
	struct amqp_news news;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		news = row_news(i);
		meaning = amqp_verdict_closed(&news);
		assert_int_equal(meaning.action, rows[i].action);
		(void)snprintf(text, sizeof(text), "%s: %s", meaning.text,
		    meaning.advice == NULL ? "" : meaning.advice);
		assert_non_null(strstr(text, rows[i].words));
		/* A person that has to act learns how. */
		assert_true(
		    meaning.action != AMQP_PAUSE || meaning.advice != NULL);
	}
}

/* Sent or not, alone or not: never done, dead only if it is surely to blame. */
static void
test_what_was_out_is_tried_again(void **state)
{
	struct handler_result result;
	struct amqp_news news;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned n = 0; n < 4; n++) {
			bool sent = (n & 1) != 0, alone = (n & 2) != 0;
			bool blamed =
			    rows[i].action == AMQP_BLAME && sent && alone;

			news = row_news(i);
			memset(&result, 0, sizeof(result));
			amqp_verdict_lost(&news, sent, alone, &result);
			assert_int_equal(result.verdict,
			    blamed ? HANDLER_DEAD : HANDLER_RETRY);
			assert_int_equal(result.unknown, sent && !blamed);
			assert_int_equal(result.pause,
			    rows[i].action == AMQP_PAUSE);
			assert_int_equal(result.code, rows[i].code);
			assert_string_equal(result.detail, rows[i].text);
			assert_in_range(strlen(result.reason), 20,
			    HANDLER_REASON_MAX - 2); /* so it is not cut */
		}
	}
}

static void
test_whose_fault_it_is(void **state)
{
	struct amqp_news news = { .said = AMQP_SAID_CLOSED,
		.during = AMQP_STEP_UP,
		.code = 320 };
	struct handler_result result = { .code = 0 };

	(void)state;
	amqp_verdict_lost(&news, true, true, &result);
	assert_int_equal(result.fault, HANDLER_FAULT_DOWN);
	news.code = 505;
	amqp_verdict_lost(&news, true, false, &result);
	assert_int_equal(result.fault, HANDLER_FAULT_UNCLEAR);
	amqp_verdict_lost(&news, false, false, &result);
	assert_int_equal(result.fault, HANDLER_FAULT_DOWN);
	news.said = AMQP_SAID_CHANNEL_CLOSED;
	news.code = 406;
	amqp_verdict_lost(&news, true, false, &result);
	assert_int_equal(result.fault, HANDLER_FAULT_JOB);
	assert_non_null(strstr(result.reason, "sent again alone"));
}

static void
test_what_is_confirmed_is_done(void **state)
{
	const struct amqp_settled settled = { .owner = NULL };
	struct handler_result result = { .code = 0 };

	(void)state;
	amqp_verdict_settled(true, &settled, AMQP_UNROUTABLE_DEAD, &result);
	assert_int_equal(result.verdict, HANDLER_DONE);
	assert_string_equal(result.reason, "");
}

static void
test_what_no_queue_takes_is_never_done(void **state)
{
	const struct amqp_settled settled = { .returned = true, .code = 312 };
	struct handler_result result = { .code = 0 };

	(void)state;
	amqp_verdict_settled(true, &settled, AMQP_UNROUTABLE_DEAD, &result);
	assert_int_equal(result.verdict, HANDLER_DEAD);
	assert_int_equal(result.code, 312);
	assert_non_null(strstr(result.reason, "routing_key"));
	amqp_verdict_settled(true, &settled, AMQP_UNROUTABLE_RETRY, &result);
	assert_int_equal(result.verdict, HANDLER_RETRY);
	assert_int_equal(result.fault, HANDLER_FAULT_JOB);
	assert_false(result.unknown);
}

static void
test_what_is_refused_is_tried_again(void **state)
{
	const struct amqp_settled settled = { .returned = true, .code = 312 };
	struct handler_result result = { .code = 0 };

	(void)state;
	amqp_verdict_settled(false, &settled, AMQP_UNROUTABLE_DEAD, &result);
	assert_int_equal(result.verdict, HANDLER_RETRY);
	assert_int_equal(result.fault, HANDLER_FAULT_UNCLEAR);
	assert_non_null(strstr(result.reason, "full"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_means_what_it_says),
		cmocka_unit_test(test_what_was_out_is_tried_again),
		cmocka_unit_test(test_whose_fault_it_is),
		cmocka_unit_test(test_what_is_confirmed_is_done),
		cmocka_unit_test(test_what_no_queue_takes_is_never_done),
		cmocka_unit_test(test_what_is_refused_is_tried_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
