#include <stdlib.h>
#include <string.h>

#include "handlers/hub/hub_outcomes.h"
#include "test/fuzz/fuzz.h"

/* Of any bytes: what is taken is within bounds, and a reason is one line. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hub_outcome *all;
	const char *why;
	size_t n;

	why = hub_outcomes_read((const char *)data, size, &all, &n);
	if (why != NULL) {
		/* It stands in an answer of ours as it is. */
		if (strpbrk(why, "\"\\\r\n") != NULL)
			abort();
		return (0);
	}
	if (n > HUB_OUTCOMES_MAX)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (all[i].id <= 0 || all[i].verdict == HANDLER_PENDING ||
		    all[i].retry_after_ms < 0 ||
		    all[i].retry_after_ms > HUB_RETRY_MAX_MS ||
		    strspn(all[i].id_text, "0123456789") !=
			strlen(all[i].id_text) ||
		    strpbrk(all[i].reason, "\r\n") != NULL)
			abort();
	}
	free(all);
	return (0);
}
