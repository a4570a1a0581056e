#include "handlers/exec/child_vars.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
child_vars_init(struct child_vars *v)
{
	static const char *const ours[] = { "PATH", "HOME", "LANG", "TZ" };

	memset(v, 0, sizeof(*v));
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (getenv(ours[i]) != NULL)
			child_vars_put(v, ours[i], getenv(ours[i]));
	}
}

void
child_vars_put(struct child_vars *v, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;
	char *var;

	if (v->n == CHILD_VARS_MAX ||
	    (var = arena_alloc(&v->memory, size)) == NULL) {
		v->failed = true;
		return;
	}
	(void)snprintf(var, size, "%s=%s", name, value);
	v->vars[v->n++] = var;
}

void
child_vars_fini(struct child_vars *v)
{
	arena_fini(&v->memory);
}
