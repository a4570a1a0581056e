/*
 * server_http.h -- the public listeners.
 */
#ifndef SERVER_SERVER_HTTP_H
#define SERVER_SERVER_HTTP_H

#include "server/config/config.h"
#include "server/http/http.h"
#include "server/tls/tls.h"

struct server;

/* Warns, if fewer connections are possible than cfg wants. */
struct http_options server_http_limits(const struct config *cfg);

/*
 * Whom the public listeners trust by cfg, and let in; *ret_trust is all zero
 * before, and the caller's, also when this fails. Returns 0; -1 when out of
 * memory.
 */
int server_http_trust(const struct config *cfg, struct http_trust *ret_trust);

/*
 * The certificate and key of cfg, ready for use, owned by the caller; NULL if
 * it names none. Returns 0, or -1 with a reason.
 */
int server_load_tls(const struct config *cfg, struct tls_context **ret_ctx,
    char reason[TLS_REASON_MAX]);

/* Print the line that says where a listener is; log it, if that fails. */
void server_announce(const char *what, const char *url);

/*
 * Open the public listeners and print their lines. Returns 0, and the URL of
 * the first, without a path; or -1, logged.
 */
int server_open_http(struct server *s, char ret_url[HTTP_URL_MAX]);

#endif /* SERVER_SERVER_HTTP_H */
