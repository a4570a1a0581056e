/*
 * json_check.h -- is a value JSON (RFC 8259), and where does it end?
 *
 * Pure: libc only. One pass, nothing recurses and nothing is kept of the value.
 * Every byte is checked but for the encoding: a string may hold what is not
 * UTF-8. A key has to be a string. Nothing is read past end.
 */
#ifndef STORE_BASE_JSON_CHECK_H
#define STORE_BASE_JSON_CHECK_H

#include <stdbool.h>

/* The deepest that can be asked for. */
#define JSON_CHECK_DEPTH_MAX 1024

/*
 * Past the value at p; NULL if it is none, or does not end, or is nested deeper
 * than depth levels, of which a scalar has none and [] one.
 */
const char *json_check_value(const char *p, const char *end, unsigned depth);

/*
 * p is where the key of a member stands: past its colon, and past blanks;
 * *ret_end is the place after the key. NULL: there is no such thing.
 */
const char *json_check_key(const char *p, const char *end,
    const char **ret_end);

/*
 * p is past an element of an array (closer: ']') or a member of an object
 * ('}'). Returns the place of the next one, or the one after the closer, which
 * *ret_closed tells; NULL: neither stands there.
 */
const char *json_check_next(const char *p, const char *end, char closer,
    bool *ret_closed);

#endif /* STORE_BASE_JSON_CHECK_H */
