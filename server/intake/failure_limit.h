/*
 * failure_limit.h -- how many deliveries of an address may fail verification.
 *
 * Owns:    what each address has used up of its allowance; how much was
 *          verified lately for addresses beyond it.
 * Touches: nothing. Pure; the time is passed in.
 *
 * Only what has failed is charged: a good delivery costs its address nothing.
 * An address beyond its allowance is not shut out at once, since klikit may
 * come from it too, through the same tunnel as a stranger: what it sends is
 * still verified, as far as all such addresses together do not cost too much.
 * Only beyond that is it turned away unseen. The allowance comes back by time,
 * all of it within a minute.
 */
#ifndef SERVER_FAILURE_LIMIT_H
#define SERVER_FAILURE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/peer_debt.h"

/* A failed delivery counts once for each so much of its body. */
#define FAILURE_LIMIT_BLOCK ((size_t)16 * 1024)

/* Plain data, all zero: no limit. Fields private to failure_limit.c. */
struct failure_limit {
	int64_t cost_ms;  /* of one failure, of a minute; 0: no limit */
	int64_t work_max; /* bytes a second, for all beyond their allowance */
	int64_t work;     /* bytes, of which work_max are forgotten a second */
	int64_t work_ms;  /* when that was so */
	struct peer_debts failed;
};

/* Before its first use; seed: random. */
void failure_limit_init(struct failure_limit *fl, uint64_t seed);

/*
 * An address may fail so often a minute (0: as often as it likes); beyond that
 * so many bytes a second are verified, for all such addresses together.
 */
void failure_limit_set(struct failure_limit *fl, int64_t per_minute,
    int64_t work_per_s);

/* Nobody has failed yet: as when the secrets are new. */
void failure_limit_forget(struct failure_limit *fl);

/*
 * Is a delivery from there to be verified? Returns 0, or after how many
 * seconds it may come again.
 */
int64_t failure_limit_wait(const struct failure_limit *fl, struct peer_net net,
    int64_t now_ms);

/* Has it failed so often that the next failure is beyond its allowance? */
bool failure_limit_is_beyond(const struct failure_limit *fl,
    struct peer_net net, int64_t now_ms);

/*
 * A delivery from there, with a body of so many bytes, has failed, after so
 * many bytes of work.
 */
void failure_limit_charge(struct failure_limit *fl, struct peer_net net,
    size_t body_len, int64_t work, int64_t now_ms);

#endif /* SERVER_FAILURE_LIMIT_H */
