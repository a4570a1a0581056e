#include "handlers/queue/google_jwt.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/base64.h"

/* Write base64url without padding (RFC 4648, section 5); its length. */
static size_t
put_base64url(const void *bytes, size_t len, char *ret_text)
{
	size_t n = base64_encode(bytes, len, ret_text);

	while (n > 0 && ret_text[n - 1] == '=')
		ret_text[--n] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (ret_text[i] == '+')
			ret_text[i] = '-';
		else if (ret_text[i] == '/')
			ret_text[i] = '_';
	}
	return (n);
}

/* The text of a JSON value, which it takes; NULL when out of memory. */
static char *
print_json(json_t *value)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);

	json_decref(value);
	return (text);
}

static char *
print_header(const char *key_id)
{
	/* "s*": left out if NULL */
	return (print_json(json_pack("{s:s, s:s, s:s*}", "alg", "RS256", "typ",
	    "JWT", "kid", key_id)));
}

static char *
print_claims(const struct google_claims *c)
{
	return (print_json(
	    json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", c->email, "sub",
		c->email, "aud", c->audience, "iat", (json_int_t)c->issued_s,
		"exp", (json_int_t)(c->issued_s + GOOGLE_JWT_LIFE_S))));
}

char *
google_jwt_input(const struct google_claims *claims)
{
	char *header = print_header(claims->key_id);
	char *body = print_claims(claims);
	char *text = NULL;
	size_t n;

	if (header != NULL && body != NULL)
		text = malloc(
		    BASE64_SIZE(strlen(header)) + BASE64_SIZE(strlen(body)));
	if (text != NULL) {
		n = put_base64url(header, strlen(header), text);
		text[n++] = '.';
		(void)put_base64url(body, strlen(body), text + n);
	}
	free(header);
	free(body);
	return (text);
}

char *
google_jwt_join(const char *input, const unsigned char *signature, size_t len)
{
	size_t n = strlen(input);
	char *text = malloc(n + 1 + BASE64_SIZE(len));

	if (text == NULL)
		return (NULL);
	memcpy(text, input, n);
	text[n++] = '.';
	(void)put_base64url(signature, len, text + n);
	return (text);
}
