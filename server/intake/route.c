#include <string.h>

#include "server/intake/route.h"

static bool
list_has(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], text) == 0)
			return (true);
	}
	return (false);
}

bool
route_match(const struct ingest_route *route, const char *type,
    const char *brand, const char *branch)
{
	if (!list_has(route->events, route->nevents, "*") &&
	    !list_has(route->events, route->nevents, type))
		return (false);
	if (route->nbrands > 0 &&
	    (brand == NULL || !list_has(route->brands, route->nbrands, brand)))
		return (false);
	return (route->nbranches == 0 ||
		(branch != NULL &&
		    list_has(route->branches, route->nbranches, branch)));
}
