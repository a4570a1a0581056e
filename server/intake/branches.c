#include "server/intake/branches.h"

#include <string.h>

static void
later(struct steady_time *last, struct steady_time at)
{
	if (steady_before(*last, at))
		*last = at;
}

static void
branches_add(struct branches *b, const char *branch, struct steady_time at,
    unsigned events)
{
	struct branch *one;
	size_t len;

	if (branch == NULL)
		branch = "";
	for (size_t i = 0; i < b->n; i++) {
		one = &b->list[i];
		if (strcmp(one->name, branch) == 0) {
			later(&one->last, at);
			one->events += events;
			return;
		}
	}
	len = strlen(branch);
	if (b->n == BRANCHES_MAX || len >= BRANCHES_NAME_MAX) {
		later(&b->rest, at);
		b->rest_events += events;
		return;
	}
	one = &b->list[b->n++];
	memcpy(one->name, branch, len + 1);
	one->last = at;
	one->events = events;
}

void
branches_count(struct branches *b, const char *branch, struct steady_time at)
{
	branches_add(b, branch, at, 1);
}

void
branches_note(struct branches *b, const char *branch, struct steady_time at)
{
	branches_add(b, branch, at, 0);
}
