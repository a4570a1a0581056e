/*
 * timeval.h -- lengths of time as the loop takes them.
 *
 * Pure.
 */
#ifndef STORE_BASE_TIMEVAL_H
#define STORE_BASE_TIMEVAL_H

#include <sys/time.h>

#include <stdint.h>

/* None is below 0. */
static inline struct timeval
timeval_of_us(int64_t us)
{
	struct timeval tv = { 0, 0 };

	if (us > 0) {
		tv.tv_sec = (time_t)(us / 1000000);
		tv.tv_usec = (suseconds_t)(us % 1000000);
	}
	return (tv);
}

static inline struct timeval
timeval_of_ms(int64_t ms)
{
	return (timeval_of_us(ms * 1000));
}

#endif /* STORE_BASE_TIMEVAL_H */
