/*
 * verb_read.h -- the reading of a verb's words: its own flags, -c and
 * --section.key, and what is no flag.
 */
#ifndef SERVER_VERB_READ_H
#define SERVER_VERB_READ_H

#include "server/cli/verb.h"

/* What reading an argument vector came to. */
enum verb_read_rc {
	VERB_READ_OK,
	VERB_READ_HELP, /* --help was among the flags */
	VERB_READ_BAD   /* reported on stderr */
};

/*
 * Read the words after the verb's name. On any result *ret_args is to be
 * given to verb_args_fini(). argv is kept.
 */
enum verb_read_rc verb_read(const struct verb *verb, int argc, char **argv,
    struct verb_args *ret_args);

void verb_args_fini(struct verb_args *args);

#endif /* SERVER_VERB_READ_H */
