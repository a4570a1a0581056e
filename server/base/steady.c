#include "server/base/steady.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "store/store.h"

/* 2025-01-01: a clock before that was not set since the battery died. */
#define CLOCK_SET_MS INT64_C(1735689600000)

/* -- The start -- */

static bool
same_boot(const struct store_clock *kept, const struct steady_reading *now)
{
	return (kept->boot[0] != '\0' && strcmp(kept->boot, now->boot) == 0 &&
		kept->boot_ms <= now->boot_ms);
}

/* How much time has passed since that was kept, as far as it is known. */
static int64_t
gap_ms(const struct store_clock *kept, const struct steady_reading *now)
{
	int64_t ms = wall_since(now->wall, kept->wall);

	if (same_boot(kept, now))
		return (now->boot_ms - kept->boot_ms);
	return (ms >= 0 && ms <= STEADY_GAP_MAX_MS ? ms : 0);
}

/* Set doubt by how far the wall clock is from what it should be. */
static void
steady_judge(struct steady *s, const struct steady_reading *now)
{
	struct steady_time steady = steady_at(s, now->boot_ms);
	int64_t should_ms = steady.ms + s->trust_ms;
	int64_t off_ms = now->wall.ms - should_ms;
	bool set = now->wall.ms >= CLOCK_SET_MS;
	bool lasts = steady_since(steady, s->in_step) >= STEADY_DOUBT_MS;

	if (llabs(off_ms) <= STEADY_JUMP_MS || should_ms < CLOCK_SET_MS ||
	    (set && lasts)) {
		s->trust_ms = now->wall.ms - steady.ms;
		off_ms = 0;
	}
	s->doubt = !set         ? STEADY_NOT_SET
		   : off_ms > 0 ? STEADY_AHEAD
		   : off_ms < 0 ? STEADY_BEHIND
				: STEADY_FINE;
}

/* Go on from the kept readings: the wall clock may be in step with them. */
static void
steady_resume(struct steady *s, const struct store_clock *kept,
    const struct steady_reading *now)
{
	struct steady_time steady = steady_at(s, now->boot_ms);
	int64_t moved_ms = wall_since(now->wall, kept->wall) -
			   steady_since(steady, kept->steady);

	s->foreign = kept->boot[0] == '\0';
	s->trust_ms = kept->believed.ms - kept->steady.ms;
	if (llabs(moved_ms) > STEADY_STEP_MS)
		return;
	s->in_step = kept->in_step;
	if (same_boot(kept, now))
		s->proof_ms -= STEADY_PROOF_MS; /* there was no gap */
}

void
steady_start(struct steady *s, const struct store_clock *kept,
    const struct steady_reading *now)
{
	struct steady_time at = { now->wall.ms };

	if (kept->shared)
		at = kept->steady;
	else if (kept->steady.ms != 0)
		at = steady_add(kept->steady, gap_ms(kept, now));

	/* Events come more often than this is kept, and it never goes back. */
	if (steady_before(at, kept->newest_came))
		at = kept->newest_came;
	*s = (struct steady){
		.base_ms = at.ms - now->boot_ms,
		.offset_ms = now->wall.ms - now->boot_ms,
		.proof_ms = now->boot_ms,
		.in_step = at,
	};
	if (!kept->shared && kept->steady.ms != 0)
		steady_resume(s, kept, now);
	steady_judge(s, now);
}

/* -- While it runs -- */

int64_t
steady_look(struct steady *s, const struct steady_reading *now)
{
	int64_t offset_ms = now->wall.ms - now->boot_ms;
	int64_t step_ms = offset_ms - s->offset_ms;

	s->offset_ms = offset_ms;
	if (llabs(step_ms) > STEADY_STEP_MS) {
		s->proof_ms = now->boot_ms;
		s->in_step = steady_at(s, now->boot_ms);
	} else
		step_ms = 0;
	steady_judge(s, now);
	return (step_ms);
}

struct steady_time
steady_at(const struct steady *s, int64_t boot_ms)
{
	return ((struct steady_time){ s->base_ms + boot_ms });
}

struct steady_time
steady_now(const struct steady *s)
{
	return (steady_at(s, clock_boot_ms()));
}

struct wall_time
steady_wall(const struct steady *s, struct wall_time wall,
    struct steady_time now)
{
	struct wall_time should = { now.ms + s->trust_ms };

	if (wall.ms >= CLOCK_SET_MS && wall_before(wall, should))
		return (wall);
	return (should);
}

bool
steady_is_proven(const struct steady *s, int64_t boot_ms)
{
	return (boot_ms - s->proof_ms >= STEADY_PROOF_MS);
}

void
steady_keep(const struct steady *s, const struct steady_reading *now,
    struct store_clock *ret_kept)
{
	*ret_kept = (struct store_clock){
		.steady = steady_at(s, now->boot_ms),
		.wall = now->wall,
		.in_step = s->in_step,
		.boot_ms = now->boot_ms,
	};
	ret_kept->believed.ms = ret_kept->steady.ms + s->trust_ms;
	(void)snprintf(ret_kept->boot, sizeof(ret_kept->boot), "%s", now->boot);
}

/* -- In words -- */

const char *
steady_doubt_name(enum steady_doubt doubt)
{
	switch (doubt) {
	case STEADY_FINE:
		return ("ok");
	case STEADY_NOT_SET:
		return ("not set");
	case STEADY_BEHIND:
		return ("behind");
	case STEADY_AHEAD:
		break;
	}
	return ("ahead");
}

const char *
steady_doubt_text(enum steady_doubt doubt)
{
	switch (doubt) {
	case STEADY_FINE:
		return ("the clock goes on from where it was");
	case STEADY_NOT_SET:
		return ("the clock is not set: set it, by NTP best");
	case STEADY_BEHIND:
		return ("the clock is a day or more behind the time that it "
			"had reached: set it, by NTP best; if it is right now "
			"it is believed after a week");
	case STEADY_AHEAD:
		break;
	}
	return ("the clock has jumped ahead by more than a day: set it, by NTP "
		"best; if it is right it is believed after a week");
}
