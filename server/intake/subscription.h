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

/* What is known of status codes; texts are borrowed and copied. */
struct status_codes {
	const char *const *terminal; /* those that end an order */
	size_t nterminal;
	const char *const *order; /* from first to last; none: by number */
	size_t norder;
};

/* Which events a handler is for; texts are borrowed and copied. */
struct subscription {
	int64_t handler;           /* its number in the store */
	const char *const *events; /* see subscription_takes() */
	size_t nevents;
	const char *const *brands; /* none: any */
	size_t nbrands;
	const char *const *branches; /* none: any */
	size_t nbranches;
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

/* How the types of klikitd's own events begin: no delivery has such a one. */
#define TYPE_OWN "klikitd."

bool type_is_own(const char *type);

/*
 * Does the handler take events of this type, brand and branch? Of its types "*"
 * takes all but klikitd's own, "a.b.*" what begins with "a.b.", any other the
 * same one. An event without a brand (NULL) is not for one that names brands,
 * unless it is klikitd's own; branches likewise.
 */
bool subscription_takes(const struct subscription *sub, const char *type,
    const char *brand, const char *branch);

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
