/*
 * verb_chosen.h -- private to verb_replay.c and verb_discard.c: choose jobs by
 * flags, say how many, and have one thing done to each.
 */
#ifndef SERVER_VERB_CHOSEN_H
#define SERVER_VERB_CHOSEN_H

#include <stdbool.h>

#include <jansson.h>

#include "server/cli/verb_admin.h"
#include "server/cli/verb_choice.h"

/* What is done, and to which of the jobs that the flags choose. */
struct verb_chosen {
	const char *verb; /* "replay" */
	const char *asks; /* "Replay" */
	const char *done; /* "replayed", also in the server's answer */
	const char *path; /* of the request */
	bool (*may)(const json_t *job); /* NULL: to all of them */
	json_t *more; /* fields of the request beside ids; or NULL */
};

/*
 * The flags are VERB_JOB_FLAGS and --dry-run; words are ids of events. The
 * oldest job goes first, so that what concerns one order comes in the order in
 * which it came. Returns VERB_DONE; VERB_FAILED, said, if one was refused.
 */
enum verb_exit verb_chosen_run(struct verb_admin *va,
    struct verb_choice *choice, const struct verb_chosen *what);

/* Show the jobs that the words name, and do nothing. As above. */
enum verb_exit verb_chosen_show(struct verb_admin *va,
    const struct verb_args *args);

#endif /* SERVER_VERB_CHOSEN_H */
