/*
 * order_ask.h -- the status of an order is to be sent to klikit: the event
 * that asks for it (handlers/body/status_ask.h).
 *
 * Touches: ingest.h; random bytes for its id.
 */
#ifndef SERVER_ORDER_ASK_H
#define SERVER_ORDER_ASK_H

#include <jansson.h>

#include "server/intake/ingest.h"

/* All borrowed for the call. */
struct order_ask {
	const struct store_order *order; /* as its newest event has it */
	const char *scope;
	const char *brand;  /* NULL: not known */
	const char *branch; /* likewise */
	const char *word;   /* of its status */
	const char *by;     /* NULL: not said */
	/*
	 * Asked for again under the same key it is the same, and not done
	 * twice; NULL: each time is another.
	 */
	const char *key;
	const json_t *said; /* of status_ask_fields what is in this object */
};

#define ORDER_ASK_ID_MAX 64

/* Is there a handler for it? */
bool order_ask_is_for_some(const struct ingest *in,
    const struct order_ask *ask);

/*
 * Queue it, as ingest_own() does: with its outcomes, and the event's id.
 */
int order_ask_submit(struct ingest *in, const struct order_ask *ask,
    int64_t at_ms, ingest_done_fn *done, void *arg,
    char ret_event_id[ORDER_ASK_ID_MAX]);

#endif /* SERVER_ORDER_ASK_H */
