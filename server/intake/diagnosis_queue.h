/*
 * diagnosis_queue.h -- refused deliveries, on their way through the signature
 * doctor to the rejections.
 *
 * Owns:    a bounded queue of copies of refused deliveries, and the timer that
 *          examines them in small slices, long after each was answered; the
 *          log's line on each.
 * Touches: rejections.h, diagnosis.h, an evtimer, the log. No store.
 *
 * Strangers cannot make it work more than a small share of the time, nor hold
 * more than a few MiB: what finds no room is passed on at once, with a
 * finding that says that it was not examined.
 */
#ifndef SERVER_DIAGNOSIS_QUEUE_H
#define SERVER_DIAGNOSIS_QUEUE_H

#include "server/diagnosis/diagnosis.h"

struct event_base;
struct diagnosis_queue; /* opaque */
struct rejections;

/* Refusals that are examined or wait for it, and their bytes in all. */
#define DIAGNOSIS_QUEUE_MAX 32
#define DIAGNOSIS_QUEUE_BYTES_MAX ((size_t)4 << 20)

/*
 * Work per slice, which is for one refusal, and how long the loop is left
 * alone after each: at most 10 MiB/s, or a few hundredths of a core, and 40
 * refusals a second, for which rejections_add() keeps room.
 */
#define DIAGNOSIS_SLICE_WORK ((size_t)256 * 1024)
#define DIAGNOSIS_SLICE_PAUSE_MS 25

/*
 * Keeps base, rej and keys (NULL: nothing is examined until
 * diagnosis_queue_set_keys()). NULL when out of memory.
 */
struct diagnosis_queue *diagnosis_queue_new(struct event_base *base,
    struct rejections *rej, const struct diagnosis_keys *keys);

/* Take other keys from now on; keeps them, lets go of the old ones. */
void diagnosis_queue_set_keys(struct diagnosis_queue *q,
    const struct diagnosis_keys *keys);

/* A delivery that was refused. */
struct refusal {
	struct diagnosis_input in;
	const char *peer;
	const char *event_id; /* NULL if it has none */
	const unsigned char
	    *digest; /* the MAC of an authentic one; else NULL */
};

/*
 * Have it examined, and then given to rejections_add() and the log. Copies it.
 * A signed delivery is always passed on with its whole body, but for one that
 * was just refused in the same way (rejections_again()). When there is no room
 * the address with most of it gives back some, unless this one's has as much.
 */
void diagnosis_queue_add(struct diagnosis_queue *q, const struct refusal *r);

/* Refusals that are not passed on yet. */
size_t diagnosis_queue_waiting(const struct diagnosis_queue *q);

/* What was done since the start. */
struct diagnosis_queue_stats {
	uint64_t examined;
	uint64_t skipped;
	uint64_t slices;
};
void diagnosis_queue_stats(const struct diagnosis_queue *q,
    struct diagnosis_queue_stats *ret_stats);

/* Pass on all that waits, as it is: at the end. */
void diagnosis_queue_flush(struct diagnosis_queue *q);

/* Drops what waits. Accepts NULL. */
void diagnosis_queue_free(struct diagnosis_queue *q);

#endif /* SERVER_DIAGNOSIS_QUEUE_H */
