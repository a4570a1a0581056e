/*
 * server_webhooks.h -- where deliveries go to, and commands that send one.
 */
#ifndef SERVER_SERVER_WEBHOOKS_H
#define SERVER_SERVER_WEBHOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/config/config.h"

struct server_webhooks {
	bool dev;            /* it is klikitd dev */
	const char *ca_file; /* for the commands below; or NULL */
	char **bases;        /* URLs of its public listeners, without a path */
	size_t nbases;
	char **urls;  /* of each endpoint's paths there */
	char **names; /* the endpoint of each */
	size_t n;
	size_t nnames; /* one more than n where there was no memory */
	char *trigger; /* commands that send it an event; or NULL */
	char *sign;
	char *curl;
};

/* A public listener is open at url. Short of memory it is not shown. */
void server_webhooks_add(struct server_webhooks *w, const struct config *cfg,
    const char *url);

/* Its endpoints are those of cfg from now on. */
void server_webhooks_set(struct server_webhooks *w, const struct config *cfg);

void server_webhooks_fini(struct server_webhooks *w);

#endif /* SERVER_SERVER_WEBHOOKS_H */
