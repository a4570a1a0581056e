#include "handlers/net/net_clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int64_t
net_clock_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000);
}

int64_t
net_clock_ms(void)
{
	return (net_clock_us() / 1000);
}

const char *
net_clock_text(int64_t ms, char ret_text[NET_CLOCK_TEXT_MAX])
{
	if (ms % 1000 == 0)
		(void)snprintf(ret_text, NET_CLOCK_TEXT_MAX, "%" PRId64 "s",
		    ms / 1000);
	else if (ms >= 1000)
		(void)snprintf(ret_text, NET_CLOCK_TEXT_MAX,
		    "%" PRId64 ".%" PRId64 "s", ms / 1000, ms % 1000 / 100);
	else
		(void)snprintf(ret_text, NET_CLOCK_TEXT_MAX, "%" PRId64 "ms",
		    ms);
	return (ret_text);
}
