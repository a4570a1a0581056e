/*
 * metrics_route.h -- GET /metrics of the admin listener.
 *
 * Touches: route.h, metrics.h.
 */
#ifndef SERVER_METRICS_ROUTE_H
#define SERVER_METRICS_ROUTE_H

struct http_request;

/* http_route: answered later; arg is the struct metrics. */
void metrics_route_run(struct http_request *req, void *arg);

#endif /* SERVER_METRICS_ROUTE_H */
