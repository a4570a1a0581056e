#include "server/janitor_clock.h"

void
janitor_clock_init(struct janitor_clock *c, int64_t wall_ms, int64_t mono_ms)
{
	c->offset_ms = wall_ms - mono_ms;
	c->doubt_ms = -1;
}

enum janitor_clock_rc
janitor_clock_look(struct janitor_clock *c, int64_t wall_ms, int64_t mono_ms,
    int64_t newest_ms)
{
	int64_t jump_ms = wall_ms - mono_ms - c->offset_ms;
	int64_t expected_ms = wall_ms - jump_ms;

	if (wall_ms < newest_ms) {
		/* Whatever it jumps to from here is better. */
		janitor_clock_init(c, wall_ms, mono_ms);
		return (JANITOR_CLOCK_BEHIND);
	}
	if (jump_ms <= JANITOR_JUMP_MS && jump_ms >= -JANITOR_JUMP_MS)
		goto believe;
	if (expected_ms < newest_ms)
		goto believe;
	if (c->doubt_ms == -1)
		c->doubt_ms = mono_ms;
	if (mono_ms - c->doubt_ms < JANITOR_DOUBT_MS)
		return (JANITOR_CLOCK_JUMPED);
believe:
	janitor_clock_init(c, wall_ms, mono_ms);
	return (JANITOR_CLOCK_OK);
}
