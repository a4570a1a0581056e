/*
 * Whatever Pub/Sub answers: a message counts as done only by an id of its own,
 * and a reason has no words from outside.
 */
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/pubsub_verdict.h"
#include "test/fuzz/fuzz.h"

#define MESSAGES 2

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static void
check_done(const struct pubsub_answer *said)
{
	promise(said->nids == MESSAGES);
	for (size_t i = 0; i < MESSAGES; i++)
		promise(pubsub_answer_id(said, i)[0] != '\0');
}

/* The first two bytes are the status, the rest the answer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_client_answer answer = { .end = HTTP_CLIENT_ANSWERED };
	struct handler_result result = { .code = 0 };
	struct pubsub_answer said;
	enum pubsub_outcome outcome;

	if (size < 2)
		return (0);
	answer.status = 200 + (data[0] << 8 | data[1]) % 400;
	answer.body = data + 2;
	answer.body_len = size - 2;
	pubsub_answer_read(answer.body, answer.body_len, &said);
	outcome = pubsub_verdict(&answer, &said, MESSAGES, &result);
	promise((outcome == PUBSUB_DONE) == (result.verdict == HANDLER_DONE));
	if (outcome == PUBSUB_DONE)
		check_done(&said);
	else
		promise(strncmp(result.reason, "Pub/Sub answered ", 17) == 0);
	promise(strpbrk(result.reason, "\r\n\x1b") == NULL);
	promise(strpbrk(result.detail, "\r\n\x1b") == NULL);
	pubsub_answer_fini(&said);
	return (0);
}
