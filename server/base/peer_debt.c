#include "server/base/peer_debt.h"

#include <stddef.h>

/* The set in which an address stands, if it stands anywhere. */
static size_t
set_of(const struct peer_debts *debts, struct peer_net net)
{
	return (peer_net_hash(net, debts->seed) % PEER_DEBTS_SETS);
}

/* What the address owes, if that place is its. */
static int64_t
owed_at(const struct peer_debtor *place, struct peer_net net, int64_t now_ms)
{
	return (place->until_ms > now_ms && peer_net_equal(place->net, net)
		    ? place->until_ms - now_ms
		    : 0);
}

/* The place of an address; of one that has none the place it would get. */
static size_t
place_of(const struct peer_debtor *set, struct peer_net net, int64_t now_ms)
{
	size_t least = 0;

	for (size_t i = 0; i < PEER_DEBTS_WAYS; i++) {
		if (owed_at(&set[i], net, now_ms) > 0)
			return (i);
		if (set[i].until_ms < set[least].until_ms)
			least = i;
	}
	return (least);
}

int64_t
peer_debt(const struct peer_debts *debts, struct peer_net net, int64_t now_ms)
{
	const struct peer_debtor *set = debts->of[set_of(debts, net)];

	return (owed_at(&set[place_of(set, net, now_ms)], net, now_ms));
}

void
peer_debt_add(struct peer_debts *debts, struct peer_net net, int64_t ms,
    int64_t now_ms)
{
	struct peer_debtor *set = debts->of[set_of(debts, net)];
	struct peer_debtor *place = &set[place_of(set, net, now_ms)];
	int64_t owed = owed_at(place, net, now_ms);

	if (peer_net_is_nobody(net) || (owed == 0 && ms <= 0))
		return;
	place->net = net;
	place->until_ms = now_ms + (owed + ms > 0 ? owed + ms : 0);
}
