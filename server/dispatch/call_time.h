/*
 * call_time.h -- how long the calls of a handler took, in buckets that are the
 * same for all of them, so that they can be added up.
 *
 * Pure.
 */
#ifndef SERVER_CALL_TIME_H
#define SERVER_CALL_TIME_H

#include "server/base/histogram.h"

#define CALL_TIME_BOUNDS 15

/* In us: from a ms to a minute. */
extern const int64_t call_time_bounds_us[CALL_TIME_BOUNDS];

/* Empty. */
void call_time_init(struct histogram *h);

#endif /* SERVER_CALL_TIME_H */
