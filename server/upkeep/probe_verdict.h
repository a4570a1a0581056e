/*
 * probe_verdict.h -- what became of a delivery that klikitd sent to itself
 * through its public URL, in words.
 *
 * Pure.
 */
#ifndef SERVER_PROBE_VERDICT_H
#define SERVER_PROBE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/net/http_client.h"

#define PROBE_TEXT_MAX 600
#define PROBE_ANSWER "{\"status\":\"probe\"}" /* of a klikitd that got one */

enum probe_code {
	PROBE_ARRIVED,    /* here, it was committed, and so it was answered */
	PROBE_NO_ANSWER,  /* here, but the answer did not come back */
	PROBE_CHANGED,    /* here, but the signature did not fit any more */
	PROBE_STORE,      /* here, but the store did not take it */
	PROBE_ANSWERED,   /* here, but somebody else's answer came back */
	PROBE_UNREACHED,  /* no connection, no TLS, no answer */
	PROBE_ELSEWHERE,  /* another klikitd got it */
	PROBE_UNSIGNED,   /* 401: another secret, or the body was changed */
	PROBE_PATH,       /* 404, 405: that path is nothing there */
	PROBE_PROXY,      /* 502 to 504: what is in front does not reach us */
	PROBE_REDIRECTED, /* 3xx */
	PROBE_PAGE,       /* a web page */
	PROBE_STRANGER,   /* any other answer */
	PROBE_NCODES
};

/* What was seen; borrowed for the call. */
struct probe_seen {
	const char *url;
	const struct http_client_answer *answer;
	bool arrived;     /* it came in here, and was authentic */
	bool refused;     /* one with a wrong signature came in meanwhile */
	bool committed;   /* of arrived: the store has written */
	const char *peer; /* of arrived: the address it came from */
	int64_t took_ms;
};

struct probe_verdict {
	enum probe_code code;
	char text[PROBE_TEXT_MAX];
	const char *advice; /* what to do; static, NULL: all is well */
};

void probe_judge(const struct probe_seen *seen,
    struct probe_verdict *ret_verdict);

/* Its word, for the API and metrics; static. */
const char *probe_code_name(enum probe_code code);

#endif /* SERVER_PROBE_VERDICT_H */
