/*
 * server_reconcile.h -- private to server*.c: what klikit's list of orders has
 * and the store has not.
 */
#ifndef SERVER_SERVER_RECONCILE_H
#define SERVER_SERVER_RECONCILE_H

#include "handlers/handler.h"

struct config;
struct server;

/* Nothing is compared yet. Returns 0; -1, and logs why. */
int server_open_reconcile(struct server *s);

/*
 * Compare as cfg has it, from now on. Returns 0; -1, with one line in reason,
 * and then all stays as it was.
 */
int server_set_reconcile(struct server *s, const struct config *cfg,
    char reason[HANDLER_REASON_MAX]);

#endif /* SERVER_SERVER_RECONCILE_H */
