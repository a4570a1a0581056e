/*
 * tls_engine.h -- private to tls*.c: handshakes under way, their deadline,
 * turns, counters.
 *
 * The engine sees no bytes: through tls_handshake_ops it calls a handshake
 * when its turn has come and when its time is over.
 */
#ifndef SERVER_TLS_ENGINE_H
#define SERVER_TLS_ENGINE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "server/tls/tls.h"

struct tls_handshake;
TAILQ_HEAD(tls_handshake_list, tls_handshake);

/*
 * All but compute() are called from the loop; the connection may be gone
 * afterwards.
 */
struct tls_handshake_ops {
	/* Send all output, read all input. */
	void (*pump)(struct tls_handshake *hs);

	/* Its turn. Returns whether there is a step to be computed. */
	bool (*step)(struct tls_handshake *hs);

	/* Compute it: of the connection this touches nothing else. */
	void (*compute)(struct tls_handshake *hs);

	/* It has been computed; perhaps for one that has left meanwhile. */
	void (*computed)(struct tls_handshake *hs);

	/* Its deadline has passed. */
	void (*late)(struct tls_handshake *hs);

	/* It is idle, and others wait for its place. */
	void (*idle)(struct tls_handshake *hs);
};

/* What the engine knows of a connection, which contains it. */
struct tls_handshake {
	struct tls_engine *engine;
	const struct tls_handshake_ops *ops;
	void *owner;  /* as rank() and the others know it */
	bool shaking; /* it has begun, and needs a place until it ends */

	TAILQ_ENTRY(tls_handshake) kicked_next;
	TAILQ_ENTRY(tls_handshake) waiting_next;
	TAILQ_ENTRY(tls_handshake) timed_next;
	struct tls_handshake_list *waits_in; /* NULL: for no turn */
	bool kicked;                         /* in that list */
	bool stepped;                        /* has had a turn */
	bool placed;                         /* among those under way */
	int64_t deadline_ms;
	int64_t idle_us;      /* the peer has kept us waiting in it */
	int64_t idle_from_us; /* since then, too, unless it waits for a turn */
};

struct event_base *tls_engine_base(const struct tls_engine *e);

/* hs, all zero, is of that engine, and holds a reference of it. */
void tls_engine_join(struct tls_engine *e, struct tls_handshake *hs,
    const struct tls_handshake_ops *ops);

/*
 * hs is about to be freed: it waits for nothing, and holds no reference. False:
 * it is being computed, and must call this again when it has been.
 */
bool tls_engine_leave(struct tls_handshake *hs);

/* Is a step of it being computed? */
bool tls_engine_computes(const struct tls_handshake *hs);

/* It has something to send: it is pumped before the loop waits again. */
void tls_engine_kick(struct tls_handshake *hs);

/* It can go on or begin: it gets its turn. */
void tls_engine_wait(struct tls_handshake *hs);

/* Its time begins. */
void tls_engine_begin(struct tls_handshake *hs);

/* The handshake itself begins at once, without waiting for a place. */
void tls_engine_shake(struct tls_handshake *hs);

/* It is complete: the connection is open. */
void tls_engine_complete(struct tls_handshake *hs, bool resumed);

/* Its time had begun, and it has failed; late: by its deadline. */
void tls_engine_fail(struct tls_handshake *hs, bool late);

/* An open connection is open no longer. */
void tls_engine_close(struct tls_handshake *hs);

#endif /* SERVER_TLS_ENGINE_H */
