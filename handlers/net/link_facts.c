#include "handlers/net/link_facts.h"

#include <stdio.h>

#include "handlers/net/net_clock.h"

#define PAUSE_FIRST_MS 200
#define UP_LONG_MS 10000 /* then the failures before do not count */

void
link_facts_end(struct link_facts *f, enum link_fault fault, int code,
    const char *detail)
{
	f->ended = true;
	f->fault = fault;
	f->code = code;
	(void)snprintf(f->detail, sizeof(f->detail), "%s",
	    detail == NULL ? "" : detail);
}

void
link_silence_heard(struct link_silence *s, int64_t now_ms)
{
	s->heard_ms = now_ms;
	s->asked_ms = 0;
}

enum link_silence_verdict
link_silence_judge(struct link_silence *s, int64_t now_ms, int64_t *ret_wait_ms)
{
	int64_t since_ms = s->asked_ms != 0 ? s->asked_ms : s->heard_ms;

	*ret_wait_ms = since_ms + s->limit_ms - now_ms;
	if (s->limit_ms == 0 || *ret_wait_ms > 0)
		return (SILENCE_WAIT);
	if (s->asked_ms != 0)
		return (SILENCE_DEAD);
	s->asked_ms = now_ms;
	*ret_wait_ms = s->limit_ms;
	return (SILENCE_ASK);
}

int64_t
link_pause_after(unsigned failures, uint32_t rnd)
{
	int64_t most = PAUSE_FIRST_MS;

	for (unsigned i = 1; i < failures && most < LINK_PAUSE_MAX_MS; i++)
		most *= 2;
	if (most > LINK_PAUSE_MAX_MS)
		most = LINK_PAUSE_MAX_MS;
	return (most / 2 + (int64_t)(((uint64_t)most / 2 * rnd) >> 32));
}

int64_t
link_pause_begin(struct link_pause *p, int64_t up_ms, int64_t now_ms,
    uint32_t rnd)
{
	int64_t pause_ms;

	if (up_ms >= UP_LONG_MS)
		p->failures = 0;
	p->failures++;
	pause_ms = link_pause_after(p->failures, rnd);
	p->until_ms = now_ms + pause_ms;
	return (pause_ms);
}

int64_t
link_pause_left(const struct link_pause *p, int64_t now_ms)
{
	int64_t left_ms = p->until_ms - now_ms;

	if (p->until_ms == 0)
		return (0);
	return (left_ms > 1 ? left_ms : 1);
}

void
link_late_text(enum link_state state, const char *peer, const char *host,
    int64_t limit_ms, char ret_text[HANDLER_REASON_MAX])
{
	char limit[NET_CLOCK_TEXT_MAX];

	net_clock_text(limit_ms, limit);
	if (peer == NULL)
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "no name server answered for %s within %s", host, limit);
	else
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "%s %s%s within %s",
		    state == LINK_SHAKING ? "TLS handshake with"
		    : state == LINK_LOGIN ? "login at"
					  : "no connection to",
		    peer, state == LINK_DIALING ? "" : " not done", limit);
}

void
link_lost_text(enum link_state state, const char *peer, const char *why,
    char ret_text[HANDLER_REASON_MAX])
{
	const char *when = state == LINK_UP ? "" : " during the login";

	if (state == LINK_SHAKING)
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "no TLS with %s: %s", peer,
		    why == NULL ? "it closed the connection" : why);
	else if (why == NULL)
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "%s closed the connection%s", peer, when);
	else
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "the connection to %s was lost%s: %s", peer, when, why);
}

void
link_silence_text(const char *peer, int64_t silent_ms,
    char ret_text[HANDLER_REASON_MAX])
{
	char silence[NET_CLOCK_TEXT_MAX];

	(void)snprintf(ret_text, HANDLER_REASON_MAX,
	    "nothing has come from %s for %s", peer,
	    net_clock_text(silent_ms, silence));
}
