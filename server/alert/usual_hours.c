#include "server/alert/usual_hours.h"

#include <stdbool.h>

#define HOUR_MS INT64_C(3600000)
#define WEEKS 8 /* bits */
#define LOOK_WEEKS 4
#define USUAL_WEEKS 3

static unsigned
bit_of(int64_t week)
{
	return (1U << (unsigned)(week % WEEKS));
}

/* Make room for a newer week: what was there is too old. */
static void
advance(struct usual_hours *u, int64_t week)
{
	if (u->newest == 0 || week - u->newest > WEEKS)
		u->newest = week - WEEKS;
	while (u->newest < week) {
		u->newest++;
		for (unsigned i = 0; i < USUAL_HOURS_WEEK; i++)
			u->weeks[i] &= (uint8_t)~bit_of(u->newest);
	}
}

void
usual_hours_note(struct usual_hours *u, int64_t at_ms)
{
	int64_t hour = at_ms / HOUR_MS, week = hour / USUAL_HOURS_WEEK;

	if (week < WEEKS)
		return; /* no clock that was set */
	if (week > u->newest)
		advance(u, week);
	if (week > u->newest - WEEKS)
		u->weeks[hour % USUAL_HOURS_WEEK] |= (uint8_t)bit_of(week);
}

/* Is that hour since the epoch a usual one, by the weeks before it? */
static bool
is_usual(const struct usual_hours *u, int64_t hour)
{
	int64_t week = hour / USUAL_HOURS_WEEK;
	unsigned n = 0;

	for (int64_t w = week - LOOK_WEEKS; w < week; w++) {
		if (w <= u->newest && w > u->newest - WEEKS &&
		    (u->weeks[hour % USUAL_HOURS_WEEK] & bit_of(w)) != 0)
			n++;
	}
	return (n >= USUAL_WEEKS);
}

unsigned
usual_hours_missed(const struct usual_hours *u, int64_t last_ms, int64_t now_ms)
{
	int64_t hour = last_ms / HOUR_MS + 1, end = now_ms / HOUR_MS;
	unsigned n = 0;

	if (hour < end - USUAL_HOURS_WEEK)
		hour = end - USUAL_HOURS_WEEK;
	for (; hour < end; hour++)
		n += is_usual(u, hour);
	return (n);
}
