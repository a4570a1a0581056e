/*
 * Jobs are due by a clock that only passes. The wall clock dates what people
 * see; it may be put right by a day, or by decades on a box whose battery is
 * flat, and then neither must a wait of 5 s last a day nor must one of 6 h be
 * over. Due times in the store are of this clock; after a restart they are
 * read by the wall clock of then, or by the newest event if that is later.
 */
#include "server/clock.h"
#include "server/dispatch_private.h"

int64_t
dispatch_now_ms(const struct dispatch *d)
{
	return (d->clock_ms + clock_mono_us() / 1000);
}

void
dispatch_set_newest(struct dispatch *d, int64_t received_at_ms)
{
	if (received_at_ms > dispatch_now_ms(d))
		d->clock_ms = received_at_ms - clock_mono_us() / 1000;
}

int64_t
dispatch_time_ms(const struct dispatch *d, int64_t wall_ms)
{
	return (wall_ms + dispatch_now_ms(d) - d->env->now_ms(d->env->arg));
}
