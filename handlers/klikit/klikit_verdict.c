/*
 * klikit_verdict.c -- what an answer of klikit's API means.
 *
 * Its documents have the same error under several codes, and 409 and 422 for
 * the same: so the HTTP status decides, and the code is for people.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "handlers/klikit/klikit_request.h"

/* What is in klikit's envelope; NULL what is not. */
struct envelope_parts {
	const char *id;
	const char *code;
	const char *message;
};

/* An answer of klikit's is an object. A portal or a proxy answers with HTML. */
static bool
is_json(const struct http_client_answer *answer)
{
	const char *p = answer->body;

	for (size_t i = 0; i < answer->body_len; i++) {
		if (!isspace((unsigned char)p[i]))
			return (p[i] == '{');
	}
	return (false);
}

static void
read_envelope(const json_t *o, struct envelope_parts *ret)
{
	const json_t *error = json_object_get(o, "error");

	ret->id = json_string_value(json_object_get(o, "request_id"));
	ret->code = json_string_value(json_object_get(error, "code"));
	ret->message = json_string_value(json_object_get(error, "message"));
}

/* One line of it: what klikit says, and the number to ask it by. */
static void
write_detail(const struct http_client_answer *answer,
    char ret_text[HANDLER_REASON_MAX])
{
	json_t *o = json_loadb(answer->body, answer->body_len, 0, NULL);
	struct envelope_parts parts;
	size_t len;

	read_envelope(o, &parts);
	(void)snprintf(ret_text, HANDLER_REASON_MAX, "%.60s%s%.100s%s%s%.64s",
	    parts.code == NULL ? "" : parts.code,
	    parts.code == NULL || parts.message == NULL ? "" : ": ",
	    parts.message == NULL ? "" : parts.message,
	    parts.code == NULL && parts.message == NULL ? "" : "; ",
	    parts.id == NULL ? "" : "request_id ",
	    parts.id == NULL ? "" : parts.id);
	json_decref(o);
	len = strlen(ret_text);
	if (len >= 2 && strcmp(ret_text + len - 2, "; ") == 0)
		ret_text[len - 2] = '\0';
	for (char *p = ret_text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
}

static void
reason(struct handler_result *r, const char *name, int status, const char *why)
{
	(void)snprintf(r->reason, HANDLER_REASON_MAX, "%s answered %d: %s",
	    name, status, why);
}

/* Something else than klikit has answered, or klikit is not there. */
static void
not_klikit(struct handler_result *r, const char *name, int status,
    const char *why)
{
	r->verdict = HANDLER_RETRY;
	r->fault = HANDLER_FAULT_UNCLEAR;
	reason(r, name, status, why);
}

/* It takes no change from us before somebody has mended something. */
static void
pause_for(struct handler_result *r, const char *name, int status,
    const char *why)
{
	r->verdict = HANDLER_RETRY;
	r->fault = HANDLER_FAULT_JOB;
	r->pause = true;
	reason(r, name, status, why);
}

static void
refused(struct handler_result *r, const char *name, int status, const char *why)
{
	r->verdict = HANDLER_DEAD;
	reason(r, name, status, why);
}

static bool
may_pass(int status)
{
	return (
	    status == 408 || status == 425 || status == 429 || status >= 500);
}

static void
judge_status(const struct http_client_answer *answer, const char *name,
    bool again, struct handler_result *r)
{
	int status = answer->status;

	if (status < 300) {
		r->verdict = HANDLER_DONE;
		if (status != 204 && !is_json(answer))
			not_klikit(r, name, status,
			    "but not in JSON: that was not klikit");
	} else if (status < 400) {
		not_klikit(r, name, status, "redirects are not followed");
	} else if (may_pass(status)) {
		r->retry_after_ms = answer->retry_after_ms;
		not_klikit(r, name, status,
		    status == 429 ? "too many requests" : "not now");
		if (status == 500)
			r->fault = HANDLER_FAULT_JOB;
	} else if (status == 401) {
		pause_for(r, name, status,
		    "the credentials are wrong; put the right ones into "
		    "credentials_file, reload, and resume the handler");
	} else if (status == 403) {
		pause_for(r, name, status,
		    "the credentials may not change orders; ask klikit, then "
		    "resume the handler");
	} else if (status == 404 || status == 410) {
		refused(r, name, status, "it knows no such order");
	} else if (status == 409 && again) {
		refused(r, name, status,
		    "the order cannot go there from where it is, or is there "
		    "by an earlier try");
	} else if (status == 409) {
		refused(r, name, status,
		    "the order cannot go there from where it is");
	} else {
		refused(r, name, status, "it does not take what was asked");
	}
}

void
klikit_verdict(const struct http_client_answer *answer, const char *name,
    bool again, struct handler_result *ret_result)
{
	if (answer->end == HTTP_CLIENT_ANSWERED) {
		ret_result->code = answer->status;
		ret_result->answer = answer->body;
		ret_result->answer_len = answer->body_len;
		write_detail(answer, ret_result->detail);
		judge_status(answer, name, again, ret_result);
		return;
	}
	ret_result->verdict = HANDLER_RETRY;
	ret_result->unknown = answer->end == HTTP_CLIENT_UNKNOWN;
	ret_result->fault =
	    ret_result->unknown ? HANDLER_FAULT_UNCLEAR : HANDLER_FAULT_DOWN;
	(void)snprintf(ret_result->reason, HANDLER_REASON_MAX, "%s",
	    answer->reason);
}

/* -- For doctor -- */

enum handler_level
klikit_found(const struct http_client_answer *answer,
    char ret_text[HANDLER_REASON_MAX], const char **ret_advice)
{
	int status = answer->status;

	*ret_advice = NULL;
	if (answer->end != HTTP_CLIENT_ANSWERED) {
		(void)snprintf(ret_text, HANDLER_REASON_MAX, "%s",
		    answer->reason);
		*ret_advice = "look at handler.url, and at the way there";
		return (HANDLER_WRONG);
	}
	if (status < 300 && is_json(answer)) {
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "klikit takes the credentials");
		return (HANDLER_FINE);
	}
	(void)snprintf(ret_text, HANDLER_REASON_MAX, "answered %d%s", status,
	    status < 300 ? " without JSON" : "");
	if (status == 401 || status == 403) {
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "klikit refuses the credentials: %d", status);
		*ret_advice = "put those that klikit issued into "
			      "credentials_file, and look at auth";
		return (HANDLER_WRONG);
	}
	if (may_pass(status)) {
		*ret_advice = "klikit cannot now; try again later";
		return (HANDLER_DOUBTFUL);
	}
	*ret_advice = status < 400
			  ? "that is not klikit: a portal or a proxy?"
			  : "look at handler.url and handler.look_path";
	return (HANDLER_WRONG);
}
