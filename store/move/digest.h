/*
 * digest.h -- the SHA-256 of what comes in pieces.
 *
 * Owns: nothing that outlives the last piece. The one place in store/ that
 *       knows mbedTLS.
 */
#ifndef STORE_MOVE_DIGEST_H
#define STORE_MOVE_DIGEST_H

#include <stddef.h>

#define MOVE_DIGEST_TEXT_MAX 65 /* hex, with its NUL */

struct move_digest; /* opaque */

/* NULL: out of memory. */
struct move_digest *move_digest_new(void);

void move_digest_add(struct move_digest *d, const void *p, size_t len);

/* Of all that was added, in hex; *d is as new then. 0, or -1. */
int move_digest_end(struct move_digest *d, char ret_text[MOVE_DIGEST_TEXT_MAX]);

void move_digest_free(struct move_digest *d); /* accepts NULL */

#endif /* STORE_MOVE_DIGEST_H */
