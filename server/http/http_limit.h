/*
 * http_limit.h -- what a connection may be closed for.
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

#endif /* SERVER_HTTP_LIMIT_H */
