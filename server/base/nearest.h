/*
 * nearest.h -- which known name a misspelt one was probably meant to be.
 *
 * Pure. Offer the candidates one by one, then ask.
 */
#ifndef SERVER_NEAREST_H
#define SERVER_NEAREST_H

#include <stddef.h>

#define NEAREST_HINT_MAX 160

struct nearest {
	const char *word; /* kept */
	const char *best;
	size_t distance;
	char hint[NEAREST_HINT_MAX];
};

void nearest_init(struct nearest *n, const char *word);

/* Keeps name if it is nearer to the word than all before. */
void nearest_offer(struct nearest *n, const char *name);

/*
 * The nearest of the names offered; NULL if none is near enough to be a slip
 * of the fingers.
 */
const char *nearest_get(const struct nearest *n);

/*
 * The end of a message: "; did you mean NAME?" with what belongs before and
 * behind the name, or nothing if none is near. Valid as long as n.
 */
const char *nearest_hint(struct nearest *n, const char *before,
    const char *behind);

/*
 * The least number of letters to insert, remove, replace or swap with their
 * neighbour that makes b of a, letter case apart. Words longer than 64 bytes
 * are far from everything: SIZE_MAX.
 */
size_t nearest_distance(const char *a, const char *b);

#endif /* SERVER_NEAREST_H */
