#include "server/tls/tls_env.h"

#include <stdio.h>

#include <event2/bufferevent.h>

#include "handlers/handler.h"
#include "server/base/clock.h"
#include "server/tls/tls.h"
#include "server/tls/tls_engine.h"

static int64_t
env_now_ms(void *arg)
{
	(void)arg;
	return (clock_wall_ms());
}

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
	return (tls_env_context(ctx));
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
	struct tls_engine *engine = arg;

	(void)port;
	if (tls == NULL)
		return (bufferevent_socket_new(tls_engine_base(engine), -1,
		    BEV_OPT_CLOSE_ON_FREE));
	return (tls_bufferevent_new(engine, (struct tls_context *)tls, host));
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
env_tls_flush(void *arg, struct bufferevent *bev)
{
	(void)arg;
	tls_flush(bev);
}

static void
env_tls_leave(void *arg, struct bufferevent *bev)
{
	(void)arg;
	tls_close(bev);
}

void
tls_env_set(struct handler_env *env, struct tls_engine *engine)
{
	env->base = tls_engine_base(engine);
	env->now_ms = env_now_ms;
	env->tls_open = env_tls_open;
	env->tls_close = env_tls_close;
	env->connect = env_connect;
	env->tls_failure = env_tls_failure;
	env->tls_sent = env_tls_sent;
	env->tls_flush = env_tls_flush;
	env->tls_leave = env_tls_leave;
	env->arg = engine;
}

struct handler_tls *
tls_env_context(struct tls_context *ctx)
{
	return ((struct handler_tls *)ctx);
}
