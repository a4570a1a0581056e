#include <stddef.h>
#include <string.h>

#include "handlers/body/event_kind.h"

/* klikit's names, without a version. */
static const struct {
	const char *name;
	enum event_kind kind;
} kinds[] = {
	{ "klikit.order.created", EVENT_CREATED },
	{ "klikit.order.status.updated", EVENT_STATUS },
	{ "klikit.order.cart.updated", EVENT_CART },
};

enum event_kind
event_kind(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].name);
		const char *version = type + len;

		if (strncmp(type, kinds[i].name, len) != 0)
			continue;
		if (version[0] == '\0')
			return (kinds[i].kind);
		if (version[0] == '.' && version[1] == 'v' &&
		    version[2] != '\0' &&
		    version[2 + strspn(version + 2, "0123456789")] == '\0')
			return (kinds[i].kind);
	}
	return (EVENT_UNKNOWN);
}

bool
event_is_alert(const char *type)
{
	return (strncmp(type, EVENT_ALERT, strlen(EVENT_ALERT)) == 0);
}
