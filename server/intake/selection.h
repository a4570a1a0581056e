/*
 * selection.h -- which events something is for: a handler, or an endpoint.
 *
 * Owns:    nothing; texts are borrowed.
 * Touches: nothing. Pure.
 */
#ifndef SERVER_SELECTION_H
#define SERVER_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

/* How the types of klikitd's own events begin: no delivery has such a one. */
#define TYPE_OWN "klikitd."

/*
 * May that be an event's id, or its type? It is printable, at most 255 bytes,
 * and does not begin as those of klikitd's own events do.
 */
bool event_name_is_good(const char *text);

struct selection {
	const char *const *events; /* see selection_takes() */
	size_t nevents;
	const char *const *brands; /* none: any */
	size_t nbrands;
	const char *const *branches; /* none: any */
	size_t nbranches;
	const char *const *endpoints; /* none: any */
	size_t nendpoints;
	const char *const *origins; /* none: any; store_origin_name() */
	size_t norigins;
};

/* What is known of an event; NULL: it has none. */
struct selection_event {
	const char *type; /* never NULL */
	const char *brand;
	const char *branch;
	const char *endpoint;
	const char *origin;
};

/*
 * Is the event one of these? Of the types "*" takes all but klikitd's own,
 * "a.b.*" what begins with "a.b.", any other the same one. An event without a
 * brand is not for who names brands, unless it is klikitd's own; branches,
 * endpoints and origins likewise.
 */
bool selection_takes(const struct selection *sel,
    const struct selection_event *ev);

/*
 * Fill ret_copy, which is all zero, with copies. Returns 0; -1 when out of
 * memory, and then it is to be freed as well.
 */
int selection_copy(const struct selection *sel, struct selection *ret_copy);

/* Free what selection_copy() made. */
void selection_fini(struct selection *copy);

#endif /* SERVER_SELECTION_H */
