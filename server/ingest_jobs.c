#include <stdlib.h>
#include <string.h>

#include "handlers/envelope.h"
#include "server/ingest_jobs.h"
#include "server/route.h"

void
ingest_routes_free(struct ingest_routes *routes)
{
	if (routes == NULL)
		return;
	for (size_t i = 0; i < routes->n; i++) {
		free((void *)routes->items[i].events);
		free((void *)routes->items[i].brands);
		free((void *)routes->items[i].branches);
	}
	free(routes->items);
	free(routes);
}

/* A copy of a list of texts in one block; NULL when out of memory. */
static const char *const *
texts_copy(const char *const *texts, size_t n)
{
	size_t size = (n + 1) * sizeof(char *);
	const char **copy;
	char *p;

	for (size_t i = 0; i < n; i++)
		size += strlen(texts[i]) + 1;
	if ((copy = malloc(size)) == NULL)
		return (NULL);
	p = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = p;
		p = stpcpy(p, texts[i]) + 1;
	}
	copy[n] = NULL;
	return (copy);
}

struct ingest_routes *
ingest_routes_new(const struct ingest_route *routes, size_t n)
{
	struct ingest_routes *copy;

	if ((copy = calloc(1, sizeof(*copy))) == NULL ||
	    (copy->items = calloc(n + 1, sizeof(*copy->items))) == NULL)
		goto fail;
	for (; copy->n < n; copy->n++) {
		const struct ingest_route *r = &routes[copy->n];
		struct ingest_route *c = &copy->items[copy->n];

		*c = *r;
		c->events = texts_copy(r->events, r->nevents);
		c->brands = texts_copy(r->brands, r->nbrands);
		c->branches = texts_copy(r->branches, r->nbranches);
		if (c->events == NULL || c->brands == NULL ||
		    c->branches == NULL) {
			copy->n++; /* its lists are freed with the others */
			goto fail;
		}
	}
	return (copy);
fail:
	ingest_routes_free(copy);
	return (NULL);
}

/* Write a route's job for one place, and its alarm. Returns how many. */
static size_t
add_job(struct store_job_spec *specs, size_t at, const struct ingest_route *r,
    int32_t place, int64_t received_ms)
{
	specs[at] = (struct store_job_spec){
		.handler = r->handler,
		.place = place,
		.ordered = r->ordered,
		.guards = STORE_NO_GUARD,
	};
	if (r->deadline_ms == 0)
		return (1);

	/* In no lane: an alarm does not wait behind another. */
	specs[at + 1] = (struct store_job_spec){
		.handler = r->alarm,
		.place = place,
		.due_at_ms = received_ms + r->deadline_ms,
		.guards = (int32_t)at,
	};
	return (2);
}

struct store_job_spec *
ingest_jobs(const struct ingest_routes *routes, const char *type,
    const struct envelope *env, int64_t received_ms, size_t *ret_n)
{
	size_t each = 2 * (env->norders > 0 ? env->norders : 1);
	struct store_job_spec *specs;
	size_t n = 0;

	if ((specs = calloc(routes->n * each + 1, sizeof(*specs))) == NULL)
		return (NULL);
	for (size_t i = 0; i < routes->n; i++) {
		const struct ingest_route *r = &routes->items[i];

		if (!route_match(r, type, env->brand, env->branch))
			continue;
		if (!r->per_order || env->norders == 0)
			n += add_job(specs, n, r, STORE_WHOLE_EVENT,
			    received_ms);
		for (size_t j = 0; r->per_order && j < env->norders; j++)
			n += add_job(specs, n, r, env->orders[j].place,
			    received_ms);
	}
	*ret_n = n;
	return (specs);
}
