/*
 * event_kind.h -- what an event's type means to us.
 *
 * Pure: text in, kind out.
 */
#ifndef HANDLERS_EVENT_KIND_H
#define HANDLERS_EVENT_KIND_H

#include <stdbool.h>

/* How the types of klikitd's calls for help begin. */
#define EVENT_ALERT "klikitd.alert."

enum event_kind {
	EVENT_CREATED, /* klikit.order.created.v2 */
	EVENT_STATUS,  /* klikit.order.status.updated */
	EVENT_CART,    /* klikit.order.cart.updated */
	EVENT_UNKNOWN,
	EVENT_NKINDS
};

/*
 * The kind of an event type. A name may end in a version, ".v" and digits,
 * which does not matter here: of klikit's three names only
 * klikit.order.created.v2 has one today.
 */
enum event_kind event_kind(const char *type);

/* Is that the type of a call for help? */
bool event_is_alert(const char *type);

#endif /* HANDLERS_EVENT_KIND_H */
