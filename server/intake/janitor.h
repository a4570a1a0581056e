/*
 * janitor.h -- retention: customers' data goes when its time has come.
 *
 * Owns:    the timer of its rounds, and one request to the store at a time.
 * Touches: store.h, the log, an evtimer.
 *
 * A minute after the start, then every hour, it has the store purge what is
 * too old, in small batches with pauses between them. Old is what the steady
 * clock says, and the wall clock too; and what was dated ahead by a clock that
 * was wrong, by the steady one alone. After a start of the machine, and after
 * the clock was set, it waits for an hour: see steady_is_proven().
 */
#ifndef SERVER_JANITOR_H
#define SERVER_JANITOR_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct store;
struct steady;
struct janitor; /* opaque */

#define JANITOR_FIRST_MS 60000 /* from the start to the first round */
#define JANITOR_ROUND_MS 3600000
#define JANITOR_PROOF_MS 600000 /* until it looks at the clock again */
#define JANITOR_BATCH 100       /* events per transaction */
#define JANITOR_PAUSE_MS 50     /* between two of them */
#define JANITOR_BUSY_MS 10000   /* until it tries again what a reader blocks */

/* Keeps base, st and clock. Idle until janitor_set(). NULL: out of memory. */
struct janitor *janitor_new(struct event_base *base, struct store *st,
    const struct steady *clock);

/* How long bodies and ids are kept, from now on, since they were received. */
void janitor_set(struct janitor *j, int64_t bodies_ms, int64_t ids_ms);

/* Ask nothing more of the store. Accepts NULL. */
void janitor_stop(struct janitor *j);

/* Only when the store has finished what it was asked. Accepts NULL. */
void janitor_free(struct janitor *j);

#endif /* SERVER_JANITOR_H */
