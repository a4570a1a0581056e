#include "server/intake/branches.h"

#include <string.h>

static void
later(struct steady_time *last, struct steady_time at)
{
	if (steady_before(*last, at))
		*last = at;
}

void
branches_note(struct branches *b, const char *branch, struct steady_time at)
{
	size_t len;

	if (branch == NULL)
		branch = "";
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->list[i].name, branch) == 0) {
			later(&b->list[i].last, at);
			return;
		}
	}
	len = strlen(branch);
	if (b->n == BRANCHES_MAX || len >= BRANCHES_NAME_MAX) {
		later(&b->rest, at);
		return;
	}
	memcpy(b->list[b->n].name, branch, len + 1);
	b->list[b->n++].last = at;
}
