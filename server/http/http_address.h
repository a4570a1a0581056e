/*
 * http_address.h -- addresses to listen on, and their sockets.
 *
 * Touches: sockets. No name server, no loop, no log.
 *
 * An address is "HOST:PORT", "[V6]:PORT" or "*:PORT" (every address, IPv6 and
 * IPv4), HOST numeric or "localhost"; port 0 lets the kernel choose. Or it is
 * "fd:N": a listening socket that this process has already, and gives away. No
 * configuration can name one.
 */
#ifndef SERVER_HTTP_ADDRESS_H
#define SERVER_HTTP_ADDRESS_H

#define HTTP_ADDRESS_REASON_MAX 256
#define HTTP_URL_MAX 128

#define HTTP_ADDRESS_FD "fd:"

/*
 * A listening socket, which does not block. Writes "SCHEME://HOST:PORT" with
 * the real port to ret_url. Returns -1, and one line that says what to do in
 * reason, on failure.
 */
int http_address_open(const char *address, const char *scheme,
    char ret_url[HTTP_URL_MAX], char reason[HTTP_ADDRESS_REASON_MAX]);

/*
 * Could one listen there now? It is bound for a moment, and not listened on.
 * Returns 0, or the errno of why not; EINVAL if it is no address.
 */
int http_address_test(const char *address);

/* Why one cannot listen there, by errno (0: it is no address): what to do. */
void http_address_reason(const char *address, int error,
    char reason[HTTP_ADDRESS_REASON_MAX]);

#endif /* SERVER_HTTP_ADDRESS_H */
