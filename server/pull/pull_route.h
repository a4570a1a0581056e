/*
 * pull_route.h -- pullers at the public listener.
 *
 * Owns:    the requests of pullers from their route to their answer; who has
 *          shown a wrong token too often.
 * Touches: route.h, hub.h.
 *
 * A name that nobody has and a wrong token are one answer, after the same work.
 */
#ifndef SERVER_PULL_ROUTE_H
#define SERVER_PULL_ROUTE_H

#include <stdint.h>

struct http_request;
struct hub;
struct pull_route; /* opaque */

/* Keeps hub, which may have no box. NULL when out of memory. */
struct pull_route *pull_route_new(struct hub *hub);

/* When every request is answered: after hub_close(). Accepts NULL. */
void pull_route_free(struct pull_route *route);

/*
 * http_route of PULL_PATH and what is below it: GET and POST; arg is the struct
 * pull_route.
 */
void pull_route_run(struct http_request *req, void *arg);

/* Nobody has failed yet: as when the tokens are new. */
void pull_route_forgive(struct pull_route *route);

/* What was counted since the start. */
struct pull_route_stats {
	uint64_t refused; /* wrong tokens, and names */
	uint64_t limited; /* turned away unseen */
};
void pull_route_stats(const struct pull_route *route,
    struct pull_route_stats *ret);

#endif /* SERVER_PULL_ROUTE_H */
