#include "handlers/queue/sqs_inspect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/digest.h"

#define DAY_S 86400
#define SIZE_MIN (256 * 1024) /* of what the queue should take */
#define AHEAD_MIN_MS 60000

struct sqs_inspect {
	struct handler_inspection in;
	struct sqs_client *client;
	struct sqs_client_call *call;
	bool fifo;
};

static void __attribute__((format(printf, 4, 5)))
found(const struct sqs_inspect *i, enum handler_level level, const char *advice,
    const char *format, ...)
{
	char text[HANDLER_REASON_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	i->in.found(i->in.arg, level, text, advice);
}

/* What the queue's own settings are worth. */
static void
judge_queue(const struct sqs_inspect *i, const struct sqs_queue *queue)
{
	found(i, HANDLER_FINE, NULL,
	    "the %s queue is there, %s; credentials from %s",
	    queue->fifo ? "FIFO" : "standard",
	    queue->redrive ? "with a dead letter queue"
			   : "without a dead letter queue",
	    sqs_client_source(i->client));
	if (queue->fifo != i->fifo)
		found(i, HANDLER_WRONG,
		    "name the queue as it is: FIFO queues end in .fifo",
		    "its name and its kind do not agree");
	if (queue->retention_s != 0 && queue->retention_s < DAY_S)
		found(i, HANDLER_DOUBTFUL,
		    "raise its MessageRetentionPeriod: when no worker runs, "
		    "orders are lost after that",
		    "the queue keeps messages for %lld s only",
		    queue->retention_s);
	if (queue->size_max != 0 && queue->size_max < SIZE_MIN)
		found(i, HANDLER_DOUBTFUL,
		    "raise its MaximumMessageSize: larger events end dead",
		    "the queue takes messages of %lld bytes only",
		    queue->size_max);
}

static void
judge_refusal(const struct sqs_inspect *i,
    const struct sqs_client_answer *answer)
{
	bool no_right = strcmp(answer->error.code, "AccessDenied") == 0;

	if (no_right)
		found(i, HANDLER_FINE, NULL,
		    "reached; the credentials from %s are known, and may not "
		    "look at the queue (sqs:GetQueueAttributes)",
		    sqs_client_source(i->client));
	else
		found(i, HANDLER_WRONG, "events wait for it", "%s",
		    answer->reason);
}

/* What matters though SQS says nothing of it. */
static void
judge_machine(const struct sqs_inspect *i)
{
	int64_t ahead_ms = sqs_client_ahead_ms(i->client);
	unsigned char digest[MD5_LEN];

	if (ahead_ms > AHEAD_MIN_MS || ahead_ms < -AHEAD_MIN_MS)
		found(i, HANDLER_DOUBTFUL,
		    "set this machine's clock; klikitd signs by that of SQS "
		    "meanwhile",
		    "SQS refuses the time of this machine, which is %lld "
		    "minutes %s",
		    (long long)((ahead_ms > 0 ? ahead_ms : -ahead_ms) + 30000) /
			60000,
		    ahead_ms > 0 ? "behind" : "ahead");
	if (digest_md5("", 0, digest) == -1)
		found(i, HANDLER_DOUBTFUL,
		    "none is needed, unless damage on the way is a worry",
		    "MD5 is not to be had in this build, so the digests that "
		    "SQS answers are not compared");
}

/* sqs_client */
static void
inspect_done_cb(const struct sqs_client_answer *answer, void *arg)
{
	struct sqs_inspect *i = arg;
	struct sqs_queue queue;

	i->call = NULL;
	switch (answer->end) {
	case SQS_CLIENT_ANSWERED:
		if (sqs_answer_queue(answer->body, answer->body_len, &queue) ==
		    0)
			judge_queue(i, &queue);
		else
			found(i, HANDLER_WRONG, "see to queue_url and endpoint",
			    "what answers is not SQS");
		break;
	case SQS_CLIENT_REFUSED:
		judge_refusal(i, answer);
		break;
	case SQS_CLIENT_NOT_SENT:
	case SQS_CLIENT_UNKNOWN:
		found(i, HANDLER_WRONG,
		    answer->lasting ? "events wait for it"
				    : "can it be reached, and are queue_url "
				      "and endpoint right? Events wait for it",
		    "%s", answer->reason);
		break;
	}
	judge_machine(i);
	i->in.done(i->in.arg); /* i may be gone behind this */
}

struct sqs_inspect *
sqs_inspect_new(const struct sqs_inspect_options *opt,
    const struct handler_inspection *in)
{
	struct sqs_client_request request = {
		.action = "GetQueueAttributes",
		.timeout_ms = opt->timeout_ms,
	};
	struct sqs_inspect *i;

	if ((i = calloc(1, sizeof(*i))) == NULL)
		return (NULL);
	i->in = *in;
	i->client = opt->client;
	i->fifo = opt->fifo;
	request.body = sqs_request_body(opt->queue_url,
	    "\"AttributeNames\":[\"All\"]", &request.body_len);
	if (request.body != NULL)
		i->call =
		    sqs_client_start(opt->client, &request, inspect_done_cb, i);
	if (i->call == NULL) {
		free(i);
		return (NULL);
	}
	return (i);
}

void
sqs_inspect_free(struct sqs_inspect *i)
{
	if (i == NULL)
		return;
	if (i->call != NULL)
		sqs_client_cancel(i->call);
	free(i);
}
