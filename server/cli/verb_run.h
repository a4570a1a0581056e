/*
 * verb_run.h -- the whole of a run of klikitd: from argv to its exit code.
 */
#ifndef SERVER_VERB_RUN_H
#define SERVER_VERB_RUN_H

#include "server/cli/verb.h"

/*
 * Find the verb of argv in the table, read its flags, run it with these types
 * of handlers; both tables end with NULL. Returns the process's exit code.
 * Without a verb, or with --help, prints the usage.
 */
int verb_run(const struct verb *const *table,
    const struct handler *const *types, int argc, char **argv);

#endif /* SERVER_VERB_RUN_H */
