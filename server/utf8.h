/*
 * utf8.h -- where a character of UTF-8 ends.
 *
 * Pure: bytes in, lengths out.
 */
#ifndef SERVER_UTF8_H
#define SERVER_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length in bytes (1 to 4) of the well-formed character at text, of which
 * len bytes may be read; 0 if there is none: a stray or missing continuation,
 * an overlong form, a surrogate, a value beyond U+10FFFF, or len 0. With a
 * length writes the character to *ret_code.
 */
size_t utf8_next(const char *text, size_t len, uint32_t *ret_code);

#endif /* SERVER_UTF8_H */
