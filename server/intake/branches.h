/*
 * branches.h -- when the last valid event of each branch came in, and how many
 * came since the start.
 *
 * Pure but for memory. A bounded set: branches beyond BRANCHES_MAX, and names
 * longer than BRANCHES_NAME_MAX, count as one, the rest. Branches come from
 * bodies that klikit has signed, and a box has one or a few.
 */
#ifndef SERVER_BRANCHES_H
#define SERVER_BRANCHES_H

#include <stddef.h>
#include <stdint.h>

#include "store/base/times.h"

#define BRANCHES_MAX 64
#define BRANCHES_NAME_MAX 64 /* its NUL included */

struct branch {
	char name[BRANCHES_NAME_MAX];
	struct steady_time last;
	uint64_t events; /* since the start */
};

/* All zero is an empty set. Fields are to be read only. */
struct branches {
	struct branch list[BRANCHES_MAX];
	size_t n;
	struct steady_time rest; /* of the rest; 0: there was none */
	uint64_t rest_events;
};

/* An event of that branch (NULL: it named none) comes in. */
void branches_count(struct branches *b, const char *branch,
    struct steady_time at);

/* The same, of one that came in before the start: it is not counted. */
void branches_note(struct branches *b, const char *branch,
    struct steady_time at);

#endif /* SERVER_BRANCHES_H */
