#include <stdio.h>

#include "server/clock.h"
#include "server/rate.h"

bool
rate_ask(struct rate *rate, char ret_more[RATE_MORE_MAX])
{
	int64_t second = clock_mono_us() / 1000000 + 1; /* 0: no line yet */

	if (rate->second == second) {
		rate->held++;
		return (false);
	}
	rate->second = second;
	ret_more[0] = '\0';
	if (rate->held > 0)
		(void)snprintf(ret_more, RATE_MORE_MAX,
		    " (and %u more since the last line)", rate->held);
	rate->held = 0;
	return (true);
}
