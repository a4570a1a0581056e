/*
 * config_table.h -- private to config_*.c: the table of keys, and how one
 * value of one key is read.
 */
#ifndef SERVER_CONFIG_TABLE_H
#define SERVER_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config/config.h"

/* What a value looks like, and the field's type. */
enum config_kind {
	CONFIG_INT,       /* int64_t */
	CONFIG_SIZE,      /* int64_t: bytes */
	CONFIG_DURATION,  /* int64_t: ms */
	CONFIG_DURATIONS, /* int64_t *, and its size_t in config_handler */
	CONFIG_TIME,      /* int64_t: ms since the epoch */
	CONFIG_LEVEL,     /* enum log_level */
	CONFIG_FORMAT,    /* enum log_format */
	CONFIG_ORDERING,  /* bool */
	CONFIG_LISTEN,    /* struct config_list of addresses */
	CONFIG_PLAIN,     /* the same, perhaps none, of the loopback */
	CONFIG_ADMIN,     /* the same, of at most one */
	CONFIG_EVENTS,    /* struct config_list of types, or "*" */
	CONFIG_WORDS,     /* struct config_list of ids or codes */
	CONFIG_TYPE,      /* char *: a handler's type */
	CONFIG_HEADERS,   /* struct config_list of "Name: value" */
	CONFIG_COMMAND,   /* struct config_list: argv */
	CONFIG_BOOL,      /* bool: yes or no */
	CONFIG_UNIT,      /* bool: order, not event */
	CONFIG_CONFLICT,  /* bool: done, not dead */
	CONFIG_REPEATS,   /* bool: send, not once */
	CONFIG_NAME,      /* char *: of a handler */
	CONFIG_SCOPE,     /* char *: a word, or empty */
	CONFIG_HTTP_URL,  /* char * */
	CONFIG_PATH,      /* char *: absolute; NULL if empty */
	CONFIG_URL        /* char *: of the store */
};

/* Which struct the field stands in. */
enum config_scope {
	CONFIG_GLOBAL,  /* struct config */
	CONFIG_HANDLER, /* struct config_handler */
	CONFIG_SECRET   /* struct config_secret */
};

struct config_key {
	const char *name; /* "section.key" */
	enum config_kind kind;
	enum config_scope scope;
	size_t offset;
	const char *def; /* as it would stand in the file; NULL: none */
	const char *dev; /* in place of def for klikitd dev; NULL: the same */
	int64_t min;     /* of numbers, in the field's unit */
	int64_t max;
	bool restart;        /* a reload cannot change it */
	const char *types;   /* of handlers, by blanks; NULL: every one */
	const char *value;   /* what the value is called in help texts */
	const char *example; /* in config.example.ini; NULL: def */
	const char *text;    /* what it does, for help and the example */
};

/* The i-th key of the table; NULL past the end. */
const struct config_key *config_key_at(size_t i);

/* The key of that section with that name; NULL if there is none. */
const struct config_key *config_key_find(const char *section, const char *key);

/* "key" of "section.key". */
const char *config_key_short(const struct config_key *key);

/* Room for the longest name of a variable, its NUL included. */
#define CONFIG_ENV_MAX 64

/* Write the name of a global key's variable: KLIKITD_SECTION_KEY. */
const char *config_key_env(const struct config_key *key,
    char ret_name[CONFIG_ENV_MAX]);

/* Is there a section of that name? */
bool config_has_section(const char *section);

#define CONFIG_REASON_MAX 512

/*
 * Read text as a value of key into its field of base, the struct that the
 * key's scope names; what stood there is freed. dir is what a relative path
 * is relative to. Returns 0; or -1, with the reason written, and then the
 * field is as before.
 */
int config_value_set(const struct config_key *key, void *base, const char *dir,
    const char *text, char reason[CONFIG_REASON_MAX]);

/* Do two structs hold the same value for a global key? */
bool config_value_equal(const struct config_key *key, const void *a,
    const void *b);

void config_list_free(struct config_list *list);

/*
 * The words between commas, without the blanks around them. Returns 0, and the
 * list is the caller's; or -1, with the reason written.
 */
int config_list_split(const char *text, struct config_list *ret_list,
    char reason[CONFIG_REASON_MAX]);

/* Write a reason. Always -1, so that it can be returned in one statement. */
int config_fail(char reason[CONFIG_REASON_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* -- config_outlet.c: values of handlers that call out; as above -- */

/*
 * A command's words, split at blanks; "..." and '...' hold a word with blanks
 * together, and in the former \ stands before " and \.
 */
int config_outlet_command(struct config_list *field, const char *text,
    char reason[CONFIG_REASON_MAX]);

/* Headers "Name: value" or "Name: @FILE"; files are not read here. */
int config_outlet_headers(struct config_list *field, const char *text,
    char reason[CONFIG_REASON_MAX]);

/* Where to POST. */
int config_outlet_url(char **field, const char *text,
    char reason[CONFIG_REASON_MAX]);

/*
 * Put the bytes of its file in place of a header's "@FILE". Returns 0 (also
 * if there is no file in it); or -1, with the reason written.
 */
int config_outlet_header_file(char **header, const char *dir,
    char reason[CONFIG_REASON_MAX]);

/*
 * path as it stands if absolute, else dir/path; owned by the caller. NULL
 * when out of memory.
 */
char *config_path_join(const char *dir, const char *path);

#endif /* SERVER_CONFIG_TABLE_H */
