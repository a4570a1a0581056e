#include "server/resolver.h"

#include <sys/stat.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>

/* By what a file is known that was read; all zero: it was not there. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct resolver {
	struct evdns_base *dns;
	const char *resolv_conf;
	const char *hosts;
	struct stamp resolv_conf_stamp;
	struct stamp hosts_stamp;
};

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

/* Without the file libevent asks 127.0.0.1, which is as it should be. */
static void
read_resolv_conf(struct resolver *r)
{
	(void)evdns_base_resolv_conf_parse(r->dns,
	    DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE, r->resolv_conf);
}

static void
read_hosts(struct resolver *r)
{
	evdns_base_clear_host_addresses(r->dns);
	(void)evdns_base_load_hosts(r->dns, r->hosts);
}

void
resolver_refresh(struct resolver *r)
{
	if (file_changed(r->resolv_conf, &r->resolv_conf_stamp)) {
		(void)evdns_base_clear_nameservers_and_suspend(r->dns);
		evdns_base_search_clear(r->dns);
		read_resolv_conf(r);
		(void)evdns_base_resume(r->dns);
	}
	if (file_changed(r->hosts, &r->hosts_stamp))
		read_hosts(r);
}

struct resolver *
resolver_new(struct event_base *base, const char *resolv_conf,
    const char *hosts)
{
	struct resolver *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->resolv_conf = resolv_conf;
	r->hosts = hosts;
	if ((r->dns = evdns_base_new(base, 0)) == NULL) {
		free(r);
		return (NULL);
	}
	/* The stamps come first: what is written meanwhile is read again. */
	(void)file_changed(resolv_conf, &r->resolv_conf_stamp);
	(void)file_changed(hosts, &r->hosts_stamp);
	read_resolv_conf(r);
	read_hosts(r);
	return (r);
}

struct evdns_base *
resolver_dns(const struct resolver *r)
{
	return (r->dns);
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	evdns_base_free(r->dns, 0);
	free(r);
}
