#include "server/reconcile/reconcile_words.h"

#include <stdio.h>

#include "server/base/log.h"

bool
reconcile_is_answer(const struct http_client_answer *answer)
{
	return (answer->end == HTTP_CLIENT_ANSWERED && answer->status == 200 &&
		answer->whole);
}

static const char *
status_text(int status)
{
	switch (status) {
	case 400:
	case 422:
		return ("the API does not understand the question");
	case 401:
		return ("the API does not know the credentials");
	case 403:
		return ("the credentials are revoked, or may not read orders");
	case 404:
	case 405:
		return ("there is no list of orders at this url");
	case 429:
		return ("the API is asked too often");
	default:
		break;
	}
	if (status >= 300 && status < 400)
		return ("it sends one elsewhere, as the login page of a "
			"network does");
	return (status >= 500 ? "the API is not well" : "it is no list");
}

void
reconcile_words(const struct http_client_answer *answer, const char *why,
    char ret_text[HANDLER_REASON_MAX])
{
	if (answer->end != HTTP_CLIENT_ANSWERED)
		(void)snprintf(ret_text, HANDLER_REASON_MAX, "%.250s",
		    answer->reason);
	else if (answer->status != 200)
		(void)snprintf(ret_text, HANDLER_REASON_MAX, "answered %d: %s",
		    answer->status, status_text(answer->status));
	else if (!answer->whole)
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "the answer was cut, is too long, or has no end");
	else
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "answered 200, but %.200s",
		    why == NULL ? "it is no list" : log_text(why));
}

const char *
reconcile_advice(const struct http_client_answer *answer)
{
	if (answer->end != HTTP_CLIENT_ANSWERED)
		return ("see that this network reaches the host and port of "
			"reconcile.url");
	switch (answer->status) {
	case 200:
		return ("see that reconcile.url leads to klikit's list of "
			"orders itself, and that reconcile.paging and the "
			"names below it are those of its answer");
	case 400:
	case 422:
		return ("the names of the parameters may be others, or "
			"reconcile.window or size too large: ask klikit");
	case 401:
	case 403:
		return ("compare reconcile.credentials_file with what klikit "
			"gave you; the scope orders:read is needed");
	case 404:
	case 405:
		return ("reconcile.url is the API's address with /orders at "
			"its end");
	case 429:
		return ("it is asked again by itself; a longer "
			"reconcile.every, or a larger size, asks less");
	default:
		break;
	}
	return (answer->status >= 500
		    ? "it is asked again by itself; else ask klikit"
		    : "open a web page from this network: it may want a login; "
		      "else see reconcile.url");
}

bool
reconcile_is_lasting(const struct http_client_answer *answer)
{
	return (answer->end == HTTP_CLIENT_ANSWERED && answer->status >= 400 &&
		answer->status < 500 && answer->status != 429 &&
		answer->status != 408);
}
