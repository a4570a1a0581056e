/*
 * header_sets.h -- what is kept of the header fields of an accepted delivery.
 *
 * Owns:    the sets that came lately, and which names differ in each delivery.
 * Touches: nothing; the time is passed in.
 *
 * Most deliveries say the same, but for a few fields. So what they have in
 * common is a set, which the store keeps once, and what differs in each is its
 * own. Fields that the event has in its row (its id, its type, its signature,
 * its length) are left out. Names of what differs are known (traces, ids of
 * requests, dates), or learned: a field whose value is another one again and
 * again. Values are redacted as those of rejections are (redact.h).
 *
 * A delivery like one that came lately costs one comparison of its fields. Of
 * sets that did not, HEADER_SETS_AN_HOUR at most are taken: whoever sends other
 * fields with each delivery does not make the store grow.
 */
#ifndef SERVER_HEADER_SETS_H
#define SERVER_HEADER_SETS_H

#include <stddef.h>
#include <stdint.h>

struct header_sets; /* opaque */
struct http_field;

#define HEADER_SETS_AN_HOUR 100
#define HEADER_SETS_OWN_MAX 512

/* Of one delivery. */
struct kept_headers {
	int64_t set; /* 0: none is kept */
	char *text;  /* what it says; borrowed until the next call */
	char own[HEADER_SETS_OWN_MAX]; /* "": nothing */
};

/* NULL when out of memory. */
struct header_sets *header_sets_new(void);

/* Accepts NULL. */
void header_sets_free(struct header_sets *hs);

/*
 * What is to be kept of these fields; nothing of them without memory. hs may be
 * NULL: nothing at all.
 */
void header_sets_take(struct header_sets *hs, const struct http_field *fields,
    size_t n, int64_t now_us, struct kept_headers *ret_kept);

#endif /* SERVER_HEADER_SETS_H */
