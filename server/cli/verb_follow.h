/*
 * verb_follow.h -- private to verb_*.c: a list that goes on.
 */
#ifndef SERVER_VERB_FOLLOW_H
#define SERVER_VERB_FOLLOW_H

#include "server/cli/verb_list.h"

/*
 * Print the newest rows that which chooses, the oldest first, and then each
 * that comes, until INT or TERM: then VERB_DONE. The store is looked at twice a
 * second, so it is the same with a server and without. Rows need an id. Returns
 * VERB_FAILED, said on stderr, if it cannot be looked at.
 */
enum verb_exit verb_follow(struct verb_admin *va,
    const struct verb_rows *which);

#endif /* SERVER_VERB_FOLLOW_H */
