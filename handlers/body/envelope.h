/*
 * envelope.h -- what klikitd reads of a body before it acknowledges it.
 *
 * Pure: bytes in, record out.
 *
 * Limits, all stated so that they can be relied on:
 *   - the body must be one JSON object or array (RFC 8259), at most
 *     ENVELOPE_DEPTH_MAX levels deep. Invalid UTF-8 inside strings and lone
 *     surrogates are let through: the bytes are what klikit signed.
 *   - an object without an array `orders' has no orders; so has an array.
 *   - an element of `orders' that is no object, or has no id that is a number
 *     or a non-empty string of at most ENVELOPE_TEXT_MAX bytes, is counted in
 *     `strays' and has no record.
 *   - of keys that stand twice in one object the first counts.
 *   - numbers are given digit for digit, as they stand, of any length up to
 *     ENVELOPE_TEXT_MAX. Strings are decoded; one that cannot be decoded to
 *     clean text (lone surrogate, U+0000, invalid UTF-8) is given as it
 *     stands in the body with its quotes, bytes outside ASCII that are not
 *     valid UTF-8 replaced by '?'.
 *   - null, objects, arrays, booleans and longer values count as absent.
 */
#ifndef HANDLERS_ENVELOPE_H
#define HANDLERS_ENVELOPE_H

#include <stddef.h>

#include "store/store.h"

#define ENVELOPE_DEPTH_MAX 1000
#define ENVELOPE_ORDERS_MAX 4096
#define ENVELOPE_TEXT_MAX 255

enum envelope_rc {
	ENVELOPE_OK = 0,
	ENVELOPE_INVALID,  /* not a JSON object or array, or too deep */
	ENVELOPE_TOO_MANY, /* more than ENVELOPE_ORDERS_MAX orders */
	ENVELOPE_NOMEM
};

struct envelope {
	const char *brand;  /* brand_id; NULL if absent */
	const char *branch; /* branch_id; NULL if absent */
	struct store_order *orders;
	size_t norders;
	size_t strays; /* elements of orders without a usable id */
	void *memory;  /* what all of the above points into */
};

/*
 * Scan body. On ENVELOPE_OK fills *ret_env, to be given to envelope_fini().
 * Any other result leaves *ret_env untouched. The records keep the order of
 * the body; their places are indexes into its array, strays counted.
 */
enum envelope_rc envelope_scan(const void *body, size_t body_len,
    struct envelope *ret_env);

/* Free what envelope_scan() made. */
void envelope_fini(struct envelope *env);

#endif /* HANDLERS_ENVELOPE_H */
