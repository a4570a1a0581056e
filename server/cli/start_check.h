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

#include <stdbool.h>
#include <stddef.h>

#include "server/config/config.h"

/*
 * Call error() for each thing for which a start would fail, with one line.
 * starts: this process is the one that starts. Then it waits itself for what
 * another process still holds; else a port that another one than a server of
 * the same store has is an error. Returns how many calls there were.
 */
size_t start_check(const struct config *cfg, bool starts,
    config_error_fn *error, void *arg);

#endif /* SERVER_START_CHECK_H */
