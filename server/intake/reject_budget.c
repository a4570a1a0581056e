#include "server/intake/reject_budget.h"

#define HOUR_MS 3600000

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
	int64_t sink = REJECT_STRANGER_BYTES / REJECT_SHARE_PART;

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
	sink = sink * ms / HOUR_MS;
	for (size_t i = 0; i < REJECT_SHARES; i++)
		b->shares[i].used -= min(sink, b->shares[i].used);
}

/* The address's place; NULL: it has none. */
static struct reject_share *
find(struct reject_budget *b, struct peer_net net)
{
	for (size_t i = 0; i < REJECT_SHARES; i++) {
		if (b->shares[i].used > 0 &&
		    peer_net_equal(b->shares[i].net, net))
			return (&b->shares[i]);
	}
	return (NULL);
}

/* The share of the address that took least, which loses least by this. */
static struct reject_share *
least(struct reject_budget *b)
{
	struct reject_share *s = &b->shares[0];

	for (size_t i = 1; i < REJECT_SHARES; i++) {
		if (b->shares[i].used < s->used)
			s = &b->shares[i];
	}
	return (s);
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
	const struct reject_share *s;

	refill(b, now_ms);
	if (b->stranger <= 0)
		return (false);
	if (b->stranger >= STRANGER_MAX / 2)
		return (true);
	s = find(b, net);
	return (
	    s == NULL || s->used < REJECT_STRANGER_BYTES / REJECT_SHARE_PART);
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
	struct reject_share *s = find(b, net);

	b->stranger -= bytes;
	if (s == NULL) {
		if (bytes <= 0)
			return;
		s = least(b);
		s->net = net;
		s->used = 0;
	}
	s->used += bytes;
	if (s->used < 0)
		s->used = 0;
}

void
reject_budget_take_known(struct reject_budget *b, int64_t bytes)
{
	b->known -= bytes;
}
