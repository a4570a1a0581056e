/*
 * ring.h -- private to store/: how much of what was refused is kept. Each class
 * has its own ring, in which the oldest make room. Pure.
 */
#ifndef STORE_RING_H
#define STORE_RING_H

#include <stdbool.h>
#include <stddef.h>

/* Rows. */
#define REJECTIONS_STRANGER_MAX 4000
#define REJECTIONS_KNOWN_MAX 1000
#define REJECTIONS_AUTHENTIC_MAX 5000
#define REJECTIONS_BYTES_MAX (64 << 20) /* of all; authentic ones make room */

/* What a purge of one order looks at in one transaction: acks wait for it. */
#define RING_SCAN_ROWS 256
#define RING_SCAN_BYTES (1 << 20) /* of bodies; the last may go beyond */

/* What is kept of one. Texts need no NUL; NULL: there is none. */
struct ring_row {
	const char *body;
	size_t body_len;
	size_t size; /* of the whole body */
	const char *headers;
	size_t headers_len;
	const char *diagnosis;
	size_t diagnosis_len;
};

/* May it hold that order's data? In doubt it may. */
bool ring_may_hold(const struct ring_row *row, const char *order_id);

#endif /* STORE_RING_H */
