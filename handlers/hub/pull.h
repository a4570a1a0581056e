/*
 * pull.h -- the handler of type "pull": jobs that are fetched.
 */
#ifndef HANDLERS_PULL_H
#define HANDLERS_PULL_H

#include "handlers/handler.h"

extern const struct handler handler_pull;

#endif /* HANDLERS_PULL_H */
