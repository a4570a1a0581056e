#include "server/intake/failure_limit.h"

#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS) /* after which all work is forgotten */

void
failure_limit_init(struct failure_limit *fl, uint64_t seed)
{
	memset(fl, 0, sizeof(*fl));
	fl->failed.seed = seed;
}

void
failure_limit_set(struct failure_limit *fl, int64_t per_minute,
    int64_t work_per_s)
{
	fl->cost_ms = per_minute == 0 ? 0 : MINUTE_MS / per_minute;
	fl->work_max = work_per_s;
}

void
failure_limit_forget(struct failure_limit *fl)
{
	memset(fl->failed.of, 0, sizeof(fl->failed.of));
	fl->work = 0;
}

/* By how much more than its allowance it would owe; 0: it is within it. */
static int64_t
beyond_ms(const struct failure_limit *fl, struct peer_net net, int64_t now_ms)
{
	int64_t owed;

	if (fl->cost_ms == 0)
		return (0);
	owed = peer_debt(&fl->failed, net, now_ms) + fl->cost_ms;
	return (owed > MINUTE_MS ? owed - MINUTE_MS : 0);
}

bool
failure_limit_is_beyond(const struct failure_limit *fl, struct peer_net net,
    int64_t now_ms)
{
	return (beyond_ms(fl, net, now_ms) > 0);
}

/* What counts now of the work for those beyond their allowance. */
static int64_t
work_now(const struct failure_limit *fl, int64_t now_ms)
{
	int64_t passed_ms = now_ms - fl->work_ms, forgotten;

	if (passed_ms > HOUR_MS)
		return (0);
	forgotten = passed_ms * fl->work_max / 1000;
	return (fl->work > forgotten ? fl->work - forgotten : 0);
}

int64_t
failure_limit_wait(const struct failure_limit *fl, struct peer_net net,
    int64_t now_ms)
{
	int64_t wait_ms = beyond_ms(fl, net, now_ms), work, left_ms;

	if (wait_ms == 0 || (work = work_now(fl, now_ms)) < fl->work_max)
		return (0);
	if (fl->work_max > 0) {
		left_ms = (work - fl->work_max) * 1000 / fl->work_max + 1;
		if (left_ms < wait_ms)
			wait_ms = left_ms;
	}
	return ((wait_ms + 999) / 1000);
}

void
failure_limit_charge(struct failure_limit *fl, struct peer_net net,
    size_t body_len, int64_t work, int64_t now_ms)
{
	int64_t blocks = (int64_t)(body_len / FAILURE_LIMIT_BLOCK) + 1;
	int64_t owed = peer_debt(&fl->failed, net, now_ms);
	int64_t more = blocks * fl->cost_ms;

	if (fl->cost_ms == 0)
		return;
	if (beyond_ms(fl, net, now_ms) > 0) {
		fl->work = work_now(fl, now_ms) + work;
		fl->work_ms = now_ms;
	}
	if (owed + more > MINUTE_MS) /* a minute pays for everything */
		more = MINUTE_MS - owed;
	peer_debt_add(&fl->failed, net, more, now_ms);
}
