/*
 * turns.h -- whose question to the store is next.
 *
 * Owns:    the order in which those who ask are served.
 * Touches: nothing. Pure.
 *
 * The store answers one question after the other, and a page of 500 rows takes
 * it a while. So only TURNS_MAX are with it at a time, and the next one is of
 * the address that asks for the fewest: one that asks for much keeps no other
 * waiting for more than those.
 */
#ifndef SERVER_TURNS_H
#define SERVER_TURNS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>

#include "server/base/peer_net.h"

#define TURNS_MAX 4

/* One question's; to be embedded; private to turns.c. */
struct turn {
	TAILQ_ENTRY(turn) next;
	struct peer_net net;
	bool running;
};

TAILQ_HEAD(turn_queue, turn);

/* Private to turns.c. */
struct turns {
	struct turn_queue
	    asked; /* and not answered; the first that came first */
	size_t running;
	bool resting;
	void (*start)(struct turn *turn);
};

/* start() asks the question; turn_end() follows, perhaps before it returns. */
void turns_init(struct turns *turns, void (*start)(struct turn *turn));

/* A question of net: start it when it is its turn, which may be now. */
void turn_begin(struct turns *turns, struct turn *turn, struct peer_net net);

/* It is answered, or nobody waits for the answer any more. */
void turn_end(struct turns *turns, struct turn *turn);

/* Start those whose turn it is; nobody's while `resting'. After turn_end(). */
void turns_pump(struct turns *turns);

/* Is it time for nobody? Until it is said anew. */
void turns_rest(struct turns *turns, bool resting);

#endif /* SERVER_TURNS_H */
