/*
 * config_ini.h -- the reader of the configuration file's form.
 *
 * Pure: bytes in, one callback per key; opens no file, knows no key.
 *
 *   [section]            or [section name]; letters, digits, - _ .
 *   key = value          blanks around the value are dropped
 *   key = "; kept "      a quoted value is taken as it stands; \" and \\
 *   key = one,           an indented line goes on with the value before it,
 *     two                joined by one blank
 *   ; or #               begin a comment at the start of a line, and behind a
 *                        closing quote or ]; anywhere else they are text
 *
 * Lines may be of any length and end in LF or CRLF. A NUL byte, a control
 * character other than tab, or invalid UTF-8 is an error. A BOM at the start
 * is skipped.
 */
#ifndef SERVER_CONFIG_INI_H
#define SERVER_CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

/* Where a callback or an error stands. */
struct config_ini_key {
	const char *section; /* "handler" of [handler pos]; "" before any */
	const char *name;    /* "pos"; "" if the section has none */
	const char *key;     /* NULL: the section's own line */
	const char *value;   /* joined, unquoted; "" if empty */
	bool quoted;         /* the value stood in quotes */
	unsigned line;       /* of the key, counted from 1 */
};

/*
 * Called for each section line and each key, in order; all is borrowed for
 * the call. Returns 0 to go on, -1 to stop.
 */
typedef int config_ini_fn(const struct config_ini_key *key, void *arg);

/*
 * Read len bytes of text. Returns 0; or -1 if fn stopped it (then *ret_error
 * is NULL), or if the text is malformed: then *ret_error is a static reason
 * and *ret_line its line. Out of memory is reported like the latter.
 */
int config_ini_read(const char *text, size_t len, config_ini_fn *fn, void *arg,
    const char **ret_error, unsigned *ret_line);

#endif /* SERVER_CONFIG_INI_H */
