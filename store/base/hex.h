/*
 * hex.h -- bytes to lower-case hex and back; numbers in hex.
 *
 * Pure: libc only, no state.
 */
#ifndef STORE_BASE_HEX_H
#define STORE_BASE_HEX_H

#include <stddef.h>

/*
 * Write 2 * len lower-case digits and a final NUL to ret_text, which must
 * have room for 2 * len + 1 bytes.
 */
void hex_encode(const void *bytes, size_t len, char *ret_text);

/*
 * Decode exactly len bytes from the 2 * len characters at text. Only 0-9 and
 * a-f are digits: klikit signs in lower case. Reads no
 * byte past text + 2 * len. Returns 0, or -1 at the first other character;
 * then ret_bytes is undefined.
 */
int hex_decode(const char *text, size_t len, void *ret_bytes);

/*
 * The number that the n digits at text, at most 7, stand for, in either case;
 * -1 if one of them is no digit.
 */
long hex_value(const char *text, size_t n);

#endif /* STORE_BASE_HEX_H */
