#include <string.h>

#include "handlers/registry.h"

static const struct handler *const handlers[] = {
	&handler_orders,
	&handler_forward,
	&handler_exec,
};

#define NHANDLERS (sizeof(handlers) / sizeof(handlers[0]))

const struct handler *
handler_find(const char *type)
{
	for (size_t i = 0; i < NHANDLERS; i++) {
		if (strcmp(handlers[i]->type, type) == 0)
			return (handlers[i]);
	}
	return (NULL);
}

const struct handler *
handler_at(size_t i)
{
	return (i < NHANDLERS ? handlers[i] : NULL);
}
