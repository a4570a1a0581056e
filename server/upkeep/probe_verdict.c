#include "server/upkeep/probe_verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/base/log.h"

static const struct {
	const char *name;
	const char *advice;
} codes[] = {
	[PROBE_ARRIVED] = { "arrived", NULL },
	[PROBE_NO_ANSWER] = { "no_answer",
	    "deliveries come in, but klikit does not see their answers and "
	    "sends them again: look at the timeouts of the tunnel or proxy" },
	[PROBE_CHANGED] = { "changed",
	    "the proxy or tunnel changes the body or the signature's header: "
	    "have it pass both on as they are; klikitd rejections shows what "
	    "came" },
	[PROBE_STORE] = { "store",
	    "the way is open, but deliveries are answered 503: the log and "
	    "klikitd doctor say what the store lacks" },
	[PROBE_ANSWERED] = { "answered",
	    "something on the way answers in klikitd's place: a proxy's own "
	    "error page, a mirror, a firewall" },
	[PROBE_UNREACHED] = { "unreached",
	    "see that the tunnel or proxy runs, that the name leads to it, and "
	    "that its certificate is valid for that name; klikit sees the "
	    "same" },
	[PROBE_ELSEWHERE] = { "elsewhere",
	    "that URL leads to another klikitd with the same secret: see where "
	    "its name, tunnel or balancer points" },
	[PROBE_UNSIGNED] = { "unsigned",
	    "that URL leads to a receiver with another secret, or something on "
	    "the way changes the body" },
	[PROBE_PATH] = { "path",
	    "see that the URL's path is the one that klikitd serves "
	    "(/webhooks/klikit), and that the proxy passes it on unchanged" },
	[PROBE_PROXY] = { "proxy",
	    "the proxy or tunnel is there, but does not reach klikitd: see to "
	    "which address and port it passes on, and that klikitd listens "
	    "there" },
	[PROBE_REDIRECTED] = { "redirected",
	    "klikit follows no redirect: register the URL that it leads to" },
	[PROBE_PAGE] = { "page",
	    "a captive portal, a parked domain or the tunnel's own page: sign "
	    "in to the network, or see where the name leads" },
	[PROBE_STRANGER] = { "stranger",
	    "what answers there is no klikitd, or one that is older: see where "
	    "the name, the tunnel or the proxy leads" },
};
_Static_assert(sizeof(codes) / sizeof(codes[0]) == PROBE_NCODES,
    "every code has a row");

static void say(struct probe_verdict *v, enum probe_code code, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

static void
say(struct probe_verdict *v, enum probe_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
	v->code = code;
	v->advice = codes[code].advice;
}

/* Is that text in the beginning of the answer's body? */
static bool
has(const struct http_client_answer *a, const char *text)
{
	size_t len = strlen(text);
	const char *body = a->body;

	for (size_t i = 0; i + len <= a->body_len; i++) {
		if (strncasecmp(body + i, text, len) == 0)
			return (true);
	}
	return (false);
}

/* It was seen here. */
static void
judge_arrived(const struct probe_seen *seen, struct probe_verdict *v)
{
	const struct http_client_answer *a = seen->answer;
	const char *peer = log_text(seen->peer);

	if (a->end != HTTP_CLIENT_ANSWERED)
		say(v, PROBE_NO_ANSWER,
		    "it arrived, from %s, but no answer came back: %s", peer,
		    log_text(a->reason));
	else if (!seen->committed)
		say(v, PROBE_STORE,
		    "it arrived, from %s, but the store could not write it; "
		    "answered %d",
		    peer, a->status);
	else if (a->status != 200 || !has(a, PROBE_ANSWER))
		say(v, PROBE_ANSWERED,
		    "it arrived, from %s, but the answer that came back is not "
		    "klikitd's: %d",
		    peer, a->status);
	else
		say(v, PROBE_ARRIVED,
		    "arrived, from %s; committed and answered after %" PRId64
		    " ms",
		    peer, seen->took_ms);
}

/* A good answer, but not ours. */
static void
judge_success(const struct http_client_answer *a, struct probe_verdict *v)
{
	if (has(a, PROBE_ANSWER))
		say(v, PROBE_ELSEWHERE,
		    "answered %d by a klikitd, but it did not arrive here",
		    a->status);
	else if (has(a, "<html") || has(a, "<!doctype"))
		say(v, PROBE_PAGE,
		    "answered %d with a web page, and it did not arrive here",
		    a->status);
	else if (has(a, "\"received\"") || has(a, "\"duplicate-ignored\""))
		say(v, PROBE_STRANGER,
		    "answered %d by a receiver that took it for an event, and "
		    "it did not arrive here",
		    a->status);
	else
		say(v, PROBE_STRANGER,
		    "answered %d by something that is no klikitd, and it did "
		    "not arrive here",
		    a->status);
}

static void
judge_status(const struct http_client_answer *a, struct probe_verdict *v)
{
	int status = a->status;

	if (status < 300)
		judge_success(a, v);
	else if (status < 400)
		say(v, PROBE_REDIRECTED, "answered %d, to %s", status,
		    a->location == NULL ? "nowhere" : log_text(a->location));
	else if (status == 401)
		say(v, PROBE_UNSIGNED,
		    "answered 401, and it did not arrive here%s",
		    has(a, "invalid signature")
			? ": a receiver of klikit's events does not accept "
			  "the signature"
			: "");
	else if (status == 404 || status == 405)
		say(v, PROBE_PATH, "answered %d, and it did not arrive here",
		    status);
	else if (status >= 502 && status <= 504)
		say(v, PROBE_PROXY, "answered %d, and it did not arrive here",
		    status);
	else
		say(v, PROBE_STRANGER,
		    "answered %d, and it did not arrive here", status);
}

void
probe_judge(const struct probe_seen *seen, struct probe_verdict *ret_verdict)
{
	const struct http_client_answer *a = seen->answer;

	if (seen->arrived)
		judge_arrived(seen, ret_verdict);
	else if (seen->refused)
		say(ret_verdict, PROBE_CHANGED,
		    "it arrived, but its signature did not fit what arrived");
	else if (a->end != HTTP_CLIENT_ANSWERED)
		say(ret_verdict, PROBE_UNREACHED, "not reached: %s",
		    log_text(a->reason));
	else
		judge_status(a, ret_verdict);
}

const char *
probe_code_name(enum probe_code code)
{
	return (codes[code].name);
}
