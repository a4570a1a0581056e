/*
 * config_check.h -- private to config_*.c: what only the whole shows.
 */
#ifndef SERVER_CONFIG_CHECK_H
#define SERVER_CONFIG_CHECK_H

struct config_draft;

/* Check what only the whole shows, and complete it: handlers, secrets. */
void config_check(struct config_draft *d);

/* The files of certificates and keys that it names. */
void config_check_tls(struct config_draft *d);

/* Which secrets open which endpoint; after them, before the handlers' part. */
void config_check_endpoints(struct config_draft *d);

/* The hubs that events are fetched from. */
void config_check_upstreams(struct config_draft *d);
void config_check_reconcile(struct config_draft *d);

/* The user that it is to become, and what that may not read. */
void config_check_user(struct config_draft *d);

/* The handlers' part of it. */
void config_check_handlers(struct config_draft *d);

#endif /* SERVER_CONFIG_CHECK_H */
