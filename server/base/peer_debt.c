#include "server/base/peer_debt.h"

#include <stddef.h>

/* The place of an address; of one that has none the place it would get. */
static size_t
place_of(const struct peer_debts *debts, struct peer_net net, int64_t now_ms)
{
	size_t least = 0;

	for (size_t i = 0; i < PEER_DEBTS_MAX; i++) {
		if (debts->of[i].until_ms > now_ms &&
		    peer_net_equal(debts->of[i].net, net))
			return (i);
		if (debts->of[i].until_ms < debts->of[least].until_ms)
			least = i;
	}
	return (least);
}

/* What the address owes, whose place that is. */
static int64_t
owed_at(const struct peer_debts *debts, size_t i, struct peer_net net,
    int64_t now_ms)
{
	return (debts->of[i].until_ms > now_ms &&
			peer_net_equal(debts->of[i].net, net)
		    ? debts->of[i].until_ms - now_ms
		    : 0);
}

int64_t
peer_debt(const struct peer_debts *debts, struct peer_net net, int64_t now_ms)
{
	return (owed_at(debts, place_of(debts, net, now_ms), net, now_ms));
}

void
peer_debt_add(struct peer_debts *debts, struct peer_net net, int64_t ms,
    int64_t now_ms)
{
	size_t i = place_of(debts, net, now_ms);
	int64_t owed = owed_at(debts, i, net, now_ms);

	if (owed == 0 && ms <= 0)
		return;
	debts->of[i].net = net;
	debts->of[i].until_ms = now_ms + (owed + ms > 0 ? owed + ms : 0);
}
