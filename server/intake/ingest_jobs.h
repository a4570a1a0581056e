/*
 * ingest_jobs.h -- private to ingest: which jobs an event has.
 *
 * Pure apart from memory.
 */
#ifndef SERVER_INGEST_JOBS_H
#define SERVER_INGEST_JOBS_H

#include "server/intake/subscription.h"
#include "store/store.h"

struct envelope;

/* An event, as far as its jobs depend on it. */
struct ingest_jobs_of {
	const char *type;
	const char *endpoint; /* NULL: it came through none */
	const struct envelope *env;
	const char *origin; /* its word; NULL: it is klikitd's own */
};

/*
 * The jobs of an event: for each handler that takes it, one, or
 * one for each place among its orders; and after each guarded one its alarm.
 * Where an order stands at several places, only its newest record is to be sent
 * (by order_key(); of equal ones the last): at the others the job is born done.
 * Where there is no usable order id it is born dead, unless no place has one;
 * then the job is for the event. received_ms is by dispatch's clock. Returns
 * them (owned by the caller, also if there are none) and how many; NULL when
 * out of memory.
 */
struct store_job_spec *ingest_jobs(const struct subscriptions *subs,
    const struct ingest_jobs_of *of, struct steady_time came_at, size_t *ret_n);

#endif /* SERVER_INGEST_JOBS_H */
