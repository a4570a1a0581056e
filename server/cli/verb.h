/*
 * verb.h -- the commands of klikitd.
 *
 * A verb is one file, verb_<name>.c, that exports one const struct verb and
 * stands in the table of app/verb_table.c.
 */
#ifndef SERVER_VERB_H
#define SERVER_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config/config.h"

enum verb_exit { VERB_DONE = 0, VERB_FAILED = 1, VERB_USAGE = 2 };

/* A flag of a verb: "--count N". */
struct verb_flag {
	const char *name;  /* without the dashes */
	const char *value; /* what its value is called; NULL: it takes none */
	const char *text;
	bool repeats; /* may be given several times */
};

/* A flag that was given. */
struct verb_given {
	const struct verb_flag *flag;
	const char *value; /* "" for a flag without one */
};

/* What was given; all borrowed from argv. */
struct verb_args {
	const struct verb *verb;
	const struct verb *const *table;    /* of all verbs; ends with NULL */
	const struct handler *const *types; /* of handlers; the same */
	const struct verb_given *given;
	size_t ngiven;
	char **words; /* what is no flag */
	size_t nwords;
	const char *config_path;   /* -c FILE, --config FILE */
	const char **config_flags; /* pairs, for struct config_source */
	size_t nconfig_flags;
};

#define VERB_WORDS_MAX SIZE_MAX /* as many as are given */

struct verb {
	const char *name;
	const char *words; /* "[EVENT-ID]" in the usage line; "" if none */
	const char *text;  /* one line */
	const char *more;  /* examples and details for --help; may be NULL */
	const struct verb_flag *flags; /* ends with a NULL name */
	size_t words_min;
	size_t words_max;
	bool config; /* takes -c and --section.key */
	bool alone;  /* but no file that -c does not name: see verb_place.c */
	enum verb_exit (*run)(const struct verb_args *args);
};

/*
 * Which file the configuration is read from, where -c names none: that of
 * $KLIKITD_CONFIG, else VERB_CONFIG_FILE if it is there; set in args, and said
 * on stderr. None if the variable is empty, with --dev, and of a verb that is
 * `alone'.
 */
#define VERB_CONFIG_FILE "/etc/klikitd/klikitd.ini"
void verb_find_config(struct verb_args *args);

/* The verb of that name; NULL if there is none. */
const struct verb *verb_find(const struct verb *const *table, const char *name);

/* Say on stderr that there is no such verb. Returns VERB_USAGE. */
enum verb_exit verb_unknown(const struct verb *const *table, const char *name);

/* The i-th value given for a flag ("" for one without value), or NULL. */
const char *verb_flag(const struct verb_args *args, const char *name, size_t i);

/* Was the flag given? */
bool verb_has(const struct verb_args *args, const char *name);

/*
 * The integer given for a flag, or def. A value that is no integer within
 * [min, max] is reported on stderr, and -1 returned; 0 otherwise.
 */
int verb_int(const struct verb_args *args, const char *name, long long min,
    long long max, long long *inout_value);

/* Say on stderr what is wrong and how to get help. Returns VERB_USAGE. */
enum verb_exit verb_usage(const struct verb_args *args, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Have what was printed leave now. What cannot be written is reported once, at
 * the end, and the verb fails.
 */
void verb_flush(void);

/*
 * The source that verb_config() loads from, for a server that loads it again.
 * Borrows args, which live as long as the process.
 */
struct config_source verb_config_source(const struct verb_args *args,
    enum config_need need, bool dev);

/*
 * Is klikitd dev's store meant? By --dev; or because neither the configuration
 * nor a flag or variable names one, there is none at the default place, and dev
 * has one: that is said on stderr then.
 */
bool verb_dev_store(const struct verb_args *args);

/* The same for the secret, and for what else goes with it. */
bool verb_dev_secret(const struct verb_args *args);

/*
 * Load the configuration that args name, with every error and warning on
 * stderr.
 * Returns it, owned by the caller, or NULL.
 */
struct config *verb_config(const struct verb_args *args, enum config_need need,
    bool dev);

/* The same, from a source that was changed. */
struct config *verb_config_load(const struct config_source *src);

/* The same for a server, which logs the warnings itself. */
struct config *verb_config_serve(const struct config_source *src);

#endif /* SERVER_VERB_H */
