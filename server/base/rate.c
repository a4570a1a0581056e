#include <stdio.h>

#include "server/base/clock.h"
#include "server/base/rate.h"

bool
rate_ask(struct rate *rate, char ret_more[RATE_MORE_MAX])
{
	int64_t hour = clock_mono_us() / (1000000 * (int64_t)3600);

	if (rate->hour != hour) {
		rate->hour = hour;
		rate->lines = 0;
	}
	if (!rate_ask_every(rate, rate->lines < RATE_MANY ? 1 : 60, ret_more))
		return (false);
	rate->lines++;
	return (true);
}

bool
rate_ask_every(struct rate *rate, int64_t seconds, char ret_more[RATE_MORE_MAX])
{
	/* 0: no line yet */
	int64_t period = clock_mono_us() / (1000000 * seconds) + 1;

	if (rate->period == period) {
		rate->held++;
		return (false);
	}
	rate->period = period;
	ret_more[0] = '\0';
	if (rate->held > 0)
		(void)snprintf(ret_more, RATE_MORE_MAX,
		    " (and %u more since the last line)", rate->held);
	rate->held = 0;
	return (true);
}
