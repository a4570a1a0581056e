/*
 * admin_route.h -- the operator's API by HTTP: admin.h for requests.
 *
 * Owns:    the calls that are under way, whose question is next, and when.
 * Touches: route.h, admin.h, turns.h, the log.
 */
#ifndef SERVER_ADMIN_ROUTE_H
#define SERVER_ADMIN_ROUTE_H

struct admin;
struct admin_route; /* opaque */
struct event_base;
struct http_request;

/* Keeps both. NULL when out of memory. */
struct admin_route *admin_route_new(struct event_base *base, struct admin *a);

/*
 * http_route: GET, HEAD or POST of any path, answered by admin_call(); arg is
 * the struct admin_route. A request that waits for its turn is not being
 * worked on: its connection may be closed for others.
 */
void admin_route_run(struct http_request *req, void *arg);

/* Only when a has nothing under way, after the listener. Accepts NULL. */
void admin_route_free(struct admin_route *route);

#endif /* SERVER_ADMIN_ROUTE_H */
