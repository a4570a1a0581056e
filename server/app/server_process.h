/*
 * server_process.h -- what the process may do: which user it is, and what of
 * the file system it may touch.
 */
#ifndef SERVER_SERVER_PROCESS_H
#define SERVER_SERVER_PROCESS_H

#include <stdbool.h>

struct config;
struct server;

/*
 * Before any thread is made, and before anything is opened but what needs root:
 * ports, the certificate's key. Returns 0, or -1, logged.
 */
int server_open_process(struct server *s);

/*
 * Can a configuration be in force with the rights that this process has kept?
 * If not that is logged.
 */
bool server_process_allows(const struct server *s, const struct config *next);

#endif /* SERVER_SERVER_PROCESS_H */
