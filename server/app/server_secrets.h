/*
 * server_secrets.h -- the secrets of a configuration, ready for use.
 */
#ifndef SERVER_SERVER_SECRETS_H
#define SERVER_SERVER_SECRETS_H

#include <stdint.h>

#include "server/auth/secrets.h"
#include "server/config/config.h"

/*
 * Each is logged, and what is odd about it. Owned by the caller. NULL when out
 * of memory.
 */
struct secrets *server_secrets_new(const struct config *cfg, int64_t now_ms);

#endif /* SERVER_SERVER_SECRETS_H */
