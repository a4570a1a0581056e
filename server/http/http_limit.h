/*
 * http_limit.h -- what a connection may be closed, or a request refused, for.
 */
#ifndef SERVER_HTTP_LIMIT_H
#define SERVER_HTTP_LIMIT_H

/* How many are accepted beyond max_connections, before as many are closed. */
#define HTTP_ROOM_OVER 64

/* Limits of all connections together: one is closed for the sake of another. */
enum http_limit {
	HTTP_LIMIT_CONNECTIONS, /* http_options.max_connections */
	HTTP_LIMIT_DESCRIPTORS, /* files that the process may open */
	HTTP_LIMIT_HANDSHAKES,  /* http_options.max_handshakes */
	HTTP_LIMIT_STREAMS      /* http_request_make_room() */
};
#define HTTP_NLIMITS 4

/* What the guard does not read to its end. */
enum http_cut {
	HTTP_CUT_BAD,       /* it is no proper HTTP */
	HTTP_CUT_FORBIDDEN, /* whose it is is not allowed: 403 */
	HTTP_CUT_BODY,      /* http_options.max_body: 413 */
	HTTP_CUT_TIME,      /* http_options.request_timeout_ms: 408 */
	HTTP_CUT_MEMORY,    /* HTTP_UNVERIFIED_MAX of all together: 503 */
	HTTP_CUT_INPUT      /* more than one request's worth at once: 400 */
};
#define HTTP_NCUTS 6

#endif /* SERVER_HTTP_LIMIT_H */
