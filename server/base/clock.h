/*
 * clock.h -- the kernel's clocks, read in one place.
 *
 * store/base/times.h says which clock is for what; steady.h makes the
 * steady one of these.
 */
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>

#include "store/base/times.h"

/* The wall clock: it dates things, and may jump. */
struct wall_time clock_wall(void);
int64_t clock_wall_ms(void); /* the same, where no other clock is near */

/* Microseconds since some fixed moment; stands still in suspend. */
int64_t clock_mono_us(void);

/* The time since the machine was started; goes on in suspend. */
int64_t clock_boot_ms(void);

#endif /* SERVER_CLOCK_H */
