#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/http.h>

#include "handlers/net/http_client.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443

static int
refuse(char *reason, const char *text)
{
	snprintf(reason, HANDLER_REASON_MAX, "%s", text);
	return (-1);
}

/* Path and query as they go into the request line; NULL: out of memory. */
static char *
url_target(const struct evhttp_uri *uri)
{
	const char *path = evhttp_uri_get_path(uri);
	const char *query = evhttp_uri_get_query(uri);
	char *target;

	if (asprintf(&target, "%s%s%s",
		path == NULL || path[0] == '\0' ? "/" : path,
		query == NULL ? "" : "?", query == NULL ? "" : query) == -1)
		return (NULL);
	return (target);
}

/* A host without the brackets of an IPv6 address; NULL: out of memory. */
static char *
url_host(const char *host)
{
	size_t len = strlen(host);

	if (host[0] == '[' && host[len - 1] == ']')
		return (strndup(host + 1, len - 2));
	return (strdup(host));
}

static int
url_read(const struct evhttp_uri *uri, struct http_client_url *ret_url,
    char *reason)
{
	struct http_client_url url = { .tls = false };
	const char *scheme = evhttp_uri_get_scheme(uri);
	const char *host = evhttp_uri_get_host(uri);
	int port = evhttp_uri_get_port(uri);

	if (scheme != NULL && strcasecmp(scheme, "https") == 0)
		url.tls = true;
	else if (scheme == NULL || strcasecmp(scheme, "http") != 0)
		return (refuse(reason, "must begin with http:// or https://"));
	if (host == NULL || host[0] == '\0')
		return (refuse(reason, "names no host"));
	if (evhttp_uri_get_userinfo(uri) != NULL)
		return (refuse(reason, "must not hold a user or password"));
	if (evhttp_uri_get_fragment(uri) != NULL)
		return (refuse(reason, "must not have a #fragment"));
	if (port == 0)
		return (refuse(reason, "cannot have port 0"));
	if (port == -1)
		port = url.tls ? HTTPS_PORT : HTTP_PORT;
	url.port = (uint16_t)port;
	url.host = url_host(host);
	url.path = url_target(uri);
	if (url.host == NULL || url.path == NULL) {
		http_client_url_fini(&url);
		return (refuse(reason, "out of memory"));
	}
	*ret_url = url;
	return (0);
}

int
http_client_url_parse(const char *text, struct http_client_url *ret_url,
    char reason[HANDLER_REASON_MAX])
{
	struct evhttp_uri *uri;
	int rc;

	if ((uri = evhttp_uri_parse(text)) == NULL)
		return (refuse(reason, "is not http://HOST:PORT/PATH"));
	rc = url_read(uri, ret_url, reason);
	evhttp_uri_free(uri);
	return (rc);
}

void
http_client_url_fini(struct http_client_url *url)
{
	free(url->host);
	free(url->path);
	memset(url, 0, sizeof(*url));
}
