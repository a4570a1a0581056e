/*
 * secret_shape.h -- what may be wrong with a secret's bytes, and what the
 * right ones might be then.
 *
 * Pure: bytes in, names and bytes out. No text from here holds a byte of a
 * secret, and nothing here accepts a delivery: variants only explain why one
 * was refused.
 */
#ifndef SERVER_SECRET_SHAPE_H
#define SERVER_SECRET_SHAPE_H

#include <stddef.h>

/* How a variant comes from the configured bytes. */
enum secret_variant {
	SECRET_AS_IS,
	SECRET_NO_NEWLINE,   /* without line ends behind it */
	SECRET_TRIMMED,      /* without blanks and line ends around it */
	SECRET_UNQUOTED,     /* without the quotes around it */
	SECRET_UNASSIGNED,   /* NAME=value: the value */
	SECRET_NO_BOM,       /* without a byte order mark before it */
	SECRET_WITH_NEWLINE, /* the other side has these more */
	SECRET_WITH_CRLF,
	SECRET_WITH_BLANK,
	SECRET_WITH_QUOTES,
	SECRET_WITH_APOSTROPHES,
	SECRET_FROM_HEX, /* the bytes that its digits stand for */
	SECRET_FROM_BASE64,
	SECRET_TO_HEX, /* the digits that stand for its bytes */
	SECRET_TO_UPPER_HEX,
	SECRET_TO_BASE64,
	SECRET_LOWER, /* in the other case */
	SECRET_UPPER,
	SECRET_EMPTY, /* the other side has none at all */
	SECRET_NVARIANTS
};

/* Room that any variant of len bytes needs. */
#define SECRET_VARIANT_SIZE(len) (2 * (len) + 8)

/*
 * Write the variant of a secret of len bytes, at least one, to ret_bytes,
 * which has room for SECRET_VARIANT_SIZE(len); the caller wipes it. Returns 0;
 * -1 if there is none of that kind, or it is the same as the secret.
 *
 * SECRET_EMPTY is one NUL: HMAC pads a key with NULs (RFC 2104), so that this
 * and the empty key are one.
 */
int secret_variant_make(enum secret_variant variant, const char *bytes,
    size_t len, char *ret_bytes, size_t *ret_len);

/*
 * What of a secret's bytes is probably a mistake: "ends with a newline", "is
 * in quotes", ...; static. NULL if nothing is odd.
 */
const char *secret_shape_warning(const char *bytes, size_t len);

#endif /* SERVER_SECRET_SHAPE_H */
