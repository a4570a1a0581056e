/*
 * json_secret.h -- a secret that stands in a JSON object, taken out before the
 * rest is parsed: the JSON library leaves copies of what it reads.
 *
 * Pure: bytes in, text out.
 */
#ifndef HANDLERS_JSON_SECRET_H
#define HANDLERS_JSON_SECRET_H

#include <stddef.h>

/*
 * The text of the object's member of that name, if that is a string; in bytes
 * each of its characters becomes an 'x', so that they stay what they were as
 * JSON. Owned by the caller, who wipes it. NULL: there is none, bytes are no
 * object, or when out of memory. Takes any bytes, and only the first member of
 * that name.
 */
char *json_secret_take(char *bytes, size_t len, const char *name);

#endif /* HANDLERS_JSON_SECRET_H */
