#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/diagnosis/diagnosis_input.h"
#include "server/diagnosis/redact.h"

#define MAC_LEN_MIN 43 /* of 32 bytes in base64, without padding */

/* Does the name say, in any writing, that the value is secret? */
static bool
is_secret_name(const char *name)
{
	static const char *const words[] = { "authorization", "cookie",
		"signature", "secret", "token", "password", "hmac", "api-key",
		"apikey", "api_key" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]) != NULL)
			return (true);
	return (false);
}

bool
redact_is_mac(const char *text)
{
	size_t run = 0;

	for (; *text != '\0'; text++) {
		/* The digits of hex and of both kinds of base64. */
		if (isalnum((unsigned char)*text) ||
		    strchr("+/-_", *text) != NULL)
			run++;
		else
			run = 0;
		if (run == MAC_LEN_MIN)
			return (true);
	}
	return (false);
}

void
redact_headers(const struct diagnosis_header *headers, size_t n, char *ret_text,
    size_t size)
{
	const struct diagnosis_header *h;
	size_t len = 0;
	int more;

	ret_text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		h = &headers[i];
		if (is_secret_name(h->name) || redact_is_mac(h->value))
			more = snprintf(ret_text + len, size - len,
			    "%s: (%zu bytes)\n", h->name, strlen(h->value));
		else
			more = snprintf(ret_text + len, size - len, "%s: %s\n",
			    h->name, h->value);
		if (more < 0 || (size_t)more >= size - len) {
			ret_text[len] = '\0';
			return;
		}
		len += (size_t)more;
	}
}
