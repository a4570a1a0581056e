/*
 * Reaching the server. libpq looks up names, asks for Kerberos tickets and
 * reads files where it stands, for as long as that takes, and tries addresses
 * that do not answer for minutes. So a thread does it, which is left alone
 * when the time is over, and which tries each address by itself, each for its
 * share of the time.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/postgres/dial.h"
#include "store/postgres/resolve.h"
#include "store/postgres/url.h"

/* Threads at once, with those that were left alone. */
#define DIALS_MAX 8
/* The least that is given to an address, if so much is left. */
#define SHARE_MIN_MS 500
/* There is none below what is no folder. */
#define NO_FILE "/dev/null/none"
/* Shared by all the words of why; the reason has the server's name as well. */
#define WORDS_MAX (STORE_REASON_MAX - 64)

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
	struct targets to;
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
	if (t != NULL && d->to.n > 1)
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
	if (PQconnectionNeedsPassword(pg) && d->to.passfile[0] != '\0')
		(void)snprintf(words, sizeof(words),
		    "%.150s is not used since others may read it: chmod 600 it",
		    d->to.passfile);
	else if (PQconnectionNeedsPassword(pg))
		(void)snprintf(words, sizeof(words),
		    "it asks for a password; name a file with it in "
		    "PGPASSFILE");
	dial_say(d, rc, t, words);
}

/* -- One address -- */

/*
 * Silence of the network. The kernel also counts the time in which the server
 * does not read, which may be long while it works on what came before: no
 * less than a statement may take. What is shorter are our own deadlines.
 */
static PGconn *
target_start(const struct dial *d, const struct target *t, bool any)
{
	bool own = !d->to.has_silence;
	const char *keys[] = { "dbname", "fallback_application_name",
		"client_encoding", "target_session_attrs", "tcp_user_timeout",
		"keepalives_idle", "keepalives_interval", "keepalives_count",
		"host", "hostaddr", "port", "passfile", NULL };
	const char *values[] = { d->url, "klikitd", "UTF8",
		any ? "any" : "primary", own ? "10000" : "", own ? "5" : "",
		own ? "2" : "", own ? "3" : "", t->host, t->addr, t->port,
		d->to.passfile[0] != '\0' ? NO_FILE : "", NULL };
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

	for (size_t i = 0; i < d->to.n; i++) {
		left = (until_ms - pg_now_ms()) / (int64_t)(d->to.n - i);
		if (left < SHARE_MIN_MS)
			left = SHARE_MIN_MS;
		if (d->to.each_ms > 0 && left > d->to.each_ms)
			left = d->to.each_ms;
		left += pg_now_ms();
		if (!target_try(d, &d->to.list[i], any,
			left < until_ms ? left : until_ms))
			return;
	}
}

/* -- The thread -- */

static void
dial_resolve(struct dial *d)
{
	char words[TARGETS_WORDS_MAX];
	enum store_rc rc = targets_find(d->url, &d->to, words);

	if (words[0] != '\0') /* maybe of one of several hosts only */
		dial_say(d, rc == STORE_OK ? STORE_AWAY : rc, NULL, words);
}

static void *
dial_main(void *arg)
{
	struct dial *d = arg;
	int64_t half;

	dial_resolve(d);
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
