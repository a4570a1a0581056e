/*
 * rate.h -- lets one line a second through, and knows how many it held back.
 *
 * For lines that a stranger can cause. What goes on and on is worth less: after
 * RATE_MANY lines in an hour one a minute has to do.
 */
#ifndef SERVER_RATE_H
#define SERVER_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: no line yet. */
#define RATE_MANY 60
struct rate {
	int64_t period; /* of the last line */
	int64_t hour;   /* in which lines are counted, but those of ask_every */
	unsigned lines;
	unsigned held;
};

/*
 * May a line be logged now? Then ret_more says how many were not, to be put
 * at its end; it is empty if none was held back.
 */
#define RATE_MORE_MAX 48
bool rate_ask(struct rate *rate, char ret_more[RATE_MORE_MAX]);

/* The same, one line in so many seconds. */
bool rate_ask_every(struct rate *rate, int64_t seconds,
    char ret_more[RATE_MORE_MAX]);

#endif /* SERVER_RATE_H */
