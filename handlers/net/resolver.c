/*
 * What is known of names, and who waits for them. One hunt asks for a name,
 * however many wait for it, and it goes on when nobody waits any more: what
 * comes too late for this call is known to the next.
 *
 * Addresses are used for as long as their servers say, at most a few minutes.
 * After that they are asked for again, and used only where no server answers
 * soon (RFC 8767): a name server that is down for a while stops no calls to a
 * host that was known a moment ago.
 */
#include "handlers/net/resolver.h"

#include <sys/queue.h>
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <ares.h>
#include <event2/event.h>

#include "handlers/net/net_clock.h"
#include "handlers/net/resolver_hunt.h"
#include "store/base/timeval.h"

#define NAMES_MAX 64
#define FRESH_MAX_MS (5 * 60 * 1000)         /* whatever servers say */
#define STALE_MAX_MS (24 * 60 * 60 * 1000LL) /* then they are forgotten */
#define STALE_AFTER_MS 500                   /* waited for an answer */
#define AGAIN_AFTER_MS 500 /* then all servers may be asked again */
#define FILE_MAX 65536     /* of a resolv.conf */

/* By what a file is known that was read; all zero: it was not there. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

/* A name that somebody has asked for. */
struct name {
	LIST_ENTRY(name) next; /* the one used last is first */
	struct resolver *r;
	char *host;
	bool file_read;              /* was it looked for in the hosts file? */
	struct resolver_addrs file;  /* what stands there */
	struct resolver_addrs addrs; /* what servers said last */
	int64_t known_ms;            /* when they did, by the loop's clock */
	int64_t fresh_ms;            /* until when that is good */
	enum resolver_rc failure;    /* how the last hunt ended without any */
	struct hunt *hunt;           /* NULL: none is under way */
	int64_t asked_ms;            /* when it began to ask all servers */
	LIST_HEAD(, resolver_lookup) lookups;
};

struct resolver_lookup {
	LIST_ENTRY(resolver_lookup) next;
	struct name *name;
	resolver_fn *done;
	void *arg;
	struct event *timer; /* its end: the limit, or made active */
};

struct resolver {
	struct event_base *base;
	const char *resolv_conf;
	const char *hosts;
	struct stamp resolv_conf_stamp;
	struct stamp hosts_stamp;
	struct hunt_env env;
	LIST_HEAD(, name) names;
	size_t nnames;
};

/* -- Names -- */

static void
name_free(struct name *name)
{
	if (name == NULL)
		return;
	hunt_free(name->hunt);
	free(name->host);
	free(name);
}

static void
name_forget(struct name *name)
{
	LIST_REMOVE(name, next);
	name->r->nnames--;
	name_free(name);
}

/* Make room for one more: the one used the longest time ago goes. */
static void
names_shrink(struct resolver *r)
{
	struct name *name, *oldest = NULL;

	LIST_FOREACH(name, &r->names, next)
	{
		if (LIST_EMPTY(&name->lookups))
			oldest = name;
	}
	if (r->nnames >= NAMES_MAX && oldest != NULL)
		name_forget(oldest);
}

/* The entry of a host, perhaps a new one; NULL when out of memory. */
static struct name *
name_of(struct resolver *r, const char *host)
{
	struct name *name;

	LIST_FOREACH(name, &r->names, next)
	{
		if (strcasecmp(name->host, host) == 0) {
			LIST_REMOVE(name, next);
			LIST_INSERT_HEAD(&r->names, name, next);
			return (name);
		}
	}
	names_shrink(r);
	if ((name = calloc(1, sizeof(*name))) == NULL ||
	    (name->host = strdup(host)) == NULL) {
		name_free(name);
		return (NULL);
	}
	name->r = r;
	LIST_INIT(&name->lookups);
	LIST_INSERT_HEAD(&r->names, name, next);
	r->nnames++;
	return (name);
}

/* What may be used by now; NULL: nothing. */
static const struct resolver_addrs *
name_addrs(const struct name *name)
{
	if (name->file.n > 0)
		return (&name->file);
	if (name->addrs.n > 0 && net_clock_ms() - name->known_ms < STALE_MAX_MS)
		return (&name->addrs);
	return (NULL);
}

/* Have all who wait be served in the next turn of the loop. */
static void
name_wake(const struct name *name)
{
	struct resolver_lookup *l;

	LIST_FOREACH(l, &name->lookups, next)
	event_active(l->timer, EV_TIMEOUT, 0);
}

/* hunt_fn */
static void
name_found_cb(enum resolver_rc rc, bool last,
    const struct resolver_addrs *addrs, int64_t ttl_s, void *arg)
{
	struct name *name = arg;
	int64_t fresh_ms =
	    ttl_s < FRESH_MAX_MS / 1000 ? ttl_s * 1000 : FRESH_MAX_MS;

	if (last)
		name->hunt = NULL;
	name->failure = rc;
	switch (rc) {
	case RESOLVER_OK:
		name->addrs = *addrs;
		name->known_ms = net_clock_ms();
		name->fresh_ms = name->known_ms + fresh_ms;
		break;
	case RESOLVER_NO_HOST:
		name->addrs.n = 0;
		break;
	case RESOLVER_FAILED:
	case RESOLVER_NO_ANSWER:
		break;
	}
	name_wake(name);
}

/* Ask the servers, unless that is being done. Returns 0; -1: out of memory. */
static int
name_hunt(struct name *name, int64_t limit_ms)
{
	int64_t servers = (int64_t)resolver_servers_count(name->r->env.servers);
	int64_t patience_ms = limit_ms / (servers + 1);

	if (name->hunt != NULL) {
		if (net_clock_ms() - name->asked_ms >= AGAIN_AFTER_MS) {
			name->asked_ms = net_clock_ms();
			hunt_again(name->hunt);
		}
		return (0);
	}
	name->asked_ms = net_clock_ms();
	name->failure = RESOLVER_NO_ANSWER;
	name->hunt = hunt_new(&name->r->env, name->host,
	    patience_ms > 1 ? patience_ms : 1, name_found_cb, name);
	return (name->hunt == NULL ? -1 : 0);
}

/* -- Files -- */

/* Has the file changed since? Then its stamp is the new one. */
static bool
file_changed(const char *path, struct stamp *stamp)
{
	struct stamp now = { .size = 0 };
	struct stat sb;

	if (stat(path, &sb) == 0) {
		now.dev = sb.st_dev;
		now.ino = sb.st_ino;
		now.size = sb.st_size;
		now.changed = sb.st_ctim; /* no tool can set that one */
	}
	if (now.dev == stamp->dev && now.ino == stamp->ino &&
	    now.size == stamp->size &&
	    now.changed.tv_sec == stamp->changed.tv_sec &&
	    now.changed.tv_nsec == stamp->changed.tv_nsec)
		return (false);
	*stamp = now;
	return (true);
}

/* Read a resolv.conf; one that cannot be read counts as empty. */
static void
read_conf(const char *path, struct resolver_conf *ret_conf)
{
	static char text[FILE_MAX];
	char hostname[RESOLVER_NAME_MAX] = "";
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	(void)gethostname(hostname, sizeof(hostname) - 1);
	resolver_conf_parse(text, hostname, ret_conf);
}

/*
 * Use the servers that the file names now. Hunts under way begin anew with
 * them. Returns 0; -1 when out of memory: then all stays as it is.
 */
static int
use_servers(struct resolver *r)
{
	struct resolver_servers *servers;
	struct resolver_conf conf;
	struct name *name;

	read_conf(r->resolv_conf, &conf);
	if ((servers = resolver_servers_new(r->base, &conf)) == NULL)
		return (-1);
	LIST_FOREACH(name, &r->names, next)
	{
		name->fresh_ms = 0;
		hunt_free(name->hunt);
	}
	resolver_servers_free(r->env.servers);
	r->env.conf = conf;
	r->env.servers = servers;
	r->env.good = 0;
	LIST_FOREACH(name, &r->names, next)
	{
		if (name->hunt == NULL)
			continue;
		name->hunt = NULL;
		if (!LIST_EMPTY(&name->lookups))
			(void)name_hunt(name, STALE_AFTER_MS);
	}
	return (0);
}

/* Read again what has changed. Costs two stat(2) else. */
static void
resolver_refresh(struct resolver *r)
{
	struct stamp before = r->resolv_conf_stamp;
	struct name *name;

	if (file_changed(r->resolv_conf, &r->resolv_conf_stamp) &&
	    use_servers(r) == -1)
		r->resolv_conf_stamp = before; /* another time */
	if (!file_changed(r->hosts, &r->hosts_stamp))
		return;
	LIST_FOREACH(name, &r->names, next)
	name->file_read = false;
}

/* -- Look-ups -- */

static void
lookup_free(struct resolver_lookup *l)
{
	if (l == NULL)
		return;
	if (l->name != NULL)
		LIST_REMOVE(l, next);
	if (l->timer != NULL)
		event_free(l->timer);
	free(l);
}

/* evtimer: there is an answer, or there will be none in time. */
static void
lookup_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct resolver_addrs none;
	struct resolver_lookup *l = arg;
	const struct resolver_addrs *addrs = name_addrs(l->name);
	enum resolver_rc failure = l->name->failure;
	resolver_fn *done = l->done;
	struct resolver_addrs copy;
	void *done_arg = l->arg;

	(void)fd;
	(void)what;
	copy = addrs != NULL ? *addrs : none;
	lookup_free(l);
	done(copy.n > 0 ? RESOLVER_OK : failure, &copy, done_arg);
}

/* Ask, or wait for who asks. Returns 0; -1 when out of memory. */
static int
lookup_begin(struct resolver_lookup *l, int64_t limit_ms)
{
	struct name *name = l->name;
	int64_t wait_ms = limit_ms;
	struct timeval tv;

	if (!name->file_read) {
		(void)resolver_servers_file(name->host, name->r->hosts,
		    &name->file);
		name->file_read = true;
	}
	if (name->file.n > 0 ||
	    (name->addrs.n > 0 && net_clock_ms() < name->fresh_ms)) {
		event_active(l->timer, EV_TIMEOUT, 0);
		return (0);
	}
	if (strlen(name->host) >= RESOLVER_NAME_MAX) {
		name->failure = RESOLVER_NO_HOST;
		event_active(l->timer, EV_TIMEOUT, 0);
		return (0);
	}
	if (name_hunt(name, limit_ms) == -1)
		return (-1);
	if (name_addrs(name) != NULL && wait_ms > STALE_AFTER_MS)
		wait_ms = STALE_AFTER_MS;
	tv = timeval_of_ms(wait_ms);
	return (evtimer_add(l->timer, &tv));
}

struct resolver_lookup *
resolver_look_up(struct resolver *r, const char *host, int64_t limit_ms,
    resolver_fn *done, void *arg)
{
	struct resolver_lookup *l;

	resolver_refresh(r);
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (NULL);
	l->done = done;
	l->arg = arg;
	if ((l->name = name_of(r, host)) != NULL)
		LIST_INSERT_HEAD(&l->name->lookups, l, next);
	if (l->name == NULL ||
	    (l->timer = evtimer_new(r->base, lookup_timer_cb, l)) == NULL ||
	    lookup_begin(l, limit_ms) == -1) {
		lookup_free(l);
		return (NULL);
	}
	return (l);
}

void
resolver_cancel(struct resolver_lookup *lookup)
{
	lookup_free(lookup);
}

void
resolver_doubt(struct resolver *r, const char *host)
{
	struct name *name;

	LIST_FOREACH(name, &r->names, next)
	{
		if (strcasecmp(name->host, host) == 0)
			name->fresh_ms = 0;
	}
}

/* -- The resolver -- */

struct resolver *
resolver_new(struct event_base *base, const char *resolv_conf,
    const char *hosts)
{
	struct resolver *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(r);
		return (NULL);
	}
	r->base = base;
	r->resolv_conf = resolv_conf;
	r->hosts = hosts;
	r->env.base = base;
	LIST_INIT(&r->names);
	/* The stamps come first: what is written meanwhile is read again. */
	(void)file_changed(resolv_conf, &r->resolv_conf_stamp);
	(void)file_changed(hosts, &r->hosts_stamp);
	if (use_servers(r) == -1) {
		resolver_free(r);
		return (NULL);
	}
	return (r);
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	while (!LIST_EMPTY(&r->names))
		name_forget(LIST_FIRST(&r->names));
	resolver_servers_free(r->env.servers);
	ares_library_cleanup();
	free(r);
}
