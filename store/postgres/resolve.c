/*
 * Addresses. Only libpq knows how to read a service file and the environment,
 * and it does so as a part of connecting; so it is asked, and then each host is
 * looked up here, to be given to it by its address.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libpq-fe.h>

#include "store/postgres/errors.h"
#include "store/postgres/resolve.h"

/* Where libpq looks for a server that no host names. */
#define SOCKET_FOLDER "/var/run/postgresql"

/* The i-th of the items between commas; of a single one always that. */
static void
list_item(const char *list, size_t i, char *ret, size_t len)
{
	if (list == NULL)
		list = "";
	for (; i > 0 && strchr(list, ',') != NULL; i--)
		list = strchr(list, ',') + 1;
	(void)snprintf(ret, len, "%.*s", (int)strcspn(list, ","), list);
}

static size_t
list_length(const char *list)
{
	size_t n = 1;

	for (; list != NULL && *list != '\0'; list++)
		n += *list == ',';
	return (n);
}

static void
target_add(struct targets *to, const struct target *t)
{
	if (to->n < TARGETS_MAX)
		to->list[to->n++] = *t;
}

/* Each address of that host becomes a target; words of the first that has
 * none. */
static void
target_resolve(struct targets *to, struct target *t, char *words)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int rc;

	if ((rc = getaddrinfo(t->host, NULL, &hints, &list)) != 0) {
		if (words[0] == '\0')
			(void)snprintf(words, TARGETS_WORDS_MAX, "%.60s: %.60s",
			    t->host, gai_strerror(rc));
		return;
	}
	for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, t->addr,
			sizeof(t->addr), NULL, 0, NI_NUMERICHOST) == 0)
			target_add(to, t);
	}
	freeaddrinfo(list);
}

static const char *
option_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return (options->val);
	return (NULL);
}

/* Of several what was left open is said, or libpq would take the whole list. */
static void
target_fill(struct target *t, size_t n)
{
	if (n > 1 && t->host[0] == '\0')
		(void)snprintf(t->host, sizeof(t->host), "%s",
		    t->addr[0] != '\0' ? t->addr : SOCKET_FOLDER);
	if (t->port[0] == '\0')
		(void)snprintf(t->port, sizeof(t->port), "5432");
}

/*
 * libpq writes to stderr about a file of passwords that others may read, each
 * time; so it is kept from it, and the reason says so. named NULL: libpq's own.
 */
static void
find_passfile(struct targets *to, const char *named)
{
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	struct stat sb;

	if (named != NULL && *named != '\0')
		(void)snprintf(path, sizeof(path), "%s", named);
	else
		(void)snprintf(path, sizeof(path), "%s/.pgpass",
		    home != NULL ? home : "");
	if (stat(path, &sb) == 0 &&
	    (!S_ISREG(sb.st_mode) || (sb.st_mode & (S_IRWXG | S_IRWXO)) != 0))
		memcpy(to->passfile, path, sizeof(path));
}

/* All that libpq found for these: the URL, a service file, the environment. */
static void
targets_of(const PQconninfoOption *options, struct targets *to, char *words)
{
	const char *host = option_of(options, "host");
	const char *addr = option_of(options, "hostaddr");
	const char *port = option_of(options, "port");
	const char *each = option_of(options, "connect_timeout");
	size_t n = list_length(addr != NULL ? addr : host);
	struct target t;

	for (size_t i = 0; i < n; i++) {
		list_item(host, i, t.host, sizeof(t.host));
		list_item(addr, i, t.addr, sizeof(t.addr));
		list_item(port, i, t.port, sizeof(t.port));
		target_fill(&t, n);
		if (t.addr[0] != '\0' || t.host[0] == '\0' ||
		    t.host[0] == '/' || t.host[0] == '@')
			target_add(to, &t);
		else
			target_resolve(to, &t, words);
	}
	to->has_silence = option_of(options, "tcp_user_timeout") != NULL ||
			  option_of(options, "keepalives_idle") != NULL ||
			  option_of(options, "keepalives_interval") != NULL ||
			  option_of(options, "keepalives_count") != NULL;
	if (each != NULL)
		to->each_ms = (int64_t)strtol(each, NULL, 10) * 1000;
	find_passfile(to, option_of(options, "passfile"));
}

static void
options_free(PQconninfoOption *options)
{
	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL;
	     o++)
		if (o->val != NULL)
			explicit_bzero(o->val, strlen(o->val));
	PQconninfoFree(options);
}

/*
 * Only libpq knows how to read a service file and the environment, and it
 * does so as a part of connecting. A value that it does not take stops it
 * before it connects.
 */
enum store_rc
targets_find(const char *url, struct targets *ret,
    char ret_words[TARGETS_WORDS_MAX])
{
	static const char option[] = "target_session_attrs";
	/* Not one of its values; and a password, so that it reads no file. */
	const char *keys[] = { "dbname", option, "password", NULL };
	const char *values[] = { url, "none", "none", NULL };
	PGconn *pg = PQconnectStartParams(keys, values, 1);
	PQconninfoOption *options = pg != NULL ? PQconninfo(pg) : NULL;
	enum store_rc rc = STORE_AWAY;
	char sqlstate[6];

	memset(ret, 0, sizeof(*ret));
	ret_words[0] = '\0';
	if (options == NULL)
		(void)snprintf(ret_words, TARGETS_WORDS_MAX, "out of memory");
	else if (strstr(PQerrorMessage(pg), option) == NULL) {
		(void)snprintf(ret_words, TARGETS_WORDS_MAX, "%s",
		    PQerrorMessage(pg));
		pg_connect_words(ret_words, sqlstate);
		rc = STORE_FAILED;
	} else
		targets_of(options, ret, ret_words);
	options_free(options);
	PQfinish(pg);
	return (rc == STORE_AWAY && ret->n > 0 ? STORE_OK : rc);
}
