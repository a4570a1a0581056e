/*
 * verb_help.h -- the texts that --help prints.
 */
#ifndef SERVER_VERB_HELP_H
#define SERVER_VERB_HELP_H

#include <stdio.h>

#include "server/cli/verb.h"

/*
 * Print the list of verbs, or one verb's usage with all its flags. No line
 * is longer than 80 columns.
 */
void verb_print_list(const struct verb *const *table, FILE *out);
void verb_print_help(const struct verb *verb, FILE *out);

#endif /* SERVER_VERB_HELP_H */
