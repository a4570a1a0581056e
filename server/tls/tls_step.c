#include "server/tls/tls_step.h"

#include <stdlib.h>
#include <string.h>

/* A server's first answer, with a usual chain. */
#define OUT_SIZE ((size_t)4096)

/* mbedTLS: bytes for the peer. */
static int
step_send_cb(void *arg, const unsigned char *bytes, size_t len)
{
	struct tls_step *s = arg;
	size_t size = s->out_size == 0 ? OUT_SIZE : s->out_size;
	unsigned char *grown;

	while (size - s->out_len < len)
		size *= 2;
	if (size > s->out_size) {
		if ((grown = realloc(s->out, size)) == NULL)
			return (MBEDTLS_ERR_SSL_ALLOC_FAILED);
		s->out = grown;
		s->out_size = size;
	}
	memcpy(s->out + s->out_len, bytes, len);
	s->out_len += len;
	return ((int)len);
}

/* mbedTLS: bytes from the peer. */
static int
step_recv_cb(void *arg, unsigned char *buf, size_t len)
{
	struct tls_step *s = arg;
	size_t left = s->in_len - s->in_read;

	if (left == 0)
		return (MBEDTLS_ERR_SSL_WANT_READ);
	if (len > left)
		len = left;
	memcpy(buf, s->in + s->in_read, len);
	s->in_read += len;
	return ((int)len);
}

int
tls_step_init(struct tls_step *s, size_t len)
{
	memset(s, 0, sizeof(*s));
	if ((s->in = malloc(len > 0 ? len : 1)) == NULL)
		return (-1);
	s->in_len = len;
	return (0);
}

void
tls_step_compute(struct tls_step *s, mbedtls_ssl_context *ssl)
{
	mbedtls_ssl_set_bio(ssl, s, step_send_cb, step_recv_cb, NULL);
	s->rc = mbedtls_ssl_handshake(ssl);
}

void
tls_step_fini(struct tls_step *s)
{
	free(s->in);
	free(s->out);
	memset(s, 0, sizeof(*s));
}
