/*
 * metrics_route.h -- GET /metrics of the admin listener.
 *
 * Touches: evhttp, metrics.h.
 */
#ifndef SERVER_METRICS_ROUTE_H
#define SERVER_METRICS_ROUTE_H

struct evhttp_request;
struct http_conn;
struct metrics;

/* Answer it, later. Cache headers are there already. */
void metrics_route_run(struct metrics *m, struct http_conn *conn,
    struct evhttp_request *req);

#endif /* SERVER_METRICS_ROUTE_H */
