/*
 * ring.h -- private to store/: how much of what was refused is kept. Each class
 * has its own ring, in which the oldest make room.
 */
#ifndef STORE_RING_H
#define STORE_RING_H

/* Rows. */
#define REJECTIONS_STRANGER_MAX 4000
#define REJECTIONS_KNOWN_MAX 1000
#define REJECTIONS_AUTHENTIC_MAX 5000
#define REJECTIONS_BYTES_MAX (64 << 20) /* of all; authentic ones make room */

#endif /* STORE_RING_H */
