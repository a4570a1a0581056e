/*
 * live_server.h -- the klikitd of this machine that serves from a store, and
 * asking it.
 *
 * Touches: /proc, the file beside the store or its receivers, the token's file,
 *          the network. Blocks: only for verbs.
 */
#ifndef SERVER_LIVE_SERVER_H
#define SERVER_LIVE_SERVER_H

#include <stdbool.h>

#include "server/cli/trigger_client.h"
#include "server/config/config.h"
#include "server/http/http_address.h"

struct store;

#define LIVE_SERVER_REASON_MAX TRIGGER_CLIENT_REASON_MAX

/* All zero at the beginning. */
struct live_server {
	char url[HTTP_URL_MAX]; /* of its admin listener; empty: not known */
	char *token;            /* that it may ask for; NULL: none */
};

/*
 * Does one serve from the configuration's store? st: that store, open, if it is
 * one that several share; NULL: it cannot be opened.
 */
bool live_server_runs(struct live_server *ls, const struct config *cfg,
    struct store *st);

/*
 * Where it answers. Of a store that several share only after
 * live_server_runs(). Returns 0; -1 and one line of reason.
 */
int live_server_find(struct live_server *ls, const struct config *cfg,
    char reason[LIVE_SERVER_REASON_MAX]);

/*
 * POST body (NULL: GET) to path, which is encoded, and wait for the answer.
 * Returns 0; -1 and why, if none came.
 */
int live_server_ask(const struct live_server *ls, const char *path,
    const char *body, struct trigger_answer *ret_answer,
    char reason[LIVE_SERVER_REASON_MAX]);

/* Wipes the token. */
void live_server_fini(struct live_server *ls);

#endif /* SERVER_LIVE_SERVER_H */
