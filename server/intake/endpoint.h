/*
 * endpoint.h -- where deliveries come in: which secrets open it, and what it
 * takes.
 *
 * Owns:    a fixed list of them, copied, but for the modules they name.
 * Touches: nothing. Pure apart from memory. Counts are webhook.c's.
 *
 * One is the argument of the route of each of its paths (webhook_run()). A
 * reload makes another list, and frees the old one when no route names it: what
 * a request needs beyond its route's return was copied by then.
 */
#ifndef SERVER_ENDPOINT_H
#define SERVER_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "server/auth/secrets.h"
#include "server/intake/selection.h"

struct webhook;

/* How a delivery was answered. */
enum endpoint_answer {
	ENDPOINT_RECEIVED,
	ENDPOINT_DUPLICATE,
	ENDPOINT_REFUSED,
	ENDPOINT_LIMITED, /* refused unseen: 429 */
	ENDPOINT_BUSY,
	ENDPOINT_NANSWERS
};

/* Its word in metrics; static. */
const char *endpoint_answer_name(enum endpoint_answer answer);

/*
 * How often, since the start: it outlives its endpoint while a delivery is on
 * its way to the disk, and goes over to the one of that name after a reload.
 */
struct endpoint_tally {
	unsigned refs;
	uint64_t n[ENDPOINT_NANSWERS];
};
struct endpoint_tally *endpoint_tally_ref(struct endpoint_tally *tally);

/* Accepts NULL. */
void endpoint_tally_unref(struct endpoint_tally *tally);

struct endpoint {
	const char *name; /* copied */
	/* Of what no secret of ours signs, but a hub vouches for; copied. */
	const char *scope;
	struct webhook *webhook;
	struct secrets *sec;
	secrets_some which;     /* of sec */
	struct selection takes; /* copied; what else is signed is refused */
	struct endpoint_tally *tally; /* its own; made by endpoints_new() */
};

struct endpoints; /* opaque */

/* A deep copy, owned by the caller; NULL when out of memory. */
struct endpoints *endpoints_new(const struct endpoint *list, size_t n);

size_t endpoints_count(const struct endpoints *all);

/* The i-th one; valid until free. */
struct endpoint *endpoints_at(struct endpoints *all, size_t i);

/* Go on counting where those of the same names are. */
void endpoints_inherit(struct endpoints *all, const struct endpoints *old);

/* Accepts NULL. */
void endpoints_free(struct endpoints *all);

#endif /* SERVER_ENDPOINT_H */
