/*
 * verbs.h -- the verbs of this room.
 */
#ifndef SERVER_DEVTOOLS_VERBS_H
#define SERVER_DEVTOOLS_VERBS_H

#include "server/cli/verb.h"

extern const struct verb verb_sink;
extern const struct verb verb_trigger;

#endif /* SERVER_DEVTOOLS_VERBS_H */
