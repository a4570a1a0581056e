#include "server/auth/admin_token.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/secrets.h"
#include "server/base/log.h"

char *
admin_token_take(const char *bytes, size_t len)
{
	bool fits = len >= ADMIN_TOKEN_MIN && len <= ADMIN_TOKEN_MAX;

	for (size_t i = 0; i < len; i++)
		fits = fits && bytes[i] > 0x20 && bytes[i] < 0x7f;
	return (fits ? strndup(bytes, len) : NULL);
}

char *
admin_token_read(const char *path, char reason[ADMIN_TOKEN_REASON_MAX])
{
	char *bytes = NULL, *token;
	bool dropped;
	char why[256];
	size_t len;

	if (secrets_read_file(path, &bytes, &len, &dropped, why) == -1) {
		(void)snprintf(reason, ADMIN_TOKEN_REASON_MAX, "%s", why);
		return (NULL);
	}
	if ((token = admin_token_take(bytes, len)) == NULL)
		(void)snprintf(reason, ADMIN_TOKEN_REASON_MAX,
		    "%s: holds no token: " ADMIN_TOKEN_FORM, log_text(path));
	explicit_bzero(bytes, len);
	free(bytes);
	return (token);
}
