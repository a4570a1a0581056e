/*
 * order.h -- which of two versions of an order is the newer one.
 *
 * Owns: the totally ordered key of a version. Pure.
 *
 * klikit promises no order of delivery and sends no sequence number, so each
 * version of an order gets a key, and the row with the greatest key stays, in
 * whatever order they are processed. What the events say themselves weighs
 * most; where they say nothing, the version that arrived last is the newer one.
 * store/DESIGN.md has the rules in words.
 */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_DIGEST_LEN 32 /* of a body's signature */

/*
 * The parts of a key, greatest weight first, each stored big-endian so that
 * memcmp() (and SQLite's comparison of BLOBs) gives the order:
 *
 *   1 byte   the version has a time
 *   8 bytes  its time in ms, offset so that times before 1970 come first
 *   1 byte   its status is terminal
 *   4 bytes  how far on its status is: order_rank()
 *   1 byte   a status event (1) over a created or cart event (0)
 *   8 bytes  the event's row id: the order of arrival
 *   4 bytes  the place in that event's body
 */
#define ORDER_KEY_LEN (1 + 8 + 1 + 4 + 1 + 8 + 4)

struct order_version {
	const char *updated_at; /* as the body has it; NULL if absent */
	bool terminal;          /* its status ends the order */
	uint32_t rank;          /* of its status */
	bool status_event;      /* it came with a status event */
	int64_t event;          /* row id, not negative */
	uint32_t place;         /* index in the body's orders */
};

/*
 * Make the key of v. A time without a zone is UTC (parse_time_utc()); one that
 * cannot be read counts as absent. Equal times written differently count as
 * equal.
 */
void order_key(const struct order_version *v,
    unsigned char ret_key[ORDER_KEY_LEN]);

/*
 * How far on a status is, greater is further. With a list of codes, from first
 * to last: the place in it, from 1 on, and 0 for one that is not in it.
 * Without (n is 0): the number that the code is, at most UINT32_MAX, and 0 for
 * one that is no number. 0 for NULL.
 */
uint32_t order_rank(const char *status, const char *const *codes, size_t n);

/* Is it a time that can be read, but for which zone it means? NULL: no. */
bool order_time_lacks_zone(const char *updated_at);

/*
 * Before schema 5 a key ended in the body's digest instead of the row id, and
 * had no rank: make a new one from the old. Of v, terminal and status_event
 * are ignored: they stand in the old key, and so does the time if v has none.
 * An old key of any other length counts as one of all zeros.
 */
void order_key_renew(const void *old, size_t old_len,
    const struct order_version *v, unsigned char ret_key[ORDER_KEY_LEN]);

#endif /* STORE_ORDER_H */
