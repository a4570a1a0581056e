/*
 * child_vars.h -- the environment of a program that is run beside the loop.
 *
 * Owns: the texts. Of our own environment only PATH, HOME, LANG and TZ are
 *       handed down: a secret is often in it.
 */
#ifndef HANDLERS_CHILD_VARS_H
#define HANDLERS_CHILD_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/base/arena.h"

#define CHILD_VARS_MAX 16

struct child_vars {
	struct arena memory;
	char *vars[CHILD_VARS_MAX + 1]; /* as child_spec.envp */
	size_t n;
	bool failed; /* out of memory */
};

/* Begin with those that are handed down. To be ended by child_vars_fini(). */
void child_vars_init(struct child_vars *v);

/* Add one; copies both. What went wrong is in v->failed. */
void child_vars_put(struct child_vars *v, const char *name, const char *value);

void child_vars_fini(struct child_vars *v);

#endif /* HANDLERS_CHILD_VARS_H */
