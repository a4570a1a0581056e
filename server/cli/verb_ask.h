/*
 * verb_ask.h -- private to verb_*.c: who runs a verb, and a question before
 * something is removed or repeated.
 *
 * Only a person is asked: where the standard input and the standard error are
 * terminals, and --yes was not given. A script goes on as if the answer were
 * yes.
 */
#ifndef SERVER_VERB_ASK_H
#define SERVER_VERB_ASK_H

#include <stdbool.h>

#include "server/cli/verb.h"

#define VERB_YES_FLAG                                                          \
	{                                                                      \
		"yes", NULL, "on a terminal: do it without asking", false      \
	}

/* Who runs this; where nothing says so, the verb itself. */
const char *verb_user(const struct verb_args *args);

/* Is there somebody to ask? */
bool verb_asks(const struct verb_args *args);

/*
 * Ask, with the question's text: "discard 3 jobs". Returns whether it is to be
 * done; said on stderr if not.
 */
bool verb_ask(const struct verb_args *args, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * " (the only one of ...)" or " (the oldest of ..., the newest of ...)", of two
 * times as the API writes them, in the machine's zone; "" without any. Returns
 * ret_text.
 */
#define VERB_SPAN_MAX 160
char *verb_span(const struct verb_args *args, const char *oldest,
    const char *newest, char ret_text[VERB_SPAN_MAX]);

#endif /* SERVER_VERB_ASK_H */
