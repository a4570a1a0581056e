/*
 * tls_sessions.h -- the last session with each host, to be taken up again.
 *
 * Owns:    at most TLS_SESSIONS_MAX sessions of mbedTLS; of more hosts the one
 *          kept the longest time ago is replaced.
 */
#ifndef SERVER_TLS_SESSIONS_H
#define SERVER_TLS_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include <mbedtls/ssl.h>

#define TLS_SESSIONS_MAX 8

struct tls_session {
	char *host; /* NULL: free */
	mbedtls_ssl_session session;
	uint64_t kept; /* which one it was, of all that were ever kept */
};

/* All zero at the beginning. */
struct tls_sessions {
	struct tls_session items[TLS_SESSIONS_MAX];
	uint64_t nkept;
};

/* The last one with that host; NULL: there is none. */
const mbedtls_ssl_session *tls_sessions_find(const struct tls_sessions *s,
    const char *host);

/* Keep that of ssl. Without memory the next handshake is a full one. */
void tls_sessions_keep(struct tls_sessions *s, const char *host,
    const mbedtls_ssl_context *ssl);

void tls_sessions_fini(struct tls_sessions *s);

#endif /* SERVER_TLS_SESSIONS_H */
