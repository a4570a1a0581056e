/*
 * peer_debt.h -- what addresses have used up lately, paid off by time.
 *
 * Owns:    for thousands of addresses until when they owe, in memory of one
 *          size. An address has its place in one of PEER_DEBTS_SETS, drawn by
 *          the seed; where PEER_DEBTS_WAYS stand already, the one that owes
 *          least, and so would be paid off first, is forgotten.
 * Touches: nothing. Pure; the time is passed in.
 *
 * A use costs milliseconds, which pass: who uses less than time gives back owes
 * nothing. It concerns no other address.
 */
#ifndef SERVER_PEER_DEBT_H
#define SERVER_PEER_DEBT_H

#include <stdint.h>

#include "server/base/peer_net.h"

#define PEER_DEBTS_SETS 512
#define PEER_DEBTS_WAYS 8

/*
 * All but the seed is zero: nobody owes anything. The seed is random, so that
 * nobody can choose addresses for which another one is forgotten.
 */
struct peer_debts {
	uint64_t seed;
	struct peer_debtor {
		struct peer_net net;
		int64_t until_ms;
	} of[PEER_DEBTS_SETS][PEER_DEBTS_WAYS];
};

/* How much the address owes, in ms; 0: nothing. */
int64_t peer_debt(const struct peer_debts *debts, struct peer_net net,
    int64_t now_ms);

/*
 * It owes so much more, or, if that is negative, less. A peer_net_is_nobody()
 * never owes anything.
 */
void peer_debt_add(struct peer_debts *debts, struct peer_net net, int64_t ms,
    int64_t now_ms);

#endif /* SERVER_PEER_DEBT_H */
