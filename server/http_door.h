/*
 * http_door.h -- who may speak to the admin listener.
 *
 * Pure: header values in, verdict out.
 *
 * A page of another site that an operator has open can make his browser send
 * requests to the loopback, and can even read the answers if its name is made
 * to point there (DNS rebinding). So the Host must be an address, or
 * localhost: no name that a stranger could own. An Origin must be that very
 * host. And what acts must come as JSON, which a page cannot send elsewhere
 * unasked.
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
	bool acts; /* a POST */
	bool open; /* a probe, which needs no token */
};

enum http_door_rc {
	HTTP_DOOR_OPEN,
	HTTP_DOOR_HOST,   /* 421 */
	HTTP_DOOR_ORIGIN, /* 403 */
	HTTP_DOOR_TOKEN,  /* 401 */
	HTTP_DOOR_TYPE    /* 415 */
};

/* May this request come in? Checked in the order of the enum. */
enum http_door_rc http_door_ask(const struct http_door *door,
    const struct http_knock *knock);

#endif /* SERVER_HTTP_DOOR_H */
