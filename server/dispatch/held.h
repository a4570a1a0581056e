/*
 * held.h -- events between their commit and the moment their jobs may run.
 *
 * Owns: a reference to each event, and copies of its jobs, as they became
 *       runnable with its commit.
 *
 * An event waits here for its answer to leave; when it has, the event stays
 * until it is taken, to be logged and to have its jobs queued.
 */
#ifndef SERVER_HELD_H
#define SERVER_HELD_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct held_event {
	TAILQ_ENTRY(held_event) link;
	struct store_event *ev; /* a reference */
	bool offered; /* the store offered jobs of it, which were left there */
	size_t njobs;
	struct store_job jobs[];
};
TAILQ_HEAD(held_list, held_event);

/* All private. */
struct held {
	struct held_list waiting; /* for their answer to leave */
	struct held_list answered;
};

void held_init(struct held *h);

/* Let all of them go. */
void held_fini(struct held *h);

/*
 * Hold an event with these jobs, all of this event: refs ev, copies jobs.
 * Returns 0, or -1 when out of memory.
 */
int held_add(struct held *h, struct store_event *ev,
    const struct store_job *jobs, size_t njobs);

/* Its answer has left. Returns 0, or -1: it is not held. */
int held_answer(struct held *h, int64_t event);

/*
 * Is it held? Then a job of it that the store offers is to be left there; the
 * event notes that, and the store is to be asked again after it was taken.
 */
bool held_defers(struct held *h, int64_t event);

/* Is one answered, and not taken yet? */
bool held_has_answered(const struct held *h);

/* Take the one that was answered first; NULL: there is none. */
struct held_event *held_take(struct held *h);

void held_event_free(struct held_event *held);

#endif /* SERVER_HELD_H */
