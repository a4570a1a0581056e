#include "server/tls/tls_sessions.h"

#include <stdlib.h>
#include <string.h>

static size_t
find(const struct tls_sessions *s, const char *host)
{
	size_t i = 0;

	while (i < TLS_SESSIONS_MAX && (s->items[i].host == NULL ||
					   strcmp(s->items[i].host, host) != 0))
		i++;
	return (i);
}

const mbedtls_ssl_session *
tls_sessions_find(const struct tls_sessions *s, const char *host)
{
	size_t i = find(s, host);

	return (i < TLS_SESSIONS_MAX ? &s->items[i].session : NULL);
}

static void
clear(struct tls_session *session)
{
	if (session->host == NULL)
		return;
	mbedtls_ssl_session_free(&session->session);
	free(session->host);
	session->host = NULL;
}

/* A free entry, or that of the session kept the longest time ago. */
static struct tls_session *
make_room(struct tls_sessions *s)
{
	struct tls_session *oldest = &s->items[0];

	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++) {
		if (s->items[i].host == NULL)
			return (&s->items[i]);
		if (s->items[i].kept < oldest->kept)
			oldest = &s->items[i];
	}
	return (oldest);
}

void
tls_sessions_keep(struct tls_sessions *s, const char *host,
    const mbedtls_ssl_context *ssl)
{
	struct tls_session *session;
	size_t i = find(s, host);
	char *copy;

	if ((copy = strdup(host)) == NULL)
		return;
	session = i < TLS_SESSIONS_MAX ? &s->items[i] : make_room(s);
	clear(session);
	mbedtls_ssl_session_init(&session->session);
	if (mbedtls_ssl_get_session(ssl, &session->session) != 0) {
		mbedtls_ssl_session_free(&session->session);
		free(copy);
		return;
	}
	session->host = copy;
	session->kept = ++s->nkept;
}

void
tls_sessions_fini(struct tls_sessions *s)
{
	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++)
		clear(&s->items[i]);
}
