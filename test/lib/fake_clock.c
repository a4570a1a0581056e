#include <time.h>

#include "test/lib/fake_clock.h"

#define START_MONO_US INT64_C(3600000000)

/* The program's clocks: there is but one of each, so this is global. */
static int64_t wall_us = FAKE_CLOCK_START_MS * 1000;
static int64_t mono_us = START_MONO_US;
static int64_t step_us;

void
fake_clock_reset(void)
{
	wall_us = FAKE_CLOCK_START_MS * 1000;
	mono_us = START_MONO_US;
	step_us = 0;
}

void
fake_clock_pass_ms(int64_t ms)
{
	wall_us += ms * 1000;
	mono_us += ms * 1000;
}

void
fake_clock_jump_ms(int64_t ms)
{
	wall_us += ms * 1000;
}

void
fake_clock_step_us(int64_t us)
{
	step_us = us;
}

int64_t
fake_clock_wall_ms(void)
{
	return (wall_us / 1000);
}

int64_t
fake_clock_mono_us(void)
{
	return (mono_us);
}

/* In place of libc's, for us and for libevent, which reads the coarse one. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t us;

	if (id == CLOCK_MONOTONIC)
		mono_us += step_us;
	us = id == CLOCK_REALTIME ? wall_us : mono_us;
	ts->tv_sec = us / 1000000;
	ts->tv_nsec = us % 1000000 * 1000;
	return (0);
}
