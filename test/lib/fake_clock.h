/*
 * fake_clock.h -- time that passes only when a test says so.
 *
 * Owns: the kernel's clocks as the whole test program sees them, libevent
 *       included, which offers no other place to set them: clock_gettime(), and
 *       a timerfd that becomes readable at jumps. A timer fires in the first
 *       turn of the loop after its time has been passed over. Turn the loop
 *       with EVLOOP_ONCE | EVLOOP_NONBLOCK.
 */
#ifndef TEST_LIB_FAKE_CLOCK_H
#define TEST_LIB_FAKE_CLOCK_H

#include <stdint.h>

/* The wall clock starts here, the other one at an hour. */
#define FAKE_CLOCK_START_MS INT64_C(1750000000000)

/* Back to the start; no steps. */
void fake_clock_reset(void);

/* Let time pass on both clocks. */
void fake_clock_pass_ms(int64_t ms);

/* Set the wall clock, and only it, by so much. */
void fake_clock_jump_ms(int64_t ms);

/* The machine sleeps: CLOCK_MONOTONIC stands still. */
void fake_clock_sleep_ms(int64_t ms);

/*
 * The machine was switched off and on: its time since the start begins anew,
 * and the wall clock says what it is given. (CLOCK_MONOTONIC, which libevent
 * remembers, goes on all the same.)
 */
void fake_clock_reboot(int64_t wall_ms);

/* The steady clock of a new store. */
struct steady;
void fake_clock_start(struct steady *ret_steady);

/* From now on each look at CLOCK_MONOTONIC itself takes so long. */
void fake_clock_step_us(int64_t us);

/* The clocks, without a step. */
int64_t fake_clock_wall_ms(void);
int64_t fake_clock_boot_ms(void);

#endif /* TEST_LIB_FAKE_CLOCK_H */
