/*
 * json.h -- values of JSON documents for people and programs.
 *
 * Pure, over jansson. Each adds to an object and copes with a NULL one, as
 * jansson does. Returns 0, or -1 when out of memory.
 */
#ifndef SERVER_JSON_H
#define SERVER_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define JSON_ESCAPED_MAX 4200 /* 1 KB of answer, all of it escaped */

/*
 * The value on one line, all that is not plain (utf8.h) as \uNNNN:
 * parsed, it is the same, and a terminal shows it safely. Owned by the caller;
 * NULL when out of memory, or value is NULL.
 */
char *json_text(const json_t *value);

/*
 * The same for an object, with one member more, last in it: JSON text as it
 * stands, digit for digit; NULL gives null.
 */
char *json_text_with(const json_t *object, const char *name, const char *json);

/*
 * Set name to text, or to null if it is NULL. What is no UTF-8, or has a NUL,
 * is escaped as log_escape() does.
 */
int json_set_text(json_t *object, const char *name, const char *text);

/*
 * The same for bytes, as a value (a new reference) and set; those that are no
 * UTF-8 are cut as log_escape() does.
 */
json_t *json_bytes(const void *bytes, size_t len);
int json_set_bytes(json_t *object, const char *name, const void *bytes,
    size_t len);

/* Set name to a time in RFC 3339, or to null if it is 0. */
int json_set_time(json_t *object, const char *name, int64_t at_ms);

int json_set_int(json_t *object, const char *name, int64_t value);

/*
 * Add a value, which it takes, to *list. Once there was no memory, for this or
 * for that, *list is NULL and stays so.
 */
void json_list_add(json_t **list, json_t *value);

#endif /* SERVER_JSON_H */
