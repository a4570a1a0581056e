/*
 * settings.h -- the settings of a type of handlers, by the names of its keys.
 */
#ifndef TEST_LIB_SETTINGS_H
#define TEST_LIB_SETTINGS_H

#include "handlers/handler.h"

/*
 * The field that the key ("url") fills, in settings of that type. Fails the
 * test if the type has no such key.
 */
void *settings_field(const struct handler *type, const void *settings,
    const char *key);

/* The same, of a handler as it is configured, as an lvalue of that C type. */
#define SETTING_OF(h, ctype, key)                                              \
	(*(ctype *)settings_field((h)->type, (h)->settings, key))

#endif /* TEST_LIB_SETTINGS_H */
