/*
 * allowance.h -- how much time answers to questions may take beside acks.
 *
 * Owns:    the time that is left.
 * Touches: nothing. Pure.
 *
 * An answer costs the processor that acks need, too. So time for answers is
 * earned: all that passes while the store has nothing to do, but of the time in
 * which it is busy one part in ALLOWANCE_PARTS. What is not used is kept up to
 * ALLOWANCE_MAX_US: who asks now and then seldom waits, and who asks without a
 * pause only while the store is busy.
 */
#ifndef SERVER_ALLOWANCE_H
#define SERVER_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#define ALLOWANCE_PARTS 32
#define ALLOWANCE_MAX_US 250000

/* Nothing waits longer than this for what others have used. */
#define ALLOWANCE_WAIT_MAX_US 2000000

/* Private to allowance.c; all zero to begin with. */
struct allowance {
	int64_t left_us;
	int64_t looked_us;
	int64_t busy_us; /* when the store was last seen to be busy */
	uint64_t commits;
};

/*
 * A look at the store, at now_us of a steady clock: has it anything to write,
 * and how often has it committed so far?
 */
void allowance_earn(struct allowance *al, int64_t now_us, bool behind,
    uint64_t commits);

/* So long did an answer take. */
void allowance_spend(struct allowance *al, int64_t us);

/* Has the next question to wait? */
bool allowance_is_spent(const struct allowance *al);

#endif /* SERVER_ALLOWANCE_H */
