/*
 * clock.h -- the two clocks, read in one place.
 *
 * The wall clock dates things and may jump; the other one only goes forward
 * and measures waits.
 */
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>

/* The wall clock since the epoch, UTC. */
int64_t clock_wall_ms(void);
int64_t clock_wall_us(void);

/* Microseconds since some fixed moment; never goes back. */
int64_t clock_mono_us(void);

#endif /* SERVER_CLOCK_H */
