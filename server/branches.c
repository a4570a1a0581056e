#include "server/branches.h"

#include <string.h>

static void
later(int64_t *last_ms, int64_t at_ms)
{
	if (at_ms > *last_ms)
		*last_ms = at_ms;
}

void
branches_note(struct branches *b, const char *branch, int64_t at_ms)
{
	size_t len;

	if (branch == NULL)
		branch = "";
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->list[i].name, branch) == 0) {
			later(&b->list[i].last_ms, at_ms);
			return;
		}
	}
	len = strlen(branch);
	if (b->n == BRANCHES_MAX || len >= BRANCHES_NAME_MAX) {
		later(&b->rest_ms, at_ms);
		return;
	}
	memcpy(b->list[b->n].name, branch, len + 1);
	b->list[b->n++].last_ms = at_ms;
}
