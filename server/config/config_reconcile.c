/*
 * What only the whole of [reconcile] shows: what is missing, and the
 * credentials, which are read here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/secrets.h"
#include "server/base/log.h"
#include "server/config/config_check.h"
#include "server/config/config_draft.h"

/* Is it of printable bytes without a blank, and with a key of the right form?
 */
static bool
is_good(const struct config_reconcile *r, const char *bytes, size_t len)
{
	const char *colon = memchr(bytes, ':', len);

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] <= 0x20 || bytes[i] >= 0x7f)
			return (false);
	}
	if (r->auth == AUTH_BEARER)
		return (len > 0);
	return (colon != NULL && colon > bytes && colon < bytes + len - 1);
}

static void
read_credentials(struct config_draft *d, struct config_reconcile *r)
{
	static const char key[] = "reconcile.credentials_file";
	char why[KEY_REASON_MAX], *bytes = NULL;
	bool newline;
	size_t len;

	if (secrets_read_file(r->credentials_file, &bytes, &len, &newline,
		why) == -1) {
		config_draft_error(d, "%s: %s", key, why);
		return;
	}
	if (!is_good(r, bytes, len))
		config_draft_error(d,
		    "%s: %s: holds no %s, printable and "
		    "without blanks",
		    key, log_text(r->credentials_file),
		    r->auth == AUTH_BASIC ? "KEY:SECRET" : "token");
	else if ((r->credentials = strndup(bytes, len)) == NULL)
		config_draft_error(d, "%s: out of memory", key);
	explicit_bzero(bytes, len);
	free(bytes);
}

void
config_check_reconcile(struct config_draft *d)
{
	struct config_reconcile *r = &d->cfg->reconcile;

	if (r->url == NULL) {
		if (r->credentials_file != NULL)
			config_draft_warn(d,
			    "reconcile.credentials_file: nothing is compared "
			    "without reconcile.url");
		return;
	}
	if (r->credentials_file == NULL)
		config_draft_error(d,
		    "reconcile.credentials_file: is missing: the list is for "
		    "those only whom klikit knows");
	else if (d->src->need == CONFIG_SERVER)
		read_credentials(d, r);
	if (r->grace_ms >= r->window_ms)
		config_draft_error(d,
		    "reconcile.grace: is not shorter than reconcile.window: "
		    "nothing would ever be filled");
}
