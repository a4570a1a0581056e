/*
 * lent_env.h -- what handlers are lent: TLS, names, signatures. The same for
 * the server and for those who only try a handler.
 */
#ifndef SERVER_LENT_ENV_H
#define SERVER_LENT_ENV_H

#include "handlers/handler.h"

struct event_base;
struct tls_engine;

struct lent_env {
	/* All but finish() and child_files, which are the server's to set. */
	struct handler_env env;
	struct tls_engine *tls; /* of outgoing connections */
};

/*
 * Returns 0; -1 when out of memory, and then lent is fit for lent_env_close().
 * Not to be moved afterwards.
 */
int lent_env_open(struct lent_env *lent, struct event_base *base);

/* When no handler lives any more. Accepts one that is all zero. */
void lent_env_close(struct lent_env *lent);

#endif /* SERVER_LENT_ENV_H */
