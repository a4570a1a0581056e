#include "server/app/dev_forward.h"

#include <stddef.h>

const struct config_extra *
dev_forward(const char *name, const char *url)
{
	static const char *keys[] = { "type", "forward", "url", NULL,
		"once_per_order", "no", "repeats", "send", NULL };
	static struct config_extra forward = { NULL, "--forward-to: ", keys };

	keys[3] = url;
	forward.name = name;
	return (&forward);
}
