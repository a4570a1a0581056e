/*
 * access.h -- who may speak to the admin listener.
 *
 * Pure: header values in, verdict out.
 *
 * A page of another site that an operator has open can make his browser send
 * requests to the loopback, and can even read the answers if its name is made
 * to point there (DNS rebinding). So the Host must be an address, or
 * localhost: no name that a stranger could own. An Origin must be that very
 * host. What a browser says comes from another site (Fetch Metadata, the
 * header Sec-Fetch-Site) is refused, also when it only looks and the answer
 * would be hidden from that site, because it costs: but a link to the page may
 * be followed. And what acts must come as JSON, which a page cannot send
 * elsewhere unasked.
 */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include <stdbool.h>

struct access_rules {
	const char *address; /* listened on: HOST:PORT, [V6]:PORT or *:PORT */
	const char *token;   /* NULL: none is asked for */
};

/* What came with a request; NULL: no such header. */
struct access_request {
	const char *host;
	const char *origin;
	const char *content_type;
	const char *authorization;
	const char *fetch_site; /* Sec-Fetch-Site, -Mode and -Dest */
	const char *fetch_mode;
	const char *fetch_dest;
	bool acts;  /* a POST */
	bool open;  /* a probe or the page: needs no token */
	bool links; /* the page itself: may be opened by a link */
	bool spent; /* too many wrong tokens came: this one is not looked at */
};

enum access_rc {
	ACCESS_ALLOWED,
	ACCESS_BAD_HOST,         /* 421 */
	ACCESS_BAD_ORIGIN,       /* 403 */
	ACCESS_BAD_SITE,         /* 403 */
	ACCESS_BAD_TOKEN,        /* 401 */
	ACCESS_TOO_MANY_GUESSES, /* 429 */
	ACCESS_BAD_TYPE          /* 415 */
};

/* May this request come in? Checked in the order of the enum. */
enum access_rc access_check(const struct access_rules *rules,
    const struct access_request *asked);

#endif /* SERVER_ACCESS_H */
