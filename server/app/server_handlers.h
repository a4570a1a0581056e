/*
 * server_handlers.h -- the handlers of the configuration, put to work.
 */
#ifndef SERVER_SERVER_HANDLERS_H
#define SERVER_SERVER_HANDLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "server/intake/selection.h"

struct config;
struct config_handler;
struct server;
struct store_handler_info;

/* What the store knows of a configured handler. */
struct server_handler {
	int64_t number;
	bool paused;
};

/*
 * Put the handlers of cfg to work; known is what the store knows of them, in
 * the same order. Returns 0, or -1 and a reason; then the old ones go on.
 */
int server_set_handlers(struct server *s, const struct config *cfg,
    const struct server_handler *known, char reason[HANDLER_REASON_MAX]);

/* Which events that handler is for; borrowed from it. */
struct selection server_handler_takes(const struct config_handler *ch);

/* Note in known, by number, which of them are paused. */
void server_note_paused(struct server_handler *known, size_t nknown,
    const struct store_handler_info *rows, size_t n);

#endif /* SERVER_SERVER_HANDLERS_H */
