/*
 * tally.h -- rows of counts that are not in the store yet.
 *
 * Pure but for memory. Rows of the same minute, kind and name are one.
 */
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include <stdbool.h>
#include <stddef.h>

#include "store/counts.h"

#define TALLY_MAX 4096     /* rows; what comes beyond is lost */
#define TALLY_NAME_MAX 128 /* longer ones are cut */

/* All zero is an empty one. */
struct tally {
	struct store_count *rows; /* to be read */
	size_t n;
	size_t room;
};

/* Add it to the row of its minute, kind and name, which is copied. */
void tally_add(struct tally *t, const struct store_count *c);

/* Take over the rows of `from', which is empty then. */
void tally_take(struct tally *t, struct tally *from);

/* Is there nothing in it but that the server ran? */
bool tally_is_idle(const struct tally *t);

/* When its oldest row is of; 0: it is empty. */
int64_t tally_oldest_ms(const struct tally *t);

void tally_fini(struct tally *t);

#endif /* SERVER_TALLY_H */
