/*
 * handler_try.h -- a handler's far side is tried, without a job: connected to,
 * logged in at, asked for its target.
 *
 * Owns:    a loop of its own while it runs, an instance opened for this alone.
 * Touches: the network, the files of the handler. No store, no server.
 */
#ifndef SERVER_HANDLER_TRY_H
#define SERVER_HANDLER_TRY_H

#include "handlers/handler.h"
#include "server/config/config.h"

/* Borrowed for the call; advice is NULL if and only if all is well. */
typedef void handler_tried_fn(enum handler_level level, const char *text,
    const char *advice, void *arg);

/*
 * Try it, if its type can be tried; found() runs for each thing that was
 * found, at least once then. It takes a few seconds at most. h is one of cfg's,
 * with its files read. Returns whether it was tried. Ignores SIGPIPE from then
 * on.
 */
bool handler_try(const struct config *cfg, const struct config_handler *h,
    handler_tried_fn *found, void *arg);

#endif /* SERVER_HANDLER_TRY_H */
