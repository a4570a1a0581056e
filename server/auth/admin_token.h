/*
 * admin_token.h -- the operator's token, as its file holds it.
 *
 * Touches: the file, to read it. Holds nothing.
 */
#ifndef SERVER_ADMIN_TOKEN_H
#define SERVER_ADMIN_TOKEN_H

#define ADMIN_TOKEN_MIN 16
#define ADMIN_TOKEN_MAX 256
#define ADMIN_TOKEN_REASON_MAX 512

/*
 * Read the token from path: printable bytes without blanks, ADMIN_TOKEN_MIN
 * to ADMIN_TOKEN_MAX, but for a newline at the end. Returns it, owned by the
 * caller; NULL and one line of reason.
 */
char *admin_token_read(const char *path, char reason[ADMIN_TOKEN_REASON_MAX]);

#endif /* SERVER_ADMIN_TOKEN_H */
