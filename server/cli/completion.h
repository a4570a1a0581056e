/*
 * completion.h -- what a shell completes behind "klikitd".
 *
 * Touches: the stream it is given, nothing else.
 */
#ifndef SERVER_COMPLETION_H
#define SERVER_COMPLETION_H

#include <stdio.h>

#include "server/cli/verb.h"

/*
 * Print a file for a shell: it completes verbs, the flags of each, those that
 * are keys of the configuration once "--" and a letter are there, and files.
 * zsh and fish show the texts of the help beside them.
 */
void completion_print_bash(FILE *out, const struct verb *const *table);
void completion_print_zsh(FILE *out, const struct verb *const *table);
void completion_print_fish(FILE *out, const struct verb *const *table);

#endif /* SERVER_COMPLETION_H */
