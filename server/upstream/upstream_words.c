#include "server/upstream/upstream_words.h"

#include <stdio.h>
#include <string.h>

#include "server/base/log.h"

bool
upstream_is_answer(const struct http_client_answer *answer)
{
	return (answer->end == HTTP_CLIENT_ANSWERED && answer->status == 200 &&
		answer->whole);
}

/* Is it sent elsewhere, as the login page of a network does it? */
static bool
is_portal(int status)
{
	return ((status >= 300 && status < 400) || status == 511);
}

static const char *
status_text(int status)
{
	switch (status) {
	case 400:
		return ("it does not understand what it was asked");
	case 401:
	case 403:
		return ("it does not know the token, or the name in the url");
	case 404:
	case 405:
		return ("there is no hub at this url");
	case 429:
		return ("too many tokens from this address were wrong");
	case 503:
		return ("the hub cannot write its store, or is starting");
	case 502:
	case 504:
		return ("a proxy in front of the hub does not reach it");
	default:
		break;
	}
	return ("it is no answer of a hub");
}

void
upstream_words(const struct http_client_answer *answer, const char *why,
    char ret_text[HANDLER_REASON_MAX])
{
	if (answer->end != HTTP_CLIENT_ANSWERED)
		(void)snprintf(ret_text, HANDLER_REASON_MAX, "%.250s",
		    answer->reason);
	else if (is_portal(answer->status))
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "answered %d%s%.100s: a login page of the network in "
		    "between, or the hub has moved",
		    answer->status, answer->location == NULL ? "" : " to ",
		    answer->location == NULL ? "" : log_text(answer->location));
	else if (answer->status != 200)
		(void)snprintf(ret_text, HANDLER_REASON_MAX, "answered %d: %s",
		    answer->status, status_text(answer->status));
	else if (!answer->whole)
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "the answer was cut, or has no end");
	else
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "answered 200, but not as a hub does (%.100s): a login "
		    "page of the network, or another program, is in its place",
		    why == NULL ? "unknown" : why);
}

const char *
upstream_advice(const struct http_client_answer *answer)
{
	if (answer->end != HTTP_CLIENT_ANSWERED)
		return ("see that the hub runs, that its name and port in url "
			"are right, and that this network lets one there; "
			"events wait at the hub");
	if (answer->status == 401 || answer->status == 403 ||
	    answer->status == 429)
		return ("compare token_file with the hub's, and the last part "
			"of url with the name of its handler of type pull");
	if (answer->status == 404 || answer->status == 405)
		return ("url is https://HUB/pull/NAME, with the name of the "
			"hub's handler of type pull");
	if (answer->status == 200 || is_portal(answer->status))
		return ("open a web page from this network: it may want a "
			"login; else see that url leads to the hub itself");
	return ("see the hub's own log");
}

bool
upstream_is_lasting(const struct http_client_answer *answer)
{
	return (answer->end == HTTP_CLIENT_ANSWERED && answer->status >= 400 &&
		answer->status < 500 && answer->status != 429);
}
