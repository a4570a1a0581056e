/*
 * child_spawn.h -- private to child.c: a process, its input and a pipe.
 */
#ifndef HANDLERS_CHILD_SPAWN_H
#define HANDLERS_CHILD_SPAWN_H

#include <sys/types.h>

#include "handlers/exec/child.h"

/*
 * Start the program of spec as child_start() promises. Returns 0, and the
 * caller owns the process, which it has to reap, and our end of what it
 * prints, which does not block; -1 with errno.
 */
int child_spawn(const struct child_spec *spec, pid_t *ret_pid, int *ret_out);

#endif /* HANDLERS_CHILD_SPAWN_H */
