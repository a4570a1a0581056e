/*
 * verb_table.h -- private to verb*.c: the verbs, and the parts of verb_main.
 */
#ifndef SERVER_VERB_TABLE_H
#define SERVER_VERB_TABLE_H

#include <stdio.h>

#include "server/cli/verb.h"

extern const struct verb verb_backup;
extern const struct verb verb_check_config;
extern const struct verb verb_dev;
extern const struct verb verb_discard;
extern const struct verb verb_doctor;
extern const struct verb verb_events;
extern const struct verb verb_handlers;
extern const struct verb verb_help;
extern const struct verb verb_jobs;
extern const struct verb verb_orders;
extern const struct verb verb_pause;
extern const struct verb verb_purge;
extern const struct verb verb_rejections;
extern const struct verb verb_replay;
extern const struct verb verb_restore;
extern const struct verb verb_resume;
extern const struct verb verb_retry;
extern const struct verb verb_serve;
extern const struct verb verb_sign;
extern const struct verb verb_sink;
extern const struct verb verb_trigger;
extern const struct verb verb_verify;
extern const struct verb verb_version;

/* The i-th verb, in the order of the help text; NULL past the end. */
const struct verb *verb_at(size_t i);

/* The verb of that name; NULL if there is none. */
const struct verb *verb_find(const char *name);

/*
 * Print the list of verbs, or one verb's usage with all its flags. No line
 * is longer than 80 columns.
 */
void verb_print_list(FILE *out);
void verb_print_help(const struct verb *verb, FILE *out);

/* Say on stderr that there is no such verb. Returns VERB_USAGE. */
enum verb_exit verb_unknown(const char *name);

struct verb_given {
	const struct verb_flag *flag;
	const char *value; /* "" for a flag without one */
};

/* What reading an argument vector came to. */
enum verb_read_rc {
	VERB_READ_OK,
	VERB_READ_HELP, /* --help was among the flags */
	VERB_READ_BAD   /* told on stderr */
};

/*
 * Read the words after the verb's name. On any result *ret_args is to be
 * given to verb_args_fini(). argv is kept.
 */
enum verb_read_rc verb_read(const struct verb *verb, int argc, char **argv,
    struct verb_args *ret_args);

void verb_args_fini(struct verb_args *args);

#endif /* SERVER_VERB_TABLE_H */
