/*
 * json_part.h -- one value of a JSON text, and those within it, as they stand.
 *
 * Pure: bytes in, places out. Nothing is checked: for text that was found
 * well-formed before. Any bytes are taken; nothing is read past the end.
 */
#ifndef HANDLERS_JSON_PART_H
#define HANDLERS_JSON_PART_H

#include <stdbool.h>
#include <stddef.h>

/* A value: its bytes. All NULL: there is none. */
struct json_part {
	const char *at;
	const char *end;
};

/* The value that text holds. */
struct json_part json_part_of(const char *text, size_t len);

/*
 * The place of the first value of the array or object that begins at p with
 * opener; NULL if it is empty, or something else.
 */
const char *json_part_first(const char *p, const char *end, char opener);

/* p is past a value: the place of the next one of the same; NULL: none. */
const char *json_part_next(const char *p, const char *end);

/*
 * The first member of that name, which is compared as it is written; all NULL
 * if object is none, or has none.
 */
struct json_part json_part_member(struct json_part object, const char *name);

/*
 * Go through an array: element is all NULL before, and what is found after.
 * False: there is no further one.
 */
bool json_part_each(struct json_part array, struct json_part *element);

#endif /* HANDLERS_JSON_PART_H */
