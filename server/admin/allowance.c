#include "server/admin/allowance.h"

/*
 * A store is busy that commits at least once in so long, and for a while after:
 * while the loop writes an answer nothing reaches the store.
 */
#define COMMIT_US 10000
#define BUSY_US 100000

void
allowance_earn(struct allowance *al, int64_t now_us, bool behind,
    uint64_t commits)
{
	int64_t passed = now_us - al->looked_us;

	if (behind || commits - al->commits > (uint64_t)(passed / COMMIT_US))
		al->busy_us = now_us;
	if (now_us - al->busy_us < BUSY_US)
		passed /= ALLOWANCE_PARTS;
	al->left_us += passed;
	if (al->left_us > ALLOWANCE_MAX_US)
		al->left_us = ALLOWANCE_MAX_US;
	al->looked_us = now_us;
	al->commits = commits;
}

void
allowance_spend(struct allowance *al, int64_t us)
{
	al->left_us -= us;
	if (al->left_us < -ALLOWANCE_WAIT_MAX_US / ALLOWANCE_PARTS)
		al->left_us = -ALLOWANCE_WAIT_MAX_US / ALLOWANCE_PARTS;
}

bool
allowance_is_spent(const struct allowance *al)
{
	return (al->left_us < 0);
}
