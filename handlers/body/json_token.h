/*
 * json_token.h -- the text that one JSON value stands for.
 *
 * Pure: a value as it stands in a document in, clean text out.
 */
#ifndef HANDLERS_JSON_TOKEN_H
#define HANDLERS_JSON_TOKEN_H

#include <stddef.h>

/*
 * Where the value that begins at token ends. It must be well-formed JSON (RFC
 * 8259, but for the encoding), of any kind and depth.
 */
const char *json_token_end(const char *token);

/*
 * Write the text of a number or a string to ret_text, which has room for size
 * bytes; it is valid UTF-8 and ends with a NUL. A number is its digits as
 * they stand. A string is decoded; one that has no clean text (lone surrogate,
 * U+0000, invalid UTF-8) is its token as it stands, quotes and all, with '?'
 * for each byte that is no part of valid UTF-8. token must be well-formed
 * (see above) and end at token + len. Returns the text's length, or -1, and
 * then ret_text is undefined: token is neither number nor string, or its text
 * does not fit.
 */
int json_token_text(const char *token, size_t len, size_t size, char *ret_text);

#endif /* HANDLERS_JSON_TOKEN_H */
