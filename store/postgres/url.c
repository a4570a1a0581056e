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

	if (strncmp(url, SCHEME, len) != 0 || url[len] != '?')
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

/* -- Whether it says what its writer meant -- */

static const char advice_password[] =
    "the password is better kept in a file that PGPASSFILE names";

/*
 * A password with an @ or a / that was not written as %40 or %2F: then a piece
 * of it stands where a host or a database should.
 */
static bool
is_torn(const char *url)
{
	const char *from = strstr(url, "://"), *at;

	if (from == NULL)
		return (false);
	from += 3;
	/* libpq takes all before the first @ for a user and a password. */
	if ((at = memchr(from, '@', strcspn(from, "/"))) != NULL)
		from = at + 1;
	return (memchr(from, '@', strcspn(from, "?")) != NULL);
}

/* Is each of the numbers between commas one of a port, or left out? */
static bool
are_ports(const char *ports)
{
	size_t len;

	for (;; ports += len + 1) {
		len = strcspn(ports, ",");
		if (strspn(ports, "0123456789") < len || len > 5 ||
		    (len > 0 && (atoi(ports) == 0 || atoi(ports) > 65535)))
			return (false);
		if (ports[len] == '\0')
			return (true);
	}
}

static bool
is_one_of(const char *value, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(value, *list) == 0)
			return (true);
	return (false);
}

/* What is wrong with it, for people; NULL: nothing. */
static const char *
fault_of(const char *url, const PQconninfoOption *parts)
{
	static const char *const modes[] = { "", "disable", "allow", "prefer",
		"require", "verify-ca", "verify-full", NULL };
	static const char *const attrs[] = { "", "primary", "read-write",
		NULL };

	if (parts == NULL)
		return ("not as libpq has it: postgres://USER@HOST:PORT/"
			"DATABASE?OPTION=VALUE; in its parts write each of "
			"@ : / ? # % as %40 %3A %2F %3F %23 %25");
	if (is_torn(url))
		return ("an @ or a / too many; within a password write %40 and "
			"%2F");
	if (!are_ports(part(parts, "port")))
		return ("a port is a number from 1 to 65535");
	if (!is_one_of(part(parts, "sslmode"), modes))
		return ("sslmode is disable, allow, prefer, require, verify-ca "
			"or verify-full");
	if (!is_one_of(part(parts, "target_session_attrs"), attrs))
		return ("klikitd looks for the primary by itself; leave "
			"target_session_attrs out");
	if (*part(parts, "replication") != '\0')
		return ("replication is for other programs; leave it out");
	return (NULL);
}

int
url_check(const char *url, const char **ret_advice, char *reason)
{
	PQconninfoOption *parts = parts_of(url);
	const char *fault = fault_of(url, parts);

	*ret_advice = NULL;
	if (fault != NULL)
		(void)snprintf(reason, STORE_REASON_MAX, "%s", fault);
	else if (*part(parts, "password") != '\0' ||
		 *part(parts, "sslpassword") != '\0')
		*ret_advice = advice_password;
	parts_free(parts);
	return (fault != NULL ? -1 : 0);
}

/* -- Its name -- */

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

/* HOST:PORT,HOST:PORT; one port may be for all. */
static void
name_add_hosts(char *name, const char *hosts, const char *ports)
{
	const char *sign = "";
	size_t len, port_len;

	for (;; hosts += len + 1, sign = ",") {
		len = strcspn(hosts, ",");
		port_len = strcspn(ports, ",");
		name_add(name,
		    memchr(hosts, ':', len) != NULL ? "%s[%.*s]" : "%s%.*s",
		    sign, (int)len, hosts);
		if (port_len > 0)
			name_add(name, ":%.*s", (int)port_len, ports);
		if (ports[port_len] == ',')
			ports += port_len + 1;
		if (hosts[len] == '\0')
			return;
	}
}

void
url_name(const char *url, char ret_name[STORE_NAME_MAX])
{
	PQconninfoOption *parts = parts_of(url);
	const char *hosts, *ports, *service;
	bool is_path;

	(void)snprintf(ret_name, STORE_NAME_MAX, "postgres:");
	if (fault_of(url, parts) != NULL) { /* who knows what stands where */
		parts_free(parts);
		return;
	}
	hosts = part(parts, "host");
	ports = part(parts, "port");
	service = part(parts, "service");
	if (*hosts == '\0')
		hosts = part(parts, "hostaddr");
	is_path = *hosts == '/' || *hosts == '@';
	name_add(ret_name, "//");
	if (!is_path)
		name_add_hosts(ret_name, hosts, ports);
	name_add(ret_name, "/%s", part(parts, "dbname"));
	if (is_path)
		name_add(ret_name, "?host=%s", hosts);
	if (is_path && *ports != '\0')
		name_add(ret_name, "&port=%s", ports);
	if (*service != '\0')
		name_add(ret_name, "%sservice=%s", is_path ? "&" : "?",
		    service);
	parts_free(parts);
	pg_clean(ret_name);
}
