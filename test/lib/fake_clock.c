#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <time.h>
#include <unistd.h>

#include "test/lib/fake_clock.h"

#define START_MONO_US INT64_C(3600000000)

/*
 * The program's clocks: there is but one of each, so this is global. Atomic,
 * since the store's threads read them: with a step of 0, too, that writes.
 */
static _Atomic int64_t wall_us = FAKE_CLOCK_START_MS * 1000;
static _Atomic int64_t mono_us = START_MONO_US;
static _Atomic int64_t boot_us = START_MONO_US;
static _Atomic int64_t step_us;
static int timer_fd = -1; /* becomes readable at jumps and sleeps */

void
fake_clock_reset(void)
{
	wall_us = FAKE_CLOCK_START_MS * 1000;
	mono_us = START_MONO_US;
	boot_us = START_MONO_US;
	step_us = 0;
	timer_fd = -1;
}

void
fake_clock_pass_ms(int64_t ms)
{
	wall_us += ms * 1000;
	mono_us += ms * 1000;
	boot_us += ms * 1000;
}

/* What the kernel does to a timer that is to be cancelled by this. */
static void
tell_timer(void)
{
	static const uint64_t one = 1;

	if (timer_fd != -1 && write(timer_fd, &one, sizeof(one)) == -1)
		timer_fd = -1;
}

void
fake_clock_sleep_ms(int64_t ms)
{
	wall_us += ms * 1000;
	boot_us += ms * 1000;
	tell_timer();
}

void
fake_clock_reboot(int64_t wall_ms)
{
	wall_us = wall_ms * 1000;
	boot_us = START_MONO_US;
}

void
fake_clock_jump_ms(int64_t ms)
{
	wall_us += ms * 1000;
	tell_timer();
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
fake_clock_boot_ms(void)
{
	return (boot_us / 1000);
}

/* In place of libc's, so that jumps are reported. */
int
timerfd_create(clockid_t id, int flags)
{
	(void)id;
	(void)flags;
	timer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return (timer_fd);
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *value,
    struct itimerspec *old)
{
	(void)fd;
	(void)flags;
	(void)value;
	(void)old;
	return (0);
}

/* In place of libc's, for us and for libevent, which reads the coarse one. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t us;

	if (id == CLOCK_MONOTONIC) {
		mono_us += step_us;
		boot_us += step_us;
	}
	us = id == CLOCK_REALTIME   ? wall_us
	     : id == CLOCK_BOOTTIME ? boot_us
				    : mono_us;
	ts->tv_sec = us / 1000000;
	ts->tv_nsec = us % 1000000 * 1000;
	return (0);
}
