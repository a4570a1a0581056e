/*
 * verb_table.h -- all verbs of klikitd, in the order of the help text.
 */
#ifndef SERVER_VERB_TABLE_H
#define SERVER_VERB_TABLE_H

#include "server/cli/verb.h"

extern const struct verb verb_dev;
extern const struct verb verb_listen;
extern const struct verb verb_serve;

/* Ends with NULL. */
extern const struct verb *const verb_table[];

#endif /* SERVER_VERB_TABLE_H */
