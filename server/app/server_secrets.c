#include "server/app/server_secrets.h"

#include "server/auth/secret_shape.h"
#include "server/base/log.h"

static void
log_secret(const struct config_secret *cs, const struct secrets_info *info,
    int64_t now_ms)
{
	const char *odd;

	log_info("secret %s: %zu bytes, fingerprint %s, from %s%s%s",
	    log_text(info->name), info->len, info->fingerprint,
	    log_text(cs->source), info->scope[0] == '\0' ? "" : ", scope ",
	    info->scope);
	if (cs->newline_dropped)
		log_info("secret %s: the newline at the end of %s is not part "
			 "of it",
		    log_text(info->name), log_text(cs->source));
	if ((odd = secret_shape_warning(cs->bytes, cs->len)) != NULL)
		log_warn("secret %s: %s %s; every byte of it counts, so if "
			 "klikit's is not so, signatures will not match",
		    log_text(info->name), log_text(cs->source), odd);
	if (info->valid_until_ms != 0 && info->valid_until_ms <= now_ms)
		log_warn("secret %s: no longer valid: past its valid_until",
		    log_text(info->name));
}

struct secrets *
server_secrets_new(const struct config *cfg, int64_t now_ms)
{
	struct secrets *sec;
	struct secrets_info info;

	if ((sec = secrets_new()) == NULL)
		return (NULL);
	if (cfg->nsecrets == 0)
		log_info("secrets: none: events come from hubs only, and every "
			 "delivery is answered 401");
	for (size_t i = 0; i < cfg->nsecrets; i++) {
		const struct config_secret *cs = &cfg->secrets[i];

		if (secrets_add(sec, cs->name, cs->bytes, cs->len,
			cs->valid_until_ms) == -1 ||
		    secrets_set_scope(sec, cs->scope) == -1) {
			secrets_free(sec);
			return (NULL);
		}
		secrets_info(sec, i, &info);
		log_secret(cs, &info, now_ms);
	}
	return (sec);
}
