#include "handlers/queue/amqp_verdict.h"

#include <stdio.h>
#include <string.h>

#include "handlers/queue/one_line.h"

#define ANY_STEP AMQP_NSTEPS
#define ANY_CODE 0

/*
 * The first row that fits counts. A login that is refused, and what is missing
 * there, is put right by a person only: everything waits until then.
 */
static const struct {
	bool channel;        /* our channel was closed, not the connection */
	enum amqp_step step; /* at which it was closed */
	int code;
	const char *word; /* that must stand in its text; NULL: none */
	struct amqp_meaning meaning;
} rows[] = {
	{ false, AMQP_STEP_TUNE, 403, NULL,
	    { AMQP_PAUSE, "refuses the login",
		"correct the user in url, or what stands in password_file" } },
	{ false, AMQP_STEP_OPEN, 403, NULL,
	    { AMQP_PAUSE, "refuses the virtual host",
		"give the user rights to it, or correct url" } },
	{ false, AMQP_STEP_OPEN, 402, NULL,
	    { AMQP_PAUSE, "has no such virtual host",
		"create it, or correct url" } },
	{ false, AMQP_STEP_OPEN, 530, "limit",
	    { AMQP_RETRY_DOWN, "has as many connections as it may",
		"end some, or raise the limit of the virtual host or the "
		"user" } },
	{ false, AMQP_STEP_OPEN, 530, NULL,
	    { AMQP_PAUSE, "refuses the virtual host",
		"create it, give the user rights to it, or correct url" } },
	{ false, ANY_STEP, 320, NULL,
	    { AMQP_RETRY_DOWN, "shuts down, or was made to let us go", NULL } },
	{ false, ANY_STEP, 530, NULL,
	    { AMQP_PAUSE, "does not allow what this takes",
		"raise the limits and rights of its user" } },
	{ false, ANY_STEP, 540, NULL,
	    { AMQP_PAUSE, "does not know publisher confirms",
		"use a RabbitMQ" } },
	{ false, ANY_STEP, 541, NULL,
	    { AMQP_RETRY_DOWN, "has failed inside", NULL } },
	{ false, ANY_STEP, 506, NULL,
	    { AMQP_RETRY_DOWN, "is short of something", NULL } },
	{ false, ANY_STEP, ANY_CODE, NULL,
	    { AMQP_RETRY_UNCLEAR, "closed the connection", NULL } },

	{ true, AMQP_STEP_QUEUE, 403, NULL,
	    { AMQP_PAUSE, "does not let the user declare the queue",
		"give it the right to configure that, or set declare = no" } },
	{ true, AMQP_STEP_QUEUE, 405, NULL,
	    { AMQP_PAUSE, "keeps the queue for another connection",
		"delete it, and make one that is not exclusive" } },
	{ true, AMQP_STEP_QUEUE, 406, NULL,
	    { AMQP_PAUSE, "has the queue already, and not as declare says",
		"set declare = no, or delete the queue" } },
	{ true, AMQP_STEP_BIND, 403, NULL,
	    { AMQP_PAUSE, "does not let the user bind the queue",
		"give it the rights to write the queue and to read the "
		"exchange, or set declare = no" } },
	{ true, AMQP_STEP_BIND, 404, NULL,
	    { AMQP_PAUSE, "has no such exchange",
		"create it, or correct exchange" } },
	{ true, AMQP_STEP_UP, 403, NULL,
	    { AMQP_PAUSE, "does not let the user write to the exchange",
		"give it the right to write there" } },
	{ true, AMQP_STEP_UP, 404, NULL,
	    { AMQP_PAUSE, "has no such exchange",
		"create it, or correct exchange" } },
	{ true, AMQP_STEP_UP, 311, NULL,
	    { AMQP_BLAME, "refuses a message as too large", NULL } },
	{ true, AMQP_STEP_UP, 406, NULL,
	    { AMQP_BLAME, "refuses a message, as one that is too large",
		NULL } },
	{ true, ANY_STEP, 506, NULL,
	    { AMQP_RETRY_DOWN, "is short of something", NULL } },
	{ true, ANY_STEP, 540, NULL,
	    { AMQP_PAUSE, "does not know publisher confirms",
		"use a RabbitMQ" } },
	{ true, ANY_STEP, ANY_CODE, NULL,
	    { AMQP_RETRY_UNCLEAR, "closed the channel", NULL } },
};

static bool
row_fits(size_t i, const struct amqp_news *news)
{
	bool channel = news->said == AMQP_SAID_CHANNEL_CLOSED;

	if (rows[i].channel != channel)
		return (false);
	if (rows[i].step != ANY_STEP && rows[i].step != news->during)
		return (false);
	if (rows[i].code != ANY_CODE && rows[i].code != news->code)
		return (false);
	return (
	    rows[i].word == NULL || strstr(news->text, rows[i].word) != NULL);
}

struct amqp_meaning
amqp_verdict_closed(const struct amqp_news *news)
{
	size_t i = 0;

	/* The last row of each of the two fits always. */
	while (!row_fits(i, news))
		i++;
	return (rows[i].meaning);
}

static void
result_code(struct handler_result *result, int code, const char *what,
    const char *advice)
{
	result->code = code;
	(void)snprintf(result->reason, HANDLER_REASON_MAX,
	    "the broker %s (%d)%s%s", what, code, advice == NULL ? "" : ": ",
	    advice == NULL ? "" : advice);
}

void
amqp_verdict_lost(const struct amqp_news *news, bool sent, bool alone,
    struct handler_result *ret_result)
{
	struct amqp_meaning meaning = amqp_verdict_closed(news);

	ret_result->verdict = HANDLER_RETRY;
	ret_result->unknown = sent;
	ret_result->fault = HANDLER_FAULT_DOWN;
	result_code(ret_result, news->code, meaning.text, meaning.advice);
	one_line(news->text, ret_result->detail);
	switch (meaning.action) {
	case AMQP_RETRY_DOWN:
		break;
	case AMQP_RETRY_UNCLEAR:
		if (sent)
			ret_result->fault = HANDLER_FAULT_UNCLEAR;
		break;
	case AMQP_PAUSE:
		ret_result->pause = true;
		break;
	case AMQP_BLAME:
		ret_result->fault = HANDLER_FAULT_JOB;
		if (!sent)
			break;
		if (alone) {
			ret_result->verdict = HANDLER_DEAD;
			ret_result->unknown = false;
			result_code(ret_result, news->code,
			    "refuses this message, as one that is too large",
			    "raise its max_message_size");
			break;
		}
		result_code(ret_result, news->code,
		    "refuses one of the messages that were out, as one that is "
		    "too large",
		    "each of them is sent again alone");
		break;
	}
}

void
amqp_verdict_settled(bool ack, const struct amqp_settled *settled,
    enum amqp_unroutable unroutable, struct handler_result *ret_result)
{
	ret_result->verdict = HANDLER_DONE;
	if (!ack) {
		ret_result->verdict = HANDLER_RETRY;
		ret_result->fault = HANDLER_FAULT_UNCLEAR;
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "the broker did not take the message (nack): a queue is "
		    "full, or failed");
	} else if (settled->returned) {
		ret_result->verdict = unroutable == AMQP_UNROUTABLE_DEAD
					  ? HANDLER_DEAD
					  : HANDLER_RETRY;
		ret_result->fault = HANDLER_FAULT_JOB;
		result_code(ret_result, settled->code,
		    "returned the message, as no queue is there for its "
		    "routing key",
		    "create or bind one, or correct routing_key");
	}
}
