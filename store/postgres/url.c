/* What a URL says, as libpq understands it; and what of it may be shown. */
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres/errors.h"
#include "store/postgres/url.h"

#define SCHEME "postgres:"

char *
url_for_libpq(const char *url)
{
	size_t len = strlen(SCHEME);
	char *whole;

	if (strncmp(url, SCHEME, len) != 0 || url[len] == '/')
		return (strdup(url));
	if (asprintf(&whole, SCHEME "//%s", url + len) == -1)
		return (NULL);
	return (whole);
}

/* The parts, for parts_free(); NULL: it is none, or there is no memory. */
static PQconninfoOption *
parts_of(const char *url)
{
	PQconninfoOption *parts = NULL;
	char *whole = url_for_libpq(url);
	char *words = NULL;

	if (whole == NULL)
		return (NULL);
	parts = PQconninfoParse(whole, &words);
	if (words != NULL) { /* it may quote the whole URL */
		explicit_bzero(words, strlen(words));
		PQfreemem(words);
	}
	explicit_bzero(whole, strlen(whole));
	free(whole);
	return (parts);
}

static void
parts_free(PQconninfoOption *parts)
{
	for (PQconninfoOption *p = parts; p != NULL && p->keyword != NULL; p++)
		if (p->val != NULL)
			explicit_bzero(p->val, strlen(p->val));
	PQconninfoFree(parts);
}

/* "": it is not there. */
static const char *
part(const PQconninfoOption *parts, const char *keyword)
{
	for (; parts->keyword != NULL; parts++)
		if (strcmp(parts->keyword, keyword) == 0)
			return (parts->val != NULL ? parts->val : "");
	return ("");
}

static void name_add(char *name, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
name_add(char *name, const char *fmt, ...)
{
	size_t len = strlen(name);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(name + len, STORE_NAME_MAX - len, fmt, ap);
	va_end(ap);
}

void
url_name(const char *url, char ret_name[STORE_NAME_MAX])
{
	PQconninfoOption *parts = parts_of(url);
	const char *host, *port;

	(void)snprintf(ret_name, STORE_NAME_MAX, "postgres:");
	if (parts == NULL)
		return;
	host = part(parts, "host");
	port = part(parts, "port");
	if (*host == '\0')
		host = part(parts, "hostaddr");
	name_add(ret_name, "//%s", host);
	if (*port != '\0')
		name_add(ret_name, ":%s", port);
	name_add(ret_name, "/%s", part(parts, "dbname"));
	if (*part(parts, "service") != '\0')
		name_add(ret_name, "?service=%s", part(parts, "service"));
	parts_free(parts);
	pg_clean(ret_name);
}
