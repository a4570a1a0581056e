#include "server/admin/turns.h"

void
turns_init(struct turns *turns, void (*start)(struct turn *turn))
{
	*turns = (struct turns){ .start = start };
	TAILQ_INIT(&turns->asked);
}

/* How many questions an address has. */
static size_t
questions_of(const struct turns *turns, struct peer_net net)
{
	const struct turn *turn;
	size_t n = 0;

	TAILQ_FOREACH (turn, &turns->asked, next)
		n += peer_net_equal(turn->net, net);
	return (n);
}

/* Of the address with the fewest questions the first one that waits. */
static struct turn *
next_of(const struct turns *turns)
{
	struct turn *turn, *next = NULL;
	size_t n, fewest = 0;

	TAILQ_FOREACH (turn, &turns->asked, next) {
		if (turn->running)
			continue;
		n = questions_of(turns, turn->net);
		if (next != NULL && n >= fewest)
			continue;
		next = turn;
		fewest = n;
	}
	return (next);
}

void
turns_pump(struct turns *turns)
{
	struct turn *turn;

	while (!turns->resting && turns->running < TURNS_MAX &&
	       (turn = next_of(turns)) != NULL) {
		turn->running = true;
		turns->running++;
		turns->start(turn);
	}
}

void
turn_begin(struct turns *turns, struct turn *turn, struct peer_net net)
{
	turn->net = net;
	turn->running = false;
	TAILQ_INSERT_TAIL(&turns->asked, turn, next);
	turns_pump(turns);
}

void
turn_end(struct turns *turns, struct turn *turn)
{
	TAILQ_REMOVE(&turns->asked, turn, next);
	turns->running -= turn->running;
}

void
turns_rest(struct turns *turns, bool resting)
{
	turns->resting = resting;
}
