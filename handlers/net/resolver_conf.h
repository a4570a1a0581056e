/*
 * resolver_conf.h -- what resolv.conf(5) says.
 *
 * Pure: text in, a struct out.
 */
#ifndef HANDLERS_RESOLVER_CONF_H
#define HANDLERS_RESOLVER_CONF_H

#include <stddef.h>

#define RESOLVER_SERVERS_MAX 3 /* as libc has it */
#define RESOLVER_DOMAINS_MAX 8
#define RESOLVER_NAME_MAX 256 /* of a name, its NUL included */

struct resolver_conf {
	/* "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:53", "fe80::1%eth0" */
	size_t nservers;
	char servers[RESOLVER_SERVERS_MAX][80];
	/* Where short names are looked for. */
	size_t ndomains;
	char domains[RESOLVER_DOMAINS_MAX][RESOLVER_NAME_MAX];
	unsigned ndots; /* so many dots make a name long */
};

/*
 * Read the text of a resolv.conf: nameserver, domain, search, options ndots.
 * Without a server 127.0.0.1 is the one; without a domain that of hostname.
 * What cannot be read or does not fit is left out, as libc does.
 */
void resolver_conf_parse(const char *text, const char *hostname,
    struct resolver_conf *ret_conf);

/*
 * The i-th name to ask for when somebody means name, fully qualified and with
 * its last dot. Returns 0; -1 when there are no more.
 */
int resolver_conf_candidate(const struct resolver_conf *conf, const char *name,
    unsigned i, char ret_name[RESOLVER_NAME_MAX]);

#endif /* HANDLERS_RESOLVER_CONF_H */
