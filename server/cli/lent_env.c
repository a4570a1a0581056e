#include "server/cli/lent_env.h"

#include <sys/uio.h>

#include "handlers/net/resolver.h"
#include "server/auth/signature.h"
#include "server/base/log.h"
#include "server/cli/process_guard.h"
#include "server/config/config_env.h"
#include "server/tls/tls.h"
#include "server/tls/tls_env.h"
#include "store/base/hex.h"

/* A call has a deadline of its own, which is never that far ahead. */
#define HANDSHAKE_MS (86400 * INT64_C(1000))

static int
env_sign(void *arg, const void *secret, size_t secret_len, const void *body,
    size_t body_len, char ret_hex[SIGNATURE_TEXT_LEN + 1])
{
	const struct iovec seg = { (void *)body, body_len };
	unsigned char mac[SIGNATURE_LEN];
	struct signature_key *key;
	int rc;

	(void)arg;
	if ((key = signature_key_new(secret, secret_len)) == NULL)
		return (-1);
	if ((rc = signature_mac(key, &seg, 1, mac)) == 0)
		hex_encode(mac, sizeof(mac), ret_hex);
	signature_key_free(key);
	return (rc);
}

static const char *
env_variable(void *arg, const char *name)
{
	(void)arg;
	return (config_env_get(process_environment(), name));
}

static void
env_note(void *arg, const char *handler, enum handler_level level,
    const char *text)
{
	(void)arg;
	if (level == HANDLER_FINE)
		log_info("handler %s: %s", handler, text);
	else
		log_warn("handler %s: %s", handler, text);
}

int
lent_env_open(struct lent_env *lent, struct event_base *base)
{
	const struct tls_engine_options tls = {
		.handshake_timeout_ms = HANDSHAKE_MS,
	};

	*lent = (struct lent_env){
		.tls = tls_engine_new(base, &tls),
		.env.resolver =
		    resolver_new(base, "/etc/resolv.conf", "/etc/hosts"),
		.env.sign = env_sign,
		.env.variable = env_variable,
		.env.note = env_note,
	};
	if (lent->tls == NULL || lent->env.resolver == NULL)
		return (-1);
	tls_env_set(&lent->env, lent->tls);
	return (0);
}

void
lent_env_close(struct lent_env *lent)
{
	resolver_free(lent->env.resolver);
	tls_engine_free(lent->tls);
}
