/*
 * tls_step.h -- private to tls*.c: a step of a handshake, from what has come to
 * what is to be sent.
 *
 * Owns:    copies of these bytes. So it can be computed without the connection.
 * Touches: mbedTLS's state of the connection. No bufferevent, no socket.
 * Threads: belongs to one at a time.
 */
#ifndef SERVER_TLS_STEP_H
#define SERVER_TLS_STEP_H

#include <stddef.h>

#include <mbedtls/ssl.h>

/* All zero at the beginning, and after tls_step_fini(). */
struct tls_step {
	unsigned char *in; /* what has come */
	size_t in_len;
	size_t in_read;     /* of it, by mbedTLS */
	unsigned char *out; /* what is to be sent */
	size_t out_len;
	size_t out_size;
	int rc; /* mbedTLS's */
};

/* Room for len bytes that have come, at s->in. Returns 0; -1: no memory. */
int tls_step_init(struct tls_step *s, size_t len);

/* Do what they allow of the handshake. Sets all but `in' and its length. */
void tls_step_compute(struct tls_step *s, mbedtls_ssl_context *ssl);

void tls_step_fini(struct tls_step *s);

#endif /* SERVER_TLS_STEP_H */
