/*
 * http_share.c -- who holds how much of what all connections share.
 *
 * Each address keeps its sums by standing, so that the greediest is found by
 * reading one number per address; only its own connections are looked at after
 * that. Its connections stand in a list, the longest unheard of first.
 */
#include <assert.h>
#include <stdlib.h>

#include "server/http/http_share.h"

#define BUCKETS_MIN 64 /* a power of two */

TAILQ_HEAD(http_holder_list, http_holder);

struct http_share {
	struct http_shares *all;
	LIST_ENTRY(http_share) next;
	struct peer_net net;
	struct http_holder_list holders;
	size_t sum[HTTP_SHARE_NSTANDINGS][HTTP_SHARE_NWHATS];
};

static struct http_share_bucket *
bucket_of(const struct http_shares *shares, struct peer_net net)
{
	return (&shares->buckets[peer_net_hash(net, shares->seed) &
				 (shares->nbuckets - 1)]);
}

static struct http_share *
find(const struct http_shares *shares, struct peer_net net)
{
	struct http_share *share;

	LIST_FOREACH(share, bucket_of(shares, net), next)
	if (peer_net_equal(share->net, net))
		return (share);
	return (NULL);
}

/* Have so many buckets. Without memory for them the old ones do. */
static void
resize(struct http_shares *shares, size_t nbuckets)
{
	struct http_share_bucket *old = shares->buckets, *buckets;
	size_t nold = shares->nbuckets;
	struct http_share *share;

	if ((buckets = calloc(nbuckets, sizeof(*buckets))) == NULL)
		return;
	shares->buckets = buckets;
	shares->nbuckets = nbuckets;
	for (size_t i = 0; i < nold; i++) {
		while ((share = LIST_FIRST(&old[i])) != NULL) {
			LIST_REMOVE(share, next);
			LIST_INSERT_HEAD(bucket_of(shares, share->net), share,
			    next);
		}
	}
	free(old);
}

int
http_shares_init(struct http_shares *shares, uint64_t seed)
{
	*shares = (struct http_shares){ .seed = seed };
	resize(shares, BUCKETS_MIN);
	return (shares->buckets == NULL ? -1 : 0);
}

void
http_shares_fini(struct http_shares *shares)
{
	assert(shares->naddresses == 0);
	free(shares->buckets);
	shares->buckets = NULL;
}

static struct http_share *
share_new(struct http_shares *shares, struct peer_net net)
{
	struct http_share *share;

	if ((share = calloc(1, sizeof(*share))) == NULL)
		return (NULL);
	share->all = shares;
	share->net = net;
	TAILQ_INIT(&share->holders);
	if (shares->naddresses == shares->nbuckets)
		resize(shares, 2 * shares->nbuckets);
	LIST_INSERT_HEAD(bucket_of(shares, net), share, next);
	shares->naddresses++;
	return (share);
}

int
http_share_join(struct http_shares *shares, struct http_holder *holder,
    struct peer_net net)
{
	struct http_share *share = find(shares, net);

	if (share == NULL && (share = share_new(shares, net)) == NULL)
		return (-1);
	holder->share = share;
	holder->standing = HTTP_SHARE_STRANGER;
	holder->heard = ++shares->turn;
	TAILQ_INSERT_TAIL(&share->holders, holder, next);
	http_share_hold(shares, holder, HTTP_SHARE_CONNECTIONS, 1);
	return (0);
}

/* A holder has left it: forget the address if that was the last one. */
static void
share_fewer(struct http_shares *shares, struct http_share *share)
{
	if (!TAILQ_EMPTY(&share->holders))
		return;
	LIST_REMOVE(share, next);
	free(share);
	shares->naddresses--;
	if (shares->nbuckets > BUCKETS_MIN &&
	    shares->naddresses < shares->nbuckets / 8)
		resize(shares, shares->nbuckets / 2);
}

void
http_share_leave(struct http_shares *shares, struct http_holder *holder)
{
	struct http_share *share = holder->share;

	if (share == NULL)
		return;
	for (int what = 0; what < HTTP_SHARE_NWHATS; what++)
		http_share_hold(shares, holder, (enum http_share_what)what, 0);
	TAILQ_REMOVE(&share->holders, holder, next);
	holder->share = NULL;
	share_fewer(shares, share);
}

/* Have the only holder of a share, and so the share, be of that address. */
static void
rename_share(struct http_shares *shares, struct http_share *share,
    struct peer_net net)
{
	LIST_REMOVE(share, next);
	share->net = net;
	LIST_INSERT_HEAD(bucket_of(shares, net), share, next);
}

int
http_share_move(struct http_shares *shares, struct http_holder *holder,
    struct peer_net net)
{
	struct http_share *from = holder->share, *to;

	if (from == NULL || peer_net_equal(from->net, net))
		return (0);
	holder->heard = ++shares->turn;
	to = find(shares, net);
	if (to == NULL && TAILQ_FIRST(&from->holders) == holder &&
	    TAILQ_NEXT(holder, next) == NULL) {
		rename_share(shares, from, net);
		return (0);
	}
	if (to == NULL && (to = share_new(shares, net)) == NULL)
		return (-1);
	for (int what = 0; what < HTTP_SHARE_NWHATS; what++) {
		from->sum[holder->standing][what] -= holder->held[what];
		to->sum[holder->standing][what] += holder->held[what];
	}
	TAILQ_REMOVE(&from->holders, holder, next);
	TAILQ_INSERT_TAIL(&to->holders, holder, next);
	holder->share = to;
	share_fewer(shares, from);
	return (0);
}

void
http_share_hold(struct http_shares *shares, struct http_holder *holder,
    enum http_share_what what, size_t amount)
{
	size_t *held = &holder->held[what], *sum, *total;

	if (holder->share == NULL || *held == amount)
		return;
	sum = &holder->share->sum[holder->standing][what];
	*sum = *sum - *held + amount;
	total = &shares->total[holder->standing][what];
	*total = *total - *held + amount;
	*held = amount;
}

void
http_share_heard(struct http_shares *shares, struct http_holder *holder)
{
	if (holder->share == NULL)
		return;
	holder->spoke = true;
	holder->heard = ++shares->turn;
	if (TAILQ_NEXT(holder, next) == NULL)
		return;
	TAILQ_REMOVE(&holder->share->holders, holder, next);
	TAILQ_INSERT_TAIL(&holder->share->holders, holder, next);
}

void
http_share_stand(struct http_holder *holder, enum http_share_standing standing)
{
	struct http_share *share = holder->share;

	if (share == NULL || standing == holder->standing)
		return;
	for (int what = 0; what < HTTP_SHARE_NWHATS; what++) {
		share->sum[holder->standing][what] -= holder->held[what];
		share->sum[standing][what] += holder->held[what];
		share->all->total[holder->standing][what] -= holder->held[what];
		share->all->total[standing][what] += holder->held[what];
	}
	holder->standing = standing;
}

size_t
http_shares_total(const struct http_shares *shares, enum http_share_what what)
{
	size_t all = 0;

	for (int standing = 0; standing < HTTP_SHARE_NSTANDINGS; standing++)
		all += shares->total[standing][what];
	return (all);
}

size_t
http_shares_payable(const struct http_shares *shares, enum http_share_what what)
{
	return (shares->total[HTTP_SHARE_STRANGER][what] +
		shares->total[HTTP_SHARE_CALLER][what] +
		shares->total[HTTP_SHARE_PROVEN][what]);
}

size_t
http_share_of(const struct http_holder *holder, enum http_share_what what)
{
	size_t all = 0;

	if (holder->share == NULL)
		return (0);
	for (int standing = 0; standing < HTTP_SHARE_NSTANDINGS; standing++)
		all += holder->share->sum[standing][what];
	return (all);
}

size_t
http_shares_addresses(const struct http_shares *shares)
{
	return (shares->naddresses);
}

/* Does a pay before b, both of one address and standing? */
static bool
pays_before(const struct http_holder *a, const struct http_holder *b,
    enum http_share_what what)
{
	if (what == HTTP_SHARE_BYTES && a->held[what] != b->held[what])
		return (a->held[what] > b->held[what]);
	if (a->spoke != b->spoke)
		return (!a->spoke);
	return (a->heard < b->heard);
}

static struct http_holder *
choose_within(const struct http_share *share, enum http_share_standing standing,
    enum http_share_what what)
{
	struct http_holder *holder, *chosen = NULL;

	TAILQ_FOREACH (holder, &share->holders, next) {
		if (holder->standing != standing || holder->held[what] == 0)
			continue;
		if (chosen == NULL || pays_before(holder, chosen, what))
			chosen = holder;
		if (what != HTTP_SHARE_BYTES && !chosen->spoke)
			break; /* the longest silent one */
	}
	return (chosen);
}

/* The address with the most; of equals the one longest unheard of. */
static const struct http_share *
choose_share(const struct http_shares *shares, bool proven,
    enum http_share_what what)
{
	const struct http_share *share, *chosen = NULL;
	size_t sum, most = 0;

	for (size_t i = 0; i < shares->nbuckets; i++) {
		LIST_FOREACH(share, &shares->buckets[i], next)
		{
			sum = proven ? share->sum[HTTP_SHARE_PROVEN][what]
				     : share->sum[HTTP_SHARE_STRANGER][what] +
					   share->sum[HTTP_SHARE_CALLER][what];
			if (sum < most || sum == 0)
				continue;
			if (sum == most && chosen != NULL &&
			    TAILQ_FIRST(&chosen->holders)->heard <
				TAILQ_FIRST(&share->holders)->heard)
				continue;
			chosen = share;
			most = sum;
		}
	}
	return (chosen);
}

struct http_holder *
http_shares_greediest(const struct http_shares *shares,
    enum http_share_what what)
{
	const struct http_share *share = choose_share(shares, false, what);
	struct http_holder *chosen;

	if (share != NULL) {
		chosen = choose_within(share, HTTP_SHARE_STRANGER, what);
		return (chosen != NULL
			    ? chosen
			    : choose_within(share, HTTP_SHARE_CALLER, what));
	}
	share = choose_share(shares, true, what);
	return (share == NULL ? NULL
			      : choose_within(share, HTTP_SHARE_PROVEN, what));
}
