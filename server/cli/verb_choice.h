/*
 * verb_choice.h -- private to verb_*.c: the flags that choose rows, checked,
 * and as the admin API takes them.
 */
#ifndef SERVER_VERB_CHOICE_H
#define SERVER_VERB_CHOICE_H

#include <stdint.h>
#include <stdio.h>

#include "server/admin/admin_query.h"
#include "server/cli/verb_admin.h"
#include "store/base/parse.h"

#define VERB_PATH_MAX 4096

struct verb_choice {
	const struct verb_args *args;
	char since[FORMAT_TIME_MAX]; /* RFC 3339; "": not given */
	char until[FORMAT_TIME_MAX];
	char type[ADMIN_VALUE_MAX]; /* in full; "": not given */
	char event[ADMIN_VALUE_MAX];
};

/* The states that --state may name; all end with NULL. */
extern const char *const verb_job_states[];
extern const char *const verb_event_states[];

/*
 * Read the flags of args; states are those of what is listed. Keeps args.
 * Returns 0; -1, said as a usage error.
 */
int verb_choice_read(const struct verb_args *args, const char *const *states,
    struct verb_choice *ret_choice);

/*
 * Are the handler and the type that were named known to the store? Types and
 * the id of an event are made whole. Returns 0; -1, said with the nearest name.
 */
int verb_choice_known(struct verb_admin *va, struct verb_choice *choice);

/* Was one of them given? */
bool verb_choice_given(const struct verb_args *args);

/* The name of the i-th flag that may choose; NULL behind the last. */
const char *verb_choice_name(size_t i);

/* Add name=value to a path. Returns 0, or -1 if there is no room. */
int verb_path_add(char path[VERB_PATH_MAX], const char *name,
    const char *value);

/* Add all that was chosen to a path. Returns 0, or -1 if there is no room. */
int verb_choice_add(const struct verb_choice *choice, char path[VERB_PATH_MAX]);

/* Write what was chosen, as it was given: " --state dead --since 2h". */
void verb_choice_print(const struct verb_choice *choice, FILE *out);

/*
 * The id of the event that word is, or begins; a word that begins none is
 * returned as it is. Returns 0; -1, said: several ids begin so, which are
 * named.
 */
int verb_event_id(struct verb_admin *va, const struct verb_args *args,
    const char *word, char ret_id[ADMIN_VALUE_MAX]);

/*
 * Is there a handler of that name, in the configuration or in the store?
 * Returns 0; -1, said with the nearest name.
 */
int verb_handler_known(struct verb_admin *va, const struct verb_args *args,
    const char *name);

#endif /* SERVER_VERB_CHOICE_H */
