/*
 * server_env.h -- what the handlers are lent: TLS, names, signatures.
 */
#ifndef SERVER_SERVER_ENV_H
#define SERVER_SERVER_ENV_H

#include "handlers/handler.h"

struct event_base;
struct tls_engine;

struct server_env {
	struct handler_env lent;
	struct tls_engine *tls; /* of outgoing connections */
};

/* Returns 0; -1, logged, when out of memory. Not to be moved afterwards. */
int server_env_open(struct server_env *env, struct event_base *base);

/* When no handler lives any more. Accepts one that was never opened. */
void server_env_close(struct server_env *env);

#endif /* SERVER_SERVER_ENV_H */
