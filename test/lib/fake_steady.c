/*
 * fake_steady.c -- the one of fake_clock.h that needs a room of the server.
 */
#include "server/base/steady.h"
#include "store/store.h"
#include "test/lib/fake_clock.h"

void
fake_clock_start(struct steady *ret_steady)
{
	static const struct store_clock never;
	const struct steady_reading now = {
		.wall.ms = fake_clock_wall_ms(),
		.boot_ms = fake_clock_boot_ms(),
		.boot = "",
	};

	steady_start(ret_steady, &never, &now);
}
