#include "server/intake/reject_budget.h"

#define HOUR_MS 3600000

/* An address's share of an hour's bytes, which it pays off in an hour. */
#define SHARE (REJECT_STRANGER_BYTES / REJECT_SHARE_PART)

/* Never more than this is left. */
#define STRANGER_MAX (REJECT_STRANGER_BYTES / 2)
#define KNOWN_MAX (REJECT_KNOWN_BYTES / 2)

static int64_t
min(int64_t a, int64_t b)
{
	return (a < b ? a : b);
}

/* What time gives back. */
static void
refill(struct reject_budget *b, int64_t now_ms)
{
	int64_t ms = min(now_ms - b->at_ms, HOUR_MS);

	if (b->at_ms == 0) {
		b->at_ms = now_ms;
		b->stranger = STRANGER_MAX;
		b->known = KNOWN_MAX;
	}
	if (ms < 1000 || b->at_ms == now_ms)
		return; /* of less than that nothing would be left */
	b->at_ms = now_ms;
	b->stranger = min(STRANGER_MAX,
	    b->stranger + REJECT_STRANGER_BYTES * ms / HOUR_MS);
	b->known = min(KNOWN_MAX, b->known + REJECT_KNOWN_BYTES * ms / HOUR_MS);
}

bool
reject_budget_is_short(const struct reject_budget *b)
{
	return (b->stranger < STRANGER_MAX / 2 || b->known < KNOWN_MAX / 2);
}

bool
reject_budget_stranger(struct reject_budget *b, struct peer_net net,
    int64_t now_ms)
{
	refill(b, now_ms);
	if (b->stranger <= 0)
		return (false);
	if (b->stranger >= STRANGER_MAX / 2)
		return (true);
	return (peer_debt(&b->taken, net, b->at_ms) < HOUR_MS);
}

bool
reject_budget_known(struct reject_budget *b, int64_t now_ms)
{
	refill(b, now_ms);
	return (b->known > 0);
}

void
reject_budget_take_stranger(struct reject_budget *b, struct peer_net net,
    int64_t bytes)
{
	b->stranger -= bytes;
	peer_debt_add(&b->taken, net, bytes * HOUR_MS / SHARE, b->at_ms);
}

void
reject_budget_take_known(struct reject_budget *b, int64_t bytes)
{
	b->known -= bytes;
}
