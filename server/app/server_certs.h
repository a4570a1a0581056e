/*
 * server_certs.h -- the certificates that the configuration names, handed to
 * the watch.
 */
#ifndef SERVER_SERVER_CERTS_H
#define SERVER_SERVER_CERTS_H

#include "server/config/config.h"

struct cert_watch;

/*
 * Watch the certificates of cfg; what is odd about them is logged. Returns 0,
 * or -1, logged, when out of memory; then the old ones are watched.
 */
int server_certs_watch(struct cert_watch *watch, const struct config *cfg);

#endif /* SERVER_SERVER_CERTS_H */
