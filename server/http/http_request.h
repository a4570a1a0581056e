/*
 * http_request.h -- the life of a request, for those who bring it to a route.
 *
 * What a route may do with it stands in route.h; both are http_request.c.
 */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include <stdbool.h>

#include "server/http/route.h"

struct evhttp_request;
struct http_conn;

/*
 * evhttp has a request of conn, whole: before its route runs. The guard counts
 * it no longer. It is valid until it is finished.
 */
struct http_request *http_request_start(struct http_conn *conn,
    struct evhttp_request *req);

/* The route's function has returned. */
void http_request_routed(struct http_request *r);

/*
 * conn was closed: end its request, or leave it to be finished. Returns whether
 * it is: then http_request_finish() frees conn.
 */
bool http_request_closed(struct http_conn *conn);

/* Of http_request_finish_late(): now is the time. */
void http_request_late(struct http_request *r);

#endif /* SERVER_HTTP_REQUEST_H */
