/*
 * What the handlers are lent.
 */
#include <sys/uio.h>

#include <stdio.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "handlers/net/resolver.h"
#include "server/app/server_env.h"
#include "server/auth/signature.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/cli/open_files.h"
#include "server/dispatch/dispatch.h"
#include "server/tls/tls.h"
#include "store/base/hex.h"

/* A call has a deadline of its own, which is never that far ahead. */
#define HANDSHAKE_MS (86400 * INT64_C(1000))

static int64_t
env_now_ms(void *arg)
{
	(void)arg;
	return (clock_wall_ms());
}

static void
env_finish(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	(void)arg;
	dispatch_finish(call, result);
}

/* -- TLS: what a handler holds is a context, whose insides it does not know */

static struct handler_tls *
env_tls_open(void *arg, const struct handler_tls_files *files,
    char reason[HANDLER_REASON_MAX])
{
	const struct tls_client_options options = {
		.ca_file = files->ca_file,
		.certificate = files->client_certificate,
		.key = files->client_key,
	};
	char why[TLS_REASON_MAX];
	struct tls_context *ctx;

	(void)arg;
	if ((ctx = tls_client_new(&options, why)) == NULL)
		(void)snprintf(reason, HANDLER_REASON_MAX, "%.*s",
		    HANDLER_REASON_MAX - 1, why);
	return ((struct handler_tls *)ctx);
}

static void
env_tls_close(void *arg, struct handler_tls *tls)
{
	(void)arg;
	tls_context_unref((struct tls_context *)tls);
}

static struct bufferevent *
env_connect(void *arg, struct handler_tls *tls, const char *host, uint16_t port)
{
	struct server_env *env = arg;

	(void)port;
	if (tls == NULL)
		return (bufferevent_socket_new(env->lent.base, -1,
		    BEV_OPT_CLOSE_ON_FREE));
	return (tls_bufferevent_new(env->tls, (struct tls_context *)tls, host));
}

static const char *
env_tls_failure(void *arg, struct bufferevent *bev)
{
	(void)arg;
	return (tls_reason(bev));
}

static uint64_t
env_tls_sent(void *arg, struct bufferevent *bev)
{
	(void)arg;
	return (tls_sent(bev));
}

static void
env_tls_leave(void *arg, struct bufferevent *bev)
{
	(void)arg;
	tls_close(bev);
}

/* -- All of it -- */

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
		.base = base,
		.now_ms = env_now_ms,
		.child_files = open_files_raise(),
		.finish = env_finish,
		.tls_open = env_tls_open,
		.tls_close = env_tls_close,
		.connect = env_connect,
		.tls_failure = env_tls_failure,
		.tls_sent = env_tls_sent,
		.tls_leave = env_tls_leave,
		.sign = env_sign,
		.arg = env,
	};
	env->lent.resolver =
	    resolver_new(base, "/etc/resolv.conf", "/etc/hosts");
	if ((env->tls = tls_engine_new(base, &tls)) == NULL ||
	    env->lent.resolver == NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	return (0);
}

void
server_env_close(struct server_env *env)
{
	resolver_free(env->lent.resolver);
	tls_engine_free(env->tls);
}
