#include "test/lib/settings.h"

#include <string.h>

#include "test/lib/cmocka_all.h"

void *
settings_field(const struct handler *type, const void *settings,
    const char *key)
{
	for (const struct key *k = type->keys; k->name != NULL; k++) {
		if (strcmp(strchr(k->name, '.') + 1, key) == 0)
			return ((char *)settings + k->offset);
	}
	fail_msg("no key %s of type %s", key, type->type);
	return (NULL);
}
