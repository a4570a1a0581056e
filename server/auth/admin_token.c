#include "server/auth/admin_token.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/secrets.h"
#include "server/base/log.h"

char *
admin_token_read(const char *path, char reason[ADMIN_TOKEN_REASON_MAX])
{
	char *bytes = NULL, *token = NULL;
	bool dropped, fits;
	char why[256];
	size_t len;

	if (secrets_read_file(path, &bytes, &len, &dropped, why) == -1) {
		(void)snprintf(reason, ADMIN_TOKEN_REASON_MAX,
		    "admin.token_file: %s", why);
		return (NULL);
	}
	fits = len >= ADMIN_TOKEN_MIN && len <= ADMIN_TOKEN_MAX;
	for (size_t i = 0; i < len; i++)
		fits = fits && bytes[i] > 0x20 && bytes[i] < 0x7f;
	if (!fits)
		(void)snprintf(reason, ADMIN_TOKEN_REASON_MAX,
		    "admin.token_file: %s: holds no token: %d to %d printable "
		    "characters without blanks",
		    log_text(path), ADMIN_TOKEN_MIN, ADMIN_TOKEN_MAX);
	else if ((token = strndup(bytes, len)) == NULL)
		(void)snprintf(reason, ADMIN_TOKEN_REASON_MAX,
		    "admin.token_file: out of memory");
	explicit_bzero(bytes, len);
	free(bytes);
	return (token);
}
