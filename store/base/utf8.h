/*
 * utf8.h -- where a character of UTF-8 ends, and which may be shown.
 *
 * Pure: bytes in, lengths out.
 */
#ifndef STORE_BASE_UTF8_H
#define STORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length in bytes (1 to 4) of the well-formed character at text, of which
 * len bytes may be read; 0 if there is none: a stray or missing continuation,
 * an overlong form, a surrogate, a value beyond U+10FFFF, or len 0. With a
 * length writes the character to *ret_code.
 */
size_t utf8_next(const char *text, size_t len, uint32_t *ret_code);

/*
 * Write the character, up to U+10FFFF, to ret_bytes. Returns its length. A
 * surrogate is written as if it were a character.
 */
#define UTF8_MAX 4
size_t utf8_put(uint32_t code, char ret_bytes[UTF8_MAX]);

/*
 * May the character be shown as it is? Not so the controls of both sets, the
 * separators of lines and paragraphs, what turns the direction of writing,
 * and tags that are not seen: a terminal or a reader could be fooled by any.
 */
bool utf8_is_plain(uint32_t code);

/* Write the character as JSON escapes it: \uNNNN, beyond 16 bits two. */
#define UTF8_ESCAPE_MAX 13
void utf8_escape(uint32_t code, char ret_text[UTF8_ESCAPE_MAX]);

#endif /* STORE_BASE_UTF8_H */
