/*
 * route.h -- is an event for a handler?
 *
 * Pure: values in, answer out.
 */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include <stdbool.h>

#include "server/intake/ingest.h"

/*
 * Does the route take events of this type, brand and branch? An event without
 * a brand (NULL) is not for a route that names brands; branches likewise.
 */
bool route_match(const struct ingest_route *route, const char *type,
    const char *brand, const char *branch);

#endif /* SERVER_ROUTE_H */
