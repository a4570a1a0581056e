/*
 * google_jwt.h -- the token by which a service account shows who it is: a JWT
 * (RFC 7519) that it signed itself by RS256 (RFC 7518, section 3.3).
 *
 * Pure: text in, text out; the signature is made elsewhere (rsa_sign.h).
 */
#ifndef HANDLERS_GOOGLE_JWT_H
#define HANDLERS_GOOGLE_JWT_H

#include <stddef.h>
#include <stdint.h>

/* Google takes none that is good for longer. */
#define GOOGLE_JWT_LIFE_S 3600

struct google_claims {
	const char *email;    /* iss and sub */
	const char *key_id;   /* kid; NULL: none */
	const char *audience; /* aud: "https://pubsub.googleapis.com/" */
	int64_t issued_s;     /* iat, in seconds since the epoch */
};

/*
 * What is to be signed: header and claims, in base64url, with a dot between
 * them. Good for GOOGLE_JWT_LIFE_S. Owned by the caller; NULL when out of
 * memory, or a text is not UTF-8.
 */
char *google_jwt_input(const struct google_claims *claims);

/*
 * The whole token: the input, a dot, the signature in base64url. Owned by the
 * caller, who wipes it; NULL when out of memory.
 */
char *google_jwt_join(const char *input, const unsigned char *signature,
    size_t len);

#endif /* HANDLERS_GOOGLE_JWT_H */
