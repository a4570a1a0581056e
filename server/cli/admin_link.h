/*
 * admin_link.h -- how a verb finds the server that holds a store.
 *
 * The server writes the URL of its admin listener to a file beside the store
 * (its path and ".admin", 0600) and removes it when it stops. What a killed
 * one leaves behind does no harm: a verb looks there only when the lock says
 * that a server holds the store.
 */
#ifndef SERVER_ADMIN_LINK_H
#define SERVER_ADMIN_LINK_H

#include "server/http/http_address.h"

#define ADMIN_LINK_REASON_MAX 512

/*
 * Write url to the file beside the store of that url ("sqlite:PATH"),
 * replacing it at once. Of a store that is no file nothing is written: verbs
 * change it by themselves. Returns 0; -1 and one line of reason.
 */
int admin_link_write(const char *store_url, const char *url,
    char reason[ADMIN_LINK_REASON_MAX]);

/* Remove the file, if it is there. */
void admin_link_remove(const char *store_url);

/*
 * Read the URL. Returns 0; -1 and one line of reason, also when there is no
 * such file.
 */
int admin_link_read(const char *store_url, char ret_url[HTTP_URL_MAX],
    char reason[ADMIN_LINK_REASON_MAX]);

#endif /* SERVER_ADMIN_LINK_H */
