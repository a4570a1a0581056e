/*
 * base64.h -- bytes to base64 (RFC 4648 section 4) and back.
 *
 * Pure: libc only, no state.
 */
#ifndef STORE_BASE_BASE64_H
#define STORE_BASE_BASE64_H

#include <stddef.h>

/* Room for the text of len bytes, with its padding and a NUL. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* Room for what a text of len characters can decode to. */
#define BASE64_BYTES_MAX(len) ((len) / 4 * 3 + 3)

/*
 * Write the text of the bytes, padded, and a NUL to ret_text, which must have
 * room for BASE64_SIZE(len). Returns the text's length.
 */
size_t base64_encode(const void *bytes, size_t len, char *ret_text);

/*
 * Decode the len characters at text, of either alphabet (section 4 or 5), with
 * or without padding, to ret_bytes, which must have room for
 * BASE64_BYTES_MAX(len). Returns 0 and the number of bytes; -1 if a character
 * is of neither alphabet, the length is impossible, or bits that stand for no
 * byte are set; then ret_bytes is undefined.
 */
int base64_decode(const char *text, size_t len, void *ret_bytes,
    size_t *ret_len);

#endif /* STORE_BASE_BASE64_H */
