/*
 * key.h -- one key of the configuration: what it is called, what its value
 * looks like, and which field of a struct it fills.
 *
 * Owns: nothing; these are words only. server/config reads, checks, compares,
 * prints and frees values by tables of keys. A type of handlers brings a table
 * of its own (handler.h).
 */
#ifndef HANDLERS_KEY_H
#define HANDLERS_KEY_H

#include <stddef.h>
#include <stdint.h>

struct key_list {
	char **items;
	size_t n;
};

struct key_durations {
	int64_t *ms;
	size_t n;
};

/* What stands in a file. */
struct key_secret {
	char *file;  /* absolute; NULL: none is named */
	char *bytes; /* NULL: not read */
	size_t len;
};

/* What a value looks like, and the field's type. */
enum key_kind {
	KEY_INT,       /* int64_t */
	KEY_SIZE,      /* int64_t: bytes, "64k" */
	KEY_DURATION,  /* int64_t: ms, "5s" */
	KEY_DURATIONS, /* struct key_durations: "5s, 30s" */
	KEY_TIME,      /* int64_t: ms since the epoch */
	KEY_BOOL,      /* bool: true is the second of the two words */
	KEY_CHOICE,    /* an enum: which of the words, from 0 on */
	KEY_NAME,      /* char *: one word, or empty */
	KEY_URL,       /* char * */
	KEY_PATH,      /* char *: absolute; NULL if empty */
	KEY_SECRET,    /* struct key_secret: a file, read when all is checked */
	KEY_WORDS,     /* struct key_list: words between commas */
	KEY_TEXTS,     /* struct key_list: any text between commas */
	KEY_COMMAND    /* struct key_list: argv, NULL after the last */
};

#define KEY_REASON_MAX 512

enum key_flags {
	KEY_RESTART = 1 << 0, /* a reload cannot change it */
	KEY_REQUIRED = 1 << 1 /* a handler's section must have it */
};

/*
 * Is a value right, beyond what its kind demands? value is the field's new
 * content, which it may complete; dir is what a relative path is relative to.
 * Returns 0; or -1, with the reason written.
 */
typedef int key_check_fn(void *value, const char *dir,
    char reason[KEY_REASON_MAX]);

/* Tables of keys end with one whose name is NULL. */
struct key {
	const char *name; /* "section.key", as in messages */
	enum key_kind kind;
	size_t offset;   /* of the field */
	const char *def; /* as it would stand in the file; NULL: none */
	const char *dev; /* in place of def for klikitd dev; NULL: the same */
	int64_t min;     /* of numbers, in the field's unit */
	int64_t max;
	unsigned flags; /* enum key_flags */

	key_check_fn *check; /* NULL: any value of the kind will do */

	/*
	 * What the value is called in help texts. Of a KEY_BOOL or a
	 * KEY_CHOICE these are its words: "no|yes".
	 */
	const char *value;
	const char *example; /* in config.example.ini; NULL: def */
	const char *text;    /* what it does, for help and the example */

	/* Of a file: what one can do who reads it; NULL: no harm. */
	const char *exposed;
	/* check-config shows the value behind this word; NULL: it does not. */
	const char *shown;
};

#endif /* HANDLERS_KEY_H */
