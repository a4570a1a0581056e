/*
 * What the handlers are lent.
 */
#include <sys/uio.h>

#include "handlers/net/resolver.h"
#include "server/app/server_env.h"
#include "server/auth/signature.h"
#include "server/base/log.h"
#include "server/cli/open_files.h"
#include "server/dispatch/dispatch.h"
#include "server/tls/tls.h"
#include "server/tls/tls_env.h"
#include "store/base/hex.h"

/* A call has a deadline of its own, which is never that far ahead. */
#define HANDSHAKE_MS (86400 * INT64_C(1000))

static void
env_finish(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	(void)arg;
	dispatch_finish(call, result);
}

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

int
server_env_open(struct server_env *env, struct event_base *base)
{
	const struct tls_engine_options tls = {
		.handshake_timeout_ms = HANDSHAKE_MS,
	};

	env->lent = (struct handler_env){
		.resolver =
		    resolver_new(base, "/etc/resolv.conf", "/etc/hosts"),
		.child_files = open_files_raise(),
		.finish = env_finish,
		.sign = env_sign,
	};
	if ((env->tls = tls_engine_new(base, &tls)) == NULL ||
	    env->lent.resolver == NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	tls_env_set(&env->lent, env->tls);
	return (0);
}

void
server_env_close(struct server_env *env)
{
	resolver_free(env->lent.resolver);
	tls_engine_free(env->tls);
}
