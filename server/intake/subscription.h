/*
 * subscription.h -- which events a handler is for.
 *
 * Owns:    the subscriptions of all handlers, copied.
 * Touches: nothing. Pure apart from memory.
 */
#ifndef SERVER_SUBSCRIPTION_H
#define SERVER_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/intake/selection.h"

/* What is known of status codes; texts are borrowed and copied. */
struct status_codes {
	const char *const *terminal; /* those that end an order */
	size_t nterminal;
	const char *const *order; /* from first to last; none: by number */
	size_t norder;
};

/* Which events a handler is for; texts are borrowed and copied. */
struct subscription {
	int64_t handler; /* its number in the store */
	struct selection takes;
	bool ordered;   /* its jobs wait in the lanes of their orders */
	bool per_order; /* a job for each order, instead of one for all */
	/*
	 * What this handler did for a created order is not done again: jobs of
	 * created events wait in lanes even if not ordered.
	 */
	bool once_per_order;

	/* A job not done by then has another handler's made; 0: none. */
	int64_t deadline_ms; /* since the event came in */
	int64_t alarm;       /* that handler's number in the store */
};

/* Those of all handlers. */
struct subscriptions {
	struct subscription *items;
	size_t n;
	struct status_codes codes;
};

/* A deep copy, owned by the caller; NULL when out of memory. */
struct subscriptions *subscriptions_new(const struct subscription *subs,
    size_t n, const struct status_codes *codes);

/* Accepts NULL. */
void subscriptions_free(struct subscriptions *subs);

#endif /* SERVER_SUBSCRIPTION_H */
