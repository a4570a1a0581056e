#include "server/service/watchdog.h"

#include <stddef.h>

#include "store/base/parse.h"

#define LOOKS 4 /* within the limit: one that comes late costs nothing */
#define USEC_MAX INT64_C(86400000000)

int64_t
watchdog_every_ms(const char *usec, const char *pid, int64_t self)
{
	int64_t limit, whom;

	if (usec == NULL || parse_int(usec, 1, USEC_MAX, &limit) == -1)
		return (0);
	if (pid != NULL &&
	    (parse_int(pid, 1, INT32_MAX, &whom) == -1 || whom != self))
		return (0);
	limit /= INT64_C(1000) * LOOKS;
	return (limit > 0 ? limit : 1);
}

bool
watchdog_look(struct watchdog *w, bool asked, bool behind, uint64_t answers)
{
	bool hangs = asked && behind && w->behind && answers == w->answers;

	w->behind = asked && behind;
	w->answers = answers;
	return (!hangs);
}
