/*
 * ingest_jobs.h -- private to ingest: which jobs an event has.
 *
 * Owns: a copy of the routes. Pure apart from memory.
 */
#ifndef SERVER_INGEST_JOBS_H
#define SERVER_INGEST_JOBS_H

#include "server/ingest.h"

struct envelope;

struct ingest_routes {
	struct ingest_route *items;
	size_t n;
};

/* A deep copy, owned by the caller; NULL when out of memory. */
struct ingest_routes *ingest_routes_new(const struct ingest_route *routes,
    size_t n);

/* Accepts NULL. */
void ingest_routes_free(struct ingest_routes *routes);

/*
 * The jobs of an event of that type: for each route it takes, one, or one for
 * each of its orders; and after each guarded one its alarm. received_ms is by
 * dispatch's clock. Returns them (owned by the caller, also if there are
 * none) and how many; NULL when out of memory.
 */
struct store_job_spec *ingest_jobs(const struct ingest_routes *routes,
    const char *type, const struct envelope *env, int64_t received_ms,
    size_t *ret_n);

#endif /* SERVER_INGEST_JOBS_H */
