/*
 * http_metrics.h -- GET /metrics of the admin listener.
 *
 * Touches: evhttp, metrics.h.
 */
#ifndef SERVER_HTTP_METRICS_H
#define SERVER_HTTP_METRICS_H

struct evhttp_request;
struct http_conn;
struct metrics;

/* Answer it, later. Cache headers are there already. */
void http_metrics_run(struct metrics *m, struct http_conn *conn,
    struct evhttp_request *req);

#endif /* SERVER_HTTP_METRICS_H */
