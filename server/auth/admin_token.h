/*
 * admin_token.h -- a token, as its file holds it: the operator's, or one that a
 * hub is shown.
 *
 * Touches: the file, to read it. Holds nothing.
 */
#ifndef SERVER_ADMIN_TOKEN_H
#define SERVER_ADMIN_TOKEN_H

#include <stddef.h>

#define ADMIN_TOKEN_MIN 16
#define ADMIN_TOKEN_MAX 256
#define ADMIN_TOKEN_FORM "16 to 256 printable characters without blanks"
#define ADMIN_TOKEN_REASON_MAX 512

/*
 * Read the token from path: printable bytes without blanks, ADMIN_TOKEN_MIN
 * to ADMIN_TOKEN_MAX, but for a newline at the end. Returns it, owned by the
 * caller; NULL and one line of reason.
 */
char *admin_token_read(const char *path, char reason[ADMIN_TOKEN_REASON_MAX]);

/*
 * The same from memory: a copy, owned by the caller; NULL if it is none, or
 * when out of memory.
 */
char *admin_token_take(const char *bytes, size_t len);

#endif /* SERVER_ADMIN_TOKEN_H */
