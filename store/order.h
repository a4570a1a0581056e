/*
 * order.h -- which of two versions of an order is the newer one.
 *
 * Owns: the totally ordered key of a version. Pure.
 *
 * klikit promises no order of delivery and sends no sequence number (see
 * klikit.md section 3), so each version of an order gets a key made only of
 * what the delivery itself says, and the row with the greatest key stays.
 * Whatever the order of arrival, the same rows remain.
 */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The parts of a key, greatest weight first, each stored big-endian so that
 * memcmp() (and SQLite's comparison of BLOBs) gives the order:
 *
 *   1 byte   the version has a time
 *   8 bytes  its time in ms, offset so that times before 1970 come first
 *   1 byte   its status is terminal
 *   1 byte   a status event (1) over a created or cart event (0)
 *  32 bytes  the body's digest: an arbitrary but fixed choice between equals
 *   4 bytes  the place in that body
 */
#define ORDER_DIGEST_LEN 32
#define ORDER_KEY_LEN (1 + 8 + 1 + 1 + ORDER_DIGEST_LEN + 4)

struct order_version {
	const char *updated_at;      /* as the body has it; NULL if absent */
	bool terminal;               /* its status ends the order */
	bool status_event;           /* it came with a status event */
	const unsigned char *digest; /* ORDER_DIGEST_LEN bytes */
	uint32_t place;              /* index in the body's orders */
};

/*
 * Make the key of v. A time that cannot be read (parse_time()) counts as
 * absent. Equal times written differently give equal keys.
 */
void order_key(const struct order_version *v,
    unsigned char ret_key[ORDER_KEY_LEN]);

#endif /* STORE_ORDER_H */
