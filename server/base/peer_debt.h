/*
 * peer_debt.h -- what addresses have used up lately, paid off by time.
 *
 * Owns:    for each of the PEER_DEBTS_MAX addresses that owe most, until when
 *          they owe; those that owe least are forgotten for others.
 * Touches: nothing. Pure; the time is passed in.
 *
 * A use costs milliseconds, which pass: who uses less than time gives back owes
 * nothing. It concerns no other address.
 */
#ifndef SERVER_PEER_DEBT_H
#define SERVER_PEER_DEBT_H

#include <stdint.h>

#include "server/base/peer_net.h"

#define PEER_DEBTS_MAX 256

/* All zero: nobody owes anything. */
struct peer_debts {
	struct {
		struct peer_net net;
		int64_t until_ms;
	} of[PEER_DEBTS_MAX];
};

/* How much the address owes, in ms; 0: nothing. */
int64_t peer_debt(const struct peer_debts *debts, struct peer_net net,
    int64_t now_ms);

/* It owes so much more, or, if that is negative, less. */
void peer_debt_add(struct peer_debts *debts, struct peer_net net, int64_t ms,
    int64_t now_ms);

#endif /* SERVER_PEER_DEBT_H */
