/*
 * http_door.h -- who may speak to the admin listener.
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
#ifndef SERVER_HTTP_DOOR_H
#define SERVER_HTTP_DOOR_H

#include <stdbool.h>

struct http_door {
	const char *address; /* listened on: HOST:PORT, [V6]:PORT or *:PORT */
	const char *token;   /* NULL: none is asked for */
};

/* What came with a request; NULL: no such header. */
struct http_knock {
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

enum http_door_rc {
	HTTP_DOOR_OPEN,
	HTTP_DOOR_HOST,   /* 421 */
	HTTP_DOOR_ORIGIN, /* 403 */
	HTTP_DOOR_SITE,   /* 403 */
	HTTP_DOOR_TOKEN,  /* 401 */
	HTTP_DOOR_GUESS,  /* 429 */
	HTTP_DOOR_TYPE    /* 415 */
};

/* May this request come in? Checked in the order of the enum. */
enum http_door_rc http_door_ask(const struct http_door *door,
    const struct http_knock *knock);

#endif /* SERVER_HTTP_DOOR_H */
