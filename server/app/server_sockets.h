/*
 * server_sockets.h -- where each listener comes from: a socket that the service
 * manager has opened, or an address.
 */
#ifndef SERVER_SERVER_SOCKETS_H
#define SERVER_SERVER_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "handlers/key.h"
#include "server/service/listen_fds.h"

struct server;

#define SERVER_ADDRESS_MAX LISTEN_TEXT_MAX

/* Take over what the service manager has opened. Returns 0, or -1, logged. */
int server_open_sockets(struct server *s);

/*
 * Open all that the configuration lists, for the listeners to come: as root,
 * before it is none any more. Returns 0, or -1, logged.
 */
int server_bind_sockets(struct server *s);

/* The key of the configuration: "http.listen". */
const char *server_sockets_key(enum listen_key which);

/*
 * What to listen on next, for http_listen(), of what the key lists; n is 0 at
 * first. False: that was all.
 */
bool server_sockets_next(struct server *s, enum listen_key which,
    const struct key_list *list, size_t *inout_n,
    char ret_address[SERVER_ADDRESS_MAX]);

/* All listeners are open: was every socket of use? Returns 0, or -1, logged. */
int server_sockets_used(const struct server *s);

#endif /* SERVER_SERVER_SOCKETS_H */
