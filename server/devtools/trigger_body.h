/*
 * trigger_body.h -- deliveries as klikit makes them, for klikitd trigger.
 *
 * Pure: options in, bytes out. All names in the bodies are invented.
 */
#ifndef SERVER_TRIGGER_BODY_H
#define SERVER_TRIGGER_BODY_H

#include <stddef.h>
#include <stdint.h>

enum trigger_kind { TRIGGER_CREATED, TRIGGER_STATUS, TRIGGER_CART };

/* The x-klikit-event-type of a kind; static. */
const char *trigger_type(enum trigger_kind kind);

struct trigger_body {
	enum trigger_kind kind;
	int64_t order_id; /* of the first; each further one is one higher */
	size_t orders;    /* in the delivery; 0 is 1 */
	int64_t now_ms;   /* for the order's times */
	const char *const *overrides; /* "path=value" */
	size_t noverrides;
};

#define TRIGGER_REASON_MAX 256

/*
 * Build a body, compact JSON, owned by the caller. Overrides are
 * applied in order: a path such as orders.0.status names an element of an
 * array by its index, and a key of an object, whose last key may be new; a
 * value is taken as JSON if it is JSON, else as a string. Returns NULL, and a
 * reason, if a path does not fit or memory is short.
 */
char *trigger_body_build(const struct trigger_body *b, size_t *ret_len,
    char reason[TRIGGER_REASON_MAX]);

#endif /* SERVER_TRIGGER_BODY_H */
