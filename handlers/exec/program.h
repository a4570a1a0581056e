/*
 * program.h -- which file a command names; for exec.c, and for who checks the
 * configuration before.
 */
#ifndef HANDLERS_PROGRAM_H
#define HANDLERS_PROGRAM_H

#include "handlers/handler.h"
#include "store/base/arena.h"

/*
 * Find the program of that name as execvp(3) does: by itself if it has a
 * slash, else in the directories of PATH; and try it, as program_try(). Keeps
 * name, and whatever else *ret_path is to point to is in memory. Returns 0; -1,
 * with one line in reason, if there is none, it cannot be executed, or memory
 * is short.
 */
int program_find(struct arena *memory, const char *name, const char **ret_path,
    char reason[HANDLER_REASON_MAX]);

#define PROGRAM_WHY_MAX 160

/*
 * Would execve(2) run the file, which has to be there? The kernel is asked
 * without running any of it. Returns 0; -1, and one line in reason, if not.
 * Not to be called while another thread may wait for any child.
 */
int program_try(const char *path, char reason[PROGRAM_WHY_MAX]);

#endif /* HANDLERS_PROGRAM_H */
