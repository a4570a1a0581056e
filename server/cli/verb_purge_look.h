/*
 * verb_purge_look.h -- private to verb_purge.c: what a purge would remove.
 */
#ifndef SERVER_VERB_PURGE_LOOK_H
#define SERVER_VERB_PURGE_LOOK_H

#include "server/cli/verb_admin.h"

/*
 * Count what the flags of a purge choose, and write it as the object of a
 * sentence: "3 events (the oldest of ..., the newest of ...) and 1 rejection".
 * Of very many no more than a part is counted: "more than 20000 events".
 * Returns 0; -1, said on stderr.
 */
#define VERB_PURGE_LOOK_MAX 640
int verb_purge_look(struct verb_admin *va, const struct verb_args *args,
    char ret_text[VERB_PURGE_LOOK_MAX]);

#endif /* SERVER_VERB_PURGE_LOOK_H */
