#include "handlers/forward_verdict.h"

#include <stdio.h>

/* What the registry of HTTP status codes calls them. */
static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 425, "Too Early" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

/* With a blank before it; empty for what has no name. */
static void
status_phrase(int status, size_t size, char *ret_text)
{
	ret_text[0] = '\0';
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			snprintf(ret_text, size, " %s", phrases[i].phrase);
	}
}

static enum handler_verdict
status_verdict(int status, bool conflict_is_done)
{
	if (status >= 200 && status < 300)
		return (HANDLER_DONE);
	if (status == 409 && conflict_is_done)
		return (HANDLER_DONE);
	/* Gone may be put right at the far side; nothing is lost till then. */
	if (status == 408 || status == 410 || status == 425 || status == 429 ||
	    status >= 500)
		return (HANDLER_RETRY);
	return (HANDLER_DEAD);
}

/*
 * What a proxy says when nobody is behind it, and what a server says that can
 * take nothing now, is no proof: a job may have brought down what was to
 * answer it. (520 to 530 are those of a well known proxy.)
 */
static enum handler_fault
status_fault(int status)
{
	if (status == 408 || status == 429 ||
	    (status >= 502 && status <= 504) ||
	    (status >= 520 && status <= 530))
		return (HANDLER_FAULT_UNCLEAR);
	return (HANDLER_FAULT_JOB);
}

static void
verdict_of_status(const struct http_client_answer *answer, const char *name,
    bool conflict_is_done, struct handler_result *ret_result)
{
	char phrase[40];

	ret_result->verdict = status_verdict(answer->status, conflict_is_done);
	ret_result->fault = status_fault(answer->status);
	ret_result->pause = answer->status == 410;
	if (ret_result->verdict == HANDLER_DONE)
		return;
	if (ret_result->verdict == HANDLER_RETRY)
		ret_result->retry_after_ms = answer->retry_after_ms;
	status_phrase(answer->status, sizeof(phrase), phrase);
	if (answer->status >= 400)
		snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "%s answered %d%s", name, answer->status, phrase);
	else
		snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "%s answered %d%s%s; redirects are not followed", name,
		    answer->status, phrase,
		    answer->location == NULL ? " without a Location" : "");
	if (answer->status < 400 && answer->location != NULL)
		snprintf(ret_result->detail, HANDLER_REASON_MAX, "to %s",
		    answer->location);
}

void
forward_verdict(const struct http_client_answer *answer, const char *name,
    bool conflict_is_done, struct handler_result *ret_result)
{
	if (answer->end == HTTP_CLIENT_ANSWERED) {
		ret_result->code = answer->status;
		ret_result->answer = answer->body;
		ret_result->answer_len = answer->body_len;
		verdict_of_status(answer, name, conflict_is_done, ret_result);
		return;
	}
	ret_result->verdict = HANDLER_RETRY;
	ret_result->unknown = answer->end == HTTP_CLIENT_UNKNOWN;
	ret_result->fault =
	    ret_result->unknown ? HANDLER_FAULT_UNCLEAR : HANDLER_FAULT_DOWN;
	snprintf(ret_result->reason, HANDLER_REASON_MAX, "%s", answer->reason);
}
