#include <time.h>

#include "server/base/clock.h"

static int64_t
clock_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these */
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

int64_t
clock_wall_ms(void)
{
	return (clock_us(CLOCK_REALTIME) / 1000);
}

struct wall_time
clock_wall(void)
{
	return ((struct wall_time){ clock_wall_ms() });
}

int64_t
clock_mono_us(void)
{
	return (clock_us(CLOCK_MONOTONIC));
}

int64_t
clock_boot_ms(void)
{
	return (clock_us(CLOCK_BOOTTIME) / 1000);
}
