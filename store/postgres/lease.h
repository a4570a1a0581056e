/*
 * lease.h -- private to store/postgres/: what a receiver does so that the
 * others know that it lives, and with what they leave or change.
 *
 * Owns:    what was seen of the others so far.
 * Threads: the writer's alone. now_ms is pg_now_ms().
 *
 * The fence is schema/006_lease.sql's: each transaction begins with lease_beat,
 * which raises KL001 for a receiver that is dead or that has lost count. Then
 * backend.c closes the connection and is another receiver from there on.
 */
#ifndef STORE_POSTGRES_LEASE_H
#define STORE_POSTGRES_LEASE_H

#include "store/op.h"
#include "store/postgres/pipe.h"
#include "store/store_ops.h"

#define LEASE_TICK_MS 500 /* for struct store_ops */

struct lease; /* opaque */

/* A receiver, for the others. */
struct lease_who {
	const char *name; /* for people */
	unsigned lease_ms;
};

/* NULL: out of memory. Free accepts NULL. */
struct lease *lease_new(void);
void lease_free(struct lease *l);

/*
 * Be a new receiver, outside of a transaction: *ret_receiver is its number, its
 * first transaction is 1. The jobs of those that are gone for long are taken
 * from them. Goes on as lease_go_on(). Returns as pg_query(); then there may be
 * a row that nobody uses.
 */
enum store_rc lease_enter(struct lease *l, struct pg_conn *c,
    const struct lease_who *who, int64_t now_ms, int64_t *ret_receiver,
    char reason[STORE_REASON_MAX]);

/*
 * Be the same receiver on a new connection, and all before it is settled. The
 * next tick has the jobs and the handlers looked at again, and says `lost' of
 * what others changed meanwhile.
 */
void lease_go_on(struct lease *l, int64_t now_ms);

/* ops[0..n) are committed, with that their lease was renewed; res is set. */
void lease_committed(struct lease *l, struct store_op *const *ops, size_t n,
    int64_t now_ms);

/*
 * As struct store_ops tick. *batch is the number of the last transaction; when
 * the lease has to be renewed, it goes up by one on STORE_OK; when it fails
 * nobody knows: the number that is stored is right then.
 */
enum store_rc lease_tick(struct lease *l, struct pg_conn *c, int64_t *batch,
    int64_t now_ms, const struct store_asked *asked, struct store_news *news,
    char reason[STORE_REASON_MAX]);

/* Are transactions to end with lease_publish? */
bool lease_is_watched(const struct lease *l);

/* Give all jobs to the others, and be gone. As far as it can be done. */
void lease_leave(struct lease *l, struct pg_conn *c);

/* -- Parts of transactions -- */

/* First of each: $1 receiver, $2 its number, one more than that of the last. */
extern const struct pg_statement lease_beat;

/* Then: $1, $2 order ids and their scopes, $3 jobs: see lock_orders(). */
extern const struct pg_statement lease_lock_orders;

/* Last, if it is watched: $1, $2 as lease_beat; $3, $4, $5 numbers of events,
 * of jobs, of rejections. */
extern const struct pg_statement lease_publish;

/* Of starts that were committed while their callers heard of a failure: $1
 * receiver, $2 jobs. */
extern const struct pg_statement lease_give_back;

#endif /* STORE_POSTGRES_LEASE_H */
