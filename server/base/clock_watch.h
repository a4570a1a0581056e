/*
 * clock_watch.h -- sees the clocks being set, and the machine's sleep.
 *
 * Owns:    the steady clock, the name of this run of the machine, what the
 *          store keeps of them, two events.
 * Touches: store.h, the log, /proc/sys/kernel/random/boot_id, a timerfd.
 *
 * libevent's timers stand still in suspend, and the kernel says nothing when
 * the clock is set, but to a timerfd that asks for it. So there is one; and a
 * look every minute beside it, for machines on which it keeps silent.
 */
#ifndef SERVER_CLOCK_WATCH_H
#define SERVER_CLOCK_WATCH_H

#include "server/base/steady.h"
#include "store/store.h"

struct clock_watch; /* opaque */
struct event_base;
struct store;
struct store_clock;

#define CLOCK_WATCH_LOOK_MS 60000
#define CLOCK_WATCH_KEEP_MS INT64_C(3600000)

/*
 * Keeps base and st; asks the store for nothing. NULL when out of memory. Until
 * clock_watch_take_up() its steady clock is one of a store without any past.
 */
struct clock_watch *clock_watch_new(struct event_base *base, struct store *st);

/*
 * Once, before anything goes by it: take up the steady clock where the store
 * has left it.
 */
void clock_watch_take_up(struct clock_watch *w, const struct store_clock *kept);

/*
 * Call moved from the loop after the machine has slept, so that what came due
 * meanwhile is looked at: timers that were armed before do not know of it.
 */
void clock_watch_on_move(struct clock_watch *w, void (*moved)(void *arg),
    void *arg);

/* The steady clock; lives as long as w. */
const struct steady *clock_watch_steady(const struct clock_watch *w);

/* What to decide by that dates: steady_wall() of now. */
struct wall_time clock_watch_wall(const struct clock_watch *w);

/* How often the wall clock was set since the start. */
uint64_t clock_watch_steps(const struct clock_watch *w);

/* Have the store keep where the clocks are now: at the end. Accepts NULL. */
void clock_watch_keep(struct clock_watch *w);

/* Only when the store has finished what it was asked. Accepts NULL. */
void clock_watch_free(struct clock_watch *w);

/*
 * The steady clock of a store that no server has, for a verb; keeps nothing.
 * Waits for the store. Returns STORE_OK; else why it cannot be read, with a
 * reason.
 */
enum store_rc clock_watch_read(struct store *st, struct steady *ret_steady,
    char reason[STORE_REASON_MAX]);

/*
 * What a server that has kept these readings would keep now; of a shared clock,
 * if it went on by its own. For a store that moves: struct store_move renew.
 */
void clock_watch_renew(const struct store_clock *kept,
    struct store_clock *ret_now);

#endif /* SERVER_CLOCK_WATCH_H */
