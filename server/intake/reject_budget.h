/*
 * reject_budget.h -- how many bytes of strangers' rejections are written to
 * disk.
 *
 * Owns:    what may still be written of refused deliveries, in bytes as the
 *          disk sees them; what each of the addresses that took most has taken.
 * Touches: nothing. Pure: times are passed in.
 *
 * While more than half of the allowance is left everybody may use it. Below
 * that only who has taken less than his share may: one address that floods
 * leaves the other half to all others.
 */
#ifndef SERVER_REJECT_BUDGET_H
#define SERVER_REJECT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/peer_debt.h"

/* An hour's; half as much may have been saved up. */
#define REJECT_STRANGER_BYTES ((int64_t)8 << 20)
#define REJECT_KNOWN_BYTES ((int64_t)4 << 20) /* of those that were signed */

#define REJECT_SHARE_PART 16 /* of an hour's bytes, an address's share */

/* All zero but taken.seed; other fields private to reject_budget.c. */
struct reject_budget {
	int64_t at_ms; /* when the figures held; 0: not yet */
	int64_t stranger;
	int64_t known;
	struct peer_debts taken; /* by strangers; a share is an hour */
};

/* May a stranger's delivery from there be written? now_ms only grows. */
bool reject_budget_stranger(struct reject_budget *b, struct peer_net net,
    int64_t now_ms);

/* May one that was signed and then changed? */
bool reject_budget_known(struct reject_budget *b, int64_t now_ms);

/* So many bytes of such a delivery are, or are about to be, written. */
void reject_budget_take_stranger(struct reject_budget *b, struct peer_net net,
    int64_t bytes);
void reject_budget_take_known(struct reject_budget *b, int64_t bytes);

/* Is so little left that writing should gather more at a time? */
bool reject_budget_is_short(const struct reject_budget *b);

#endif /* SERVER_REJECT_BUDGET_H */
