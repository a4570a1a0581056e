/*
 * start_check.h -- what a start needs of the world around the configuration.
 *
 * Owns:    the list of it, which serve goes through before it opens anything,
 *          and check-config as well: with the checks of the configuration
 *          itself (config_check.c) it is all for which a start fails.
 * Touches: files and sockets, to look at them; makes and changes nothing.
 */
#ifndef SERVER_START_CHECK_H
#define SERVER_START_CHECK_H

#include <stddef.h>

#include "server/config/config.h"
#include "server/service/listen_fds.h"

/*
 * Call error() for each thing for which a start would fail, with one line.
 * sockets: this process is the one that starts, and these are open for it
 * already. Then it waits itself for what another process still holds; else
 * (NULL) a port that another one than a server of the same store has is an
 * error. Returns how many calls there were.
 */
size_t start_check(const struct config *cfg, const struct listen_fds *sockets,
    config_error_fn *error, void *arg);

#endif /* SERVER_START_CHECK_H */
