/*
 * config_draft.h -- private to config_*.c: a configuration being built.
 *
 * Values are set in the order default, file, environment, flag; a later one
 * replaces the earlier. What is wrong is reported at once, and building goes
 * on.
 */
#ifndef SERVER_CONFIG_DRAFT_H
#define SERVER_CONFIG_DRAFT_H

#include "server/config/config.h"
#include "server/config/config_table.h"

/* Where a value came from. */
struct config_given {
	unsigned section; /* the line of its section; 0: a global key */
	const struct key *key;
	unsigned line; /* in the file; 0: it is not from there */
	char *where;   /* how an error begins: "FILE:3: http.listen: " */
};

/* Of which type the handler of a section is. */
struct config_typed {
	unsigned section;
	const struct handler *type; /* NULL: there is none of its name */
	bool left_out;              /* there is one, but not in this build */
};

struct config_kind;

struct config_draft {
	const struct config_source *src;
	struct config *cfg;
	char *dev_dir;           /* where dev's defaults are */
	const char *credentials; /* their folder; NULL: none are handed over */

	config_error_fn *error;
	void *error_arg;
	unsigned nerrors;

	bool store_relative; /* the path in store.url */
	bool store_flag;     /* store.url came by a flag */
	bool secret_flag;    /* klikit.secret_file came by a flag */
	struct config_given *given;
	size_t ngiven;

	struct config_typed *typed; /* known before a section is read */
	size_t ntyped;

	/* The section of the file that is being read. */
	const struct config_kind *kind; /* NULL: a global one */
	unsigned section;               /* its line; 0: of a global one */
	bool skip; /* it is wrong: its keys are not looked at */
};

/* Report one line of error. */
void config_draft_error(struct config_draft *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Keep one line of warning with the configuration. */
void config_draft_warn(struct config_draft *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Text was given for key, not in quotes: does it go on with what looks like a
 * comment? Returns 0 if not, or if the kind of key takes any text, and then
 * warns of it; -1, with an error reported, if it is no part of such a value.
 */
int config_comment_check(struct config_draft *d, const struct key *key,
    const char *where, const char *text);

/*
 * Note that a value was given; of several the last counts. where is copied.
 * Reports it when out of memory.
 */
void config_given_add(struct config_draft *d, const struct config_given *g);

/* What was noted last of "section.key"; NULL: nothing. */
const struct config_given *config_given_find(const struct config_draft *d,
    unsigned section, const char *key);

#define CONFIG_WHERE_MAX 512

/*
 * How an error about "section.key" of that section begins, given or not.
 * Returns ret_where.
 */
const char *config_key_where(const struct config_draft *d, unsigned section,
    const char *key, char ret_where[CONFIG_WHERE_MAX]);

/* Report an error about that key. */
void config_key_error(struct config_draft *d, unsigned section, const char *key,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Report that key if it was not given in the section of that name. */
void config_key_require(struct config_draft *d, unsigned section,
    const char *key, const char *name);

/*
 * Set key's field in base from text. where is how an error begins: it names the
 * source, and ends in a colon and a blank.
 */
void config_draft_set(struct config_draft *d, const struct key *key, void *base,
    const char *where, const char *text);

/* Set key's field in base to def; NULL: it stays as it is. */
void config_draft_default(struct config_draft *d, const struct key *key,
    void *base, const char *def);

/* Set the keys' fields of base, which is all zero, to their defaults. */
void config_draft_defaults(struct config_draft *d, const struct key *keys,
    void *base);

/* An error may come of what is only warned of, so report that as well. */
void config_draft_report_warnings(struct config_draft *d);

/* Report an unknown key of a section, with the nearest one. */
void config_unknown_key(struct config_draft *d, const char *section,
    const char *key, unsigned line);

/* Read the file into the draft. */
void config_file_read(struct config_draft *d);

#endif /* SERVER_CONFIG_DRAFT_H */
