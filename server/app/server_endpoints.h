/*
 * server_endpoints.h -- the endpoints of a configuration, at the public
 * listener.
 */
#ifndef SERVER_SERVER_ENDPOINTS_H
#define SERVER_SERVER_ENDPOINTS_H

#include "server/auth/secrets.h"
#include "server/config/config.h"
#include "server/http/http.h"
#include "server/intake/endpoint.h"

struct pull_route;
struct server;
struct webhook;

/*
 * Those of cfg, whose secrets sec has in the same order; they are served by w.
 * Keeps sec and w. Owned by the caller; NULL when out of memory.
 */
struct endpoints *server_endpoints_new(const struct config *cfg,
    struct webhook *w, struct secrets *sec);

/*
 * The public listener's routes with those of cfg, among them pulls if a handler
 * is pulled: owned by the caller, as far as cfg, all and pulls live; and how
 * many. NULL when out of memory.
 */
struct http_route *server_endpoints_routes(const struct config *cfg,
    struct endpoints *all, struct pull_route *pulls, size_t *ret_n);

/*
 * The one that klikit delivers to if nothing else is said, for the moment;
 * NULL: there is none yet.
 */
const struct endpoint *server_usual_endpoint(const struct server *s);

#endif /* SERVER_SERVER_ENDPOINTS_H */
