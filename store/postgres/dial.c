/*
 * Reaching the server. libpq looks up names, asks for Kerberos tickets and
 * reads files where it stands, for as long as that takes, and tries addresses
 * that do not answer for minutes. So a thread does it, which is left alone
 * when the time is over, and which tries each address by itself, each for its
 * share of the time.
 */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/postgres/dial.h"
#include "store/postgres/url.h"

/* Threads at once, with those that were left alone. */
#define DIALS_MAX 8
#define TARGETS_MAX 16
/* The least that is given to an address, if so much is left. */
#define SHARE_MIN_MS 500
/* There is none below what is no folder. */
#define NO_FILE "/dev/null/none"
#define SOCKET_FOLDER "/var/run/postgresql"
/* Shared by all the words of why; the reason has the server's name as well. */
#define WORDS_MAX (STORE_REASON_MAX - 64)

/* One address of one host. "" is what was not given. */
struct target {
	char host[256];
	char addr[64];
	char port[16];
};

/* Shared by the thread and the one who waits for it; the last frees it. */
struct dial {
	atomic_uint holders;
	char *url; /* for libpq */
	bool read_only;
	int64_t deadline_ms;
	int done_fd;

	/* Of the thread, until done_fd is readable. */
	PGconn *pg;
	enum store_rc rc;
	char words[WORDS_MAX];
	struct target targets[TARGETS_MAX];
	size_t ntargets;
	/* What libpq is to hear of the URL, the service, the environment. */
	bool has_silence;        /* says how long silence may last */
	int64_t each_ms;         /* an address; 0: it does not say */
	char passfile[PATH_MAX]; /* others may read it: not used; "": none */
};

static atomic_uint ndials;

static void
dial_drop(struct dial *d)
{
	if (atomic_fetch_sub(&d->holders, 1) > 1)
		return;
	PQfinish(d->pg);
	if (d->url != NULL) {
		explicit_bzero(d->url, strlen(d->url));
		free(d->url);
	}
	if (d->done_fd != -1)
		(void)close(d->done_fd);
	free(d);
	(void)atomic_fetch_sub(&ndials, 1);
}

/* One more reason why there is no connection. */
static void
dial_say(struct dial *d, enum store_rc rc, const struct target *t,
    const char *words)
{
	size_t len = strlen(d->words);

	/* That a login was refused is worth more than that one is away. */
	if (rc != STORE_AWAY || len == 0)
		d->rc = rc;
	(void)snprintf(d->words + len, sizeof(d->words) - len, "%s",
	    len > 0 ? "; " : "");
	len = strlen(d->words);
	if (t != NULL && d->ntargets > 1)
		(void)snprintf(d->words + len, sizeof(d->words) - len,
		    "%s port %s: %.200s",
		    t->addr[0] != '\0' ? t->addr : t->host, t->port, words);
	else
		(void)snprintf(d->words + len, sizeof(d->words) - len, "%.300s",
		    words);
}

/* As libpq has it. */
static void
dial_say_libpq(struct dial *d, enum store_rc rc, const struct target *t,
    const PGconn *pg)
{
	char words[512], sqlstate[6];

	(void)snprintf(words, sizeof(words), "%s", PQerrorMessage(pg));
	pg_connect_words(words, sqlstate);
	if (pg_is_setting(sqlstate) || PQconnectionNeedsPassword(pg))
		rc = STORE_REFUSED;
	if (PQconnectionNeedsPassword(pg) && d->passfile[0] != '\0')
		(void)snprintf(words, sizeof(words),
		    "%.150s is not used since others may read it: chmod 600 it",
		    d->passfile);
	else if (PQconnectionNeedsPassword(pg))
		(void)snprintf(words, sizeof(words),
		    "it asks for a password; name a file with it in "
		    "PGPASSFILE");
	dial_say(d, rc, t, words);
}

/* -- Where to -- */

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
target_add(struct dial *d, const struct target *t)
{
	if (d->ntargets < TARGETS_MAX)
		d->targets[d->ntargets++] = *t;
}

/* Each address of that host becomes a target. */
static void
target_resolve(struct dial *d, struct target *t)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char words[128];
	int rc;

	if ((rc = getaddrinfo(t->host, NULL, &hints, &list)) != 0) {
		(void)snprintf(words, sizeof(words), "%.60s: %s", t->host,
		    gai_strerror(rc));
		dial_say(d, STORE_AWAY, NULL, words);
		return;
	}
	for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, t->addr,
			sizeof(t->addr), NULL, 0, NI_NUMERICHOST) == 0)
			target_add(d, t);
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
find_passfile(struct dial *d, const char *named)
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
		memcpy(d->passfile, path, sizeof(path));
}

/* All that libpq found for these: the URL, a service file, the environment. */
static void
dial_find(struct dial *d, const PQconninfoOption *options)
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
			target_add(d, &t);
		else
			target_resolve(d, &t);
	}
	d->has_silence = option_of(options, "tcp_user_timeout") != NULL;
	if (each != NULL)
		d->each_ms = (int64_t)strtol(each, NULL, 10) * 1000;
	find_passfile(d, option_of(options, "passfile"));
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
static void
dial_look(struct dial *d)
{
	static const char option[] = "target_session_attrs";
	/* Not one of its values; and a password, so that it reads no file. */
	const char *keys[] = { "dbname", option, "password", NULL };
	const char *values[] = { d->url, "none", "none", NULL };
	PGconn *pg = PQconnectStartParams(keys, values, 1);
	PQconninfoOption *options = pg != NULL ? PQconninfo(pg) : NULL;

	if (options == NULL)
		dial_say(d, STORE_AWAY, NULL, "out of memory");
	else if (strstr(PQerrorMessage(pg), option) == NULL)
		dial_say_libpq(d, STORE_FAILED, NULL, pg);
	else
		dial_find(d, options);
	options_free(options);
	PQfinish(pg);
}

/* -- One address -- */

static PGconn *
target_start(const struct dial *d, const struct target *t, bool any)
{
	const char *keys[] = { "dbname", "fallback_application_name",
		"client_encoding", "target_session_attrs", "tcp_user_timeout",
		"host", "hostaddr", "port", "passfile", NULL };
	const char *values[] = { d->url, "klikitd", "UTF8",
		any ? "any" : "primary", d->has_silence ? "" : "2000", t->host,
		t->addr, t->port, d->passfile[0] != '\0' ? NO_FILE : "", NULL };
	PGconn *pg = PQconnectStartParams(keys, values, 1);

	/* With the SQLSTATE, which a connection tells nowhere else. */
	if (pg != NULL)
		(void)PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
	return (pg);
}

/* PGRES_POLLING_OK, PGRES_POLLING_FAILED, or READING: no answer in time. */
static PostgresPollingStatusType
target_poll(PGconn *pg, int64_t deadline_ms)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	struct pollfd fd = { 0 };
	int64_t left;

	if (PQstatus(pg) == CONNECTION_BAD)
		return (PGRES_POLLING_FAILED);
	for (;;) {
		if ((left = deadline_ms - pg_now_ms()) <= 0)
			return (PGRES_POLLING_READING);
		fd.fd = PQsocket(pg);
		fd.events = next == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
		if (poll(&fd, 1, (int)left) <= 0)
			continue;
		next = PQconnectPoll(pg);
		if (next == PGRES_POLLING_OK || next == PGRES_POLLING_FAILED)
			return (next);
	}
}

/* Is the thread to go on? */
static bool
target_try(struct dial *d, const struct target *t, bool any, int64_t until_ms)
{
	PGconn *pg = target_start(d, t, any);

	if (pg == NULL) {
		dial_say(d, STORE_AWAY, t, "out of memory");
		return (true);
	}
	switch (target_poll(pg, until_ms)) {
	case PGRES_POLLING_OK:
		d->pg = pg;
		return (false);
	case PGRES_POLLING_FAILED:
		dial_say_libpq(d, STORE_AWAY, t, pg);
		break;
	case PGRES_POLLING_READING:
	case PGRES_POLLING_WRITING:
	case PGRES_POLLING_ACTIVE:
		dial_say(d, STORE_AWAY, t, "no answer in time");
		break;
	}
	PQfinish(pg);
	return (true);
}

/* One after another until one is there. */
static void
dial_try_all(struct dial *d, bool any, int64_t until_ms)
{
	int64_t left;

	for (size_t i = 0; i < d->ntargets; i++) {
		left = (until_ms - pg_now_ms()) / (int64_t)(d->ntargets - i);
		if (left < SHARE_MIN_MS)
			left = SHARE_MIN_MS;
		if (d->each_ms > 0 && left > d->each_ms)
			left = d->each_ms;
		left += pg_now_ms();
		if (!target_try(d, &d->targets[i], any,
			left < until_ms ? left : until_ms))
			return;
	}
}

/* -- The thread -- */

static void *
dial_main(void *arg)
{
	struct dial *d = arg;
	int64_t half;

	dial_look(d);
	if (d->read_only) { /* the primary's lists are newer */
		half = (d->deadline_ms - pg_now_ms()) / 2 + pg_now_ms();
		dial_try_all(d, false, half);
		if (d->pg == NULL && d->rc == STORE_AWAY)
			d->words[0] = '\0';
	}
	if (d->pg == NULL && (!d->read_only || d->rc == STORE_AWAY))
		dial_try_all(d, d->read_only, d->deadline_ms);
	if (d->pg != NULL)
		d->rc = STORE_OK;
	(void)eventfd_write(d->done_fd, 1);
	dial_drop(d);
	return (NULL);
}

static struct dial *
dial_new(const struct pg_connect *what)
{
	struct dial *d = calloc(1, sizeof(*d));

	(void)atomic_fetch_add(&ndials, 1);
	if (d == NULL) {
		(void)atomic_fetch_sub(&ndials, 1);
		return (NULL);
	}
	atomic_init(&d->holders, 1);
	d->url = url_for_libpq(what->url);
	d->read_only = what->read_only;
	d->deadline_ms = what->deadline_ms;
	d->rc = STORE_AWAY;
	d->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->url != NULL && d->done_fd != -1)
		return (d);
	dial_drop(d);
	return (NULL);
}

/* Start the thread: it has none of our signals. -1: there is none. */
static int
dial_start(struct dial *d)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t id;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return (-1);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)atomic_fetch_add(&d->holders, 1);
	if ((rc = pthread_create(&id, &attr, dial_main, d)) != 0)
		(void)atomic_fetch_sub(&d->holders, 1);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return (rc == 0 ? 0 : -1);
}

/* Until the thread has ended its work; NULL, or why it is left alone. */
static const char *
dial_wait(const struct dial *d, int stop_fd)
{
	struct pollfd fds[2] = {
		{ .fd = d->done_fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};
	/* The thread sees the same deadline, and has more to say of it. */
	int64_t left, until = d->deadline_ms + 200;

	for (;;) {
		if ((left = until - pg_now_ms()) < 0)
			return ("no answer in time: of the server, or of what "
				"looks up its name");
		if (poll(fds, 2, (int)left) <= 0)
			continue;
		if (fds[0].revents != 0)
			return (NULL);
		if (fds[1].revents != 0)
			return ("interrupted");
	}
}

enum store_rc
dial(const struct pg_connect *what, PGconn **ret_pg,
    char reason[STORE_REASON_MAX])
{
	enum store_rc rc = STORE_AWAY;
	const char *why = NULL;
	eventfd_t done;
	struct dial *d;

	if (atomic_load(&ndials) >= DIALS_MAX) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "earlier tries to connect still wait, for a name to be "
		    "looked up");
		return (STORE_AWAY);
	}
	if ((d = dial_new(what)) == NULL || dial_start(d) == -1)
		why = "out of memory";
	else
		why = dial_wait(d, what->stop_fd);
	if (why == NULL) {
		(void)eventfd_read(d->done_fd, &done);
		if ((rc = d->rc) == STORE_OK) {
			*ret_pg = d->pg;
			d->pg = NULL;
		} else
			why = d->words;
	}
	if (rc != STORE_OK)
		(void)snprintf(reason, STORE_REASON_MAX, "%s", why);
	if (d != NULL)
		dial_drop(d);
	return (rc);
}
