/*
 * server_metrics.h -- what the metrics are made of.
 */
#ifndef SERVER_SERVER_METRICS_H
#define SERVER_SERVER_METRICS_H

struct metrics;
struct server;

/* The metrics of this server; NULL when out of memory. */
struct metrics *server_metrics(struct server *s);

/*
 * Give ingest and secrets the times that the newest events were received at,
 * with which branch and secret. Needs the secrets.
 */
void server_seed(struct server *s);

#endif /* SERVER_SERVER_METRICS_H */
