/*
 * tls_env.h -- what outgoing connections of handlers/net need of TLS.
 *
 * A handler holds a context (struct tls_context), whose insides it does not
 * know, as struct handler_tls.
 */
#ifndef SERVER_TLS_ENV_H
#define SERVER_TLS_ENV_H

struct handler_env;
struct handler_tls;
struct tls_context;
struct tls_engine;

/*
 * Set env's base, now_ms, connect and all that is called tls_ in it, for
 * connections on the engine's loop. Its arg is the engine, which is kept; what
 * else is called with that arg must not use it.
 */
void tls_env_set(struct handler_env *env, struct tls_engine *engine);

/* A context as the env's functions take it. */
struct handler_tls *tls_env_context(struct tls_context *ctx);

#endif /* SERVER_TLS_ENV_H */
