/*
 * reconcile_compare.h -- is an order of klikit's list missing here, or newer?
 *
 * Pure, but for SHA-256. Versions are compared as the tables of orders compare
 * them (store/order.h), so that what is fed is what these would take.
 */
#ifndef SERVER_RECONCILE_COMPARE_H
#define SERVER_RECONCILE_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/intake/subscription.h"
#include "server/reconcile/reconcile_page.h"
#include "store/order.h"
#include "store/store.h"

/* What the store knows of an order: all zero, nothing. */
struct reconcile_known {
	bool created; /* its created event is there */
	bool changed; /* another event that carries a version of it */
	bool ended;   /* the newest version ends it */
	unsigned char key[ORDER_KEY_LEN]; /* of the newest version */
};

/*
 * Take note of an event that carries the order. What carries no more than a
 * cart does not count. order is its record; NULL: it is not known.
 */
void reconcile_know(struct reconcile_known *known,
    const struct status_codes *codes, const char *type,
    const struct store_order *order);

enum reconcile_verdict {
	RECONCILE_SAME,  /* the store has it, or has a newer one */
	RECONCILE_YOUNG, /* it is not there, but may be under way */
	RECONCILE_UNKNOWN,
	RECONCILE_NEWER
};

/*
 * What is to be done about an order of the list, which is young if it changed
 * after young_ms. One of which only later events are here is unknown as long
 * as it has not ended: those whom only the created one reaches never heard of
 * it.
 */
enum reconcile_verdict reconcile_judge(const struct reconcile_known *known,
    const struct status_codes *codes, const struct reconcile_item *item,
    int64_t young_ms);

/*
 * The id of its event, made of the order and its version, so that it is the
 * same whoever feeds it, and however often.
 */
#define RECONCILE_EVENT "reconcile-"
#define RECONCILE_EVENT_SIZE 256
void reconcile_event_id(const struct store_order *order,
    char ret_id[RECONCILE_EVENT_SIZE]);

#endif /* SERVER_RECONCILE_COMPARE_H */
