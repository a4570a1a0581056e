#include "handlers/queue/pubsub_verdict.h"

#include <stdio.h>
#include <string.h>

#include "handlers/queue/one_line.h"

struct row {
	int from, to;       /* HTTP status */
	const char *status; /* google.rpc.Code; NULL: any */
	enum pubsub_outcome outcome;
	const char *text; /* what it says, and what to do; NULL: nothing */
};

/* The first row that fits counts. The last one fits everything. */
static const struct row rows[] = {
	{ 200, 200, NULL, PUBSUB_DONE, NULL },
	{ 201, 299, NULL, PUBSUB_UNKNOWN,
	    "that is no answer of Pub/Sub; see whether endpoint is right" },
	{ 400, 400, "FAILED_PRECONDITION", PUBSUB_PAUSE,
	    "the topic cannot take anything as it is set up; look at its "
	    "encryption key and its policies" },
	{ 400, 400, NULL, PUBSUB_DEAD, "it does not take this message" },
	{ 401, 401, NULL, PUBSUB_TOKEN,
	    "it does not accept who we are; see that the key of the service "
	    "account was not deleted, and that the clock is right" },
	{ 403, 403, NULL, PUBSUB_PAUSE,
	    "no right to publish; give the service account the role "
	    "roles/pubsub.publisher on the topic, and see that the API is on" },
	{ 404, 404, NULL, PUBSUB_PAUSE,
	    "there is no such topic; create it, or correct project and "
	    "topic" },
	{ 408, 408, NULL, PUBSUB_RETRY, NULL },
	{ 409, 409, NULL, PUBSUB_RETRY, NULL },
	{ 413, 413, NULL, PUBSUB_DEAD, "the message is too large for it" },
	{ 429, 429, NULL, PUBSUB_RETRY,
	    "the project's quota is used up; raise it if this stays" },
	{ 499, 499, NULL, PUBSUB_UNKNOWN, NULL },
	{ 504, 504, NULL, PUBSUB_UNKNOWN, NULL },
	{ 500, 599, NULL, PUBSUB_RETRY, NULL },
	{ 0, 999, NULL, PUBSUB_PAUSE,
	    "Pub/Sub does not answer like that; see whether endpoint is "
	    "right" },
};

static const struct row *
find_row(int http, const char *status)
{
	const struct row *row = rows;

	while (http < row->from || http > row->to ||
	       (row->status != NULL && strcmp(row->status, status) != 0))
		row++;
	return (row);
}

enum pubsub_outcome
pubsub_outcome(int http, const char *status)
{
	return (find_row(http, status)->outcome);
}

/* Errors that are named in a reason: no words from outside stand there. */
static const char *
known_status(const char *status)
{
	static const char *const known[] = { "CANCELLED", "UNKNOWN",
		"INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED",
		"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
		"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
		"DATA_LOSS" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], status) == 0)
			return (known[i]);
	}
	return (NULL);
}

static void
write_reason(int http, const struct row *row, const struct pubsub_answer *said,
    char reason[HANDLER_REASON_MAX])
{
	const char *status = known_status(said->status);

	(void)snprintf(reason, HANDLER_REASON_MAX,
	    "Pub/Sub answered %d%s%s%s%s", http, status == NULL ? "" : " ",
	    status == NULL ? "" : status, row->text == NULL ? "" : ": ",
	    row->text == NULL ? "" : row->text);
}

/* There is no answer. */
static enum pubsub_outcome
verdict_of_none(const struct http_client_answer *answer,
    struct handler_result *res)
{
	res->verdict = HANDLER_RETRY;
	res->unknown = answer->end == HTTP_CLIENT_UNKNOWN;
	res->fault = res->unknown ? HANDLER_FAULT_UNCLEAR : HANDLER_FAULT_DOWN;
	(void)snprintf(res->reason, HANDLER_REASON_MAX, "%s", answer->reason);
	return (res->unknown ? PUBSUB_UNKNOWN : PUBSUB_RETRY);
}

enum pubsub_outcome
pubsub_verdict(const struct http_client_answer *answer,
    const struct pubsub_answer *said, size_t n,
    struct handler_result *ret_result)
{
	const struct row *row;
	enum pubsub_outcome outcome;

	if (answer->end != HTTP_CLIENT_ANSWERED)
		return (verdict_of_none(answer, ret_result));
	row = find_row(answer->status, said->status);
	outcome = row->outcome;
	ret_result->code = answer->status;
	ret_result->verdict = HANDLER_RETRY;
	ret_result->fault = HANDLER_FAULT_UNCLEAR;
	ret_result->answer = answer->body;
	ret_result->answer_len = answer->body_len;
	one_line(said->message, ret_result->detail);
	write_reason(answer->status, row, said, ret_result->reason);
	switch (outcome) {
	case PUBSUB_DONE:
		if (said->nids == n) {
			ret_result->verdict = HANDLER_DONE;
			ret_result->reason[0] = '\0';
			break;
		}
		outcome = PUBSUB_UNKNOWN;
		ret_result->unknown = true;
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "Pub/Sub answered 200 with %zu ids for %zu messages",
		    said->nids, n);
		break;
	case PUBSUB_UNKNOWN:
		ret_result->unknown = true;
		/* fall through */
	case PUBSUB_RETRY:
		ret_result->retry_after_ms = answer->retry_after_ms;
		break;
	case PUBSUB_TOKEN:
	case PUBSUB_PAUSE:
		ret_result->pause = true;
		break;
	case PUBSUB_DEAD:
		ret_result->verdict = HANDLER_DEAD;
		break;
	}
	return (outcome);
}
