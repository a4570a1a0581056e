#include "handlers/net/resolver_conf.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r"
#define NDOTS_MAX 15 /* as libc has it */

/* The next word of a line; its length is 0 at the end. */
static size_t
next_word(const char **at)
{
	*at += strspn(*at, BLANKS);
	return (strcspn(*at, BLANKS "\n"));
}

/* Copy a word that fits. */
static bool
copy_word(const char *word, size_t len, size_t size, char *ret_text)
{
	if (len == 0 || len >= size)
		return (false);
	memcpy(ret_text, word, len);
	ret_text[len] = '\0';
	return (true);
}

static bool
is_word(const char *word, size_t len, const char *text)
{
	return (strlen(text) == len && memcmp(word, text, len) == 0);
}

static void
add_server(struct resolver_conf *conf, const char *at)
{
	size_t len = next_word(&at);

	if (conf->nservers < RESOLVER_SERVERS_MAX &&
	    copy_word(at, len, sizeof(conf->servers[0]),
		conf->servers[conf->nservers]))
		conf->nservers++;
}

/* The last line of domain or search is the one that counts. */
static void
set_domains(struct resolver_conf *conf, const char *at, size_t max)
{
	size_t len;

	conf->ndomains = 0;
	while (conf->ndomains < max && (len = next_word(&at)) > 0) {
		if (!is_word(at, len, ".") &&
		    copy_word(at, len, sizeof(conf->domains[0]),
			conf->domains[conf->ndomains]))
			conf->ndomains++;
		at += len;
	}
}

static void
set_options(struct resolver_conf *conf, const char *at)
{
	unsigned long n;
	size_t len;

	for (; (len = next_word(&at)) > 0; at += len) {
		if (len <= 6 || memcmp(at, "ndots:", 6) != 0)
			continue;
		n = strtoul(at + 6, NULL, 10);
		conf->ndots = n > NDOTS_MAX ? NDOTS_MAX : (unsigned)n;
	}
}

void
resolver_conf_parse(const char *text, const char *hostname,
    struct resolver_conf *ret_conf)
{
	struct resolver_conf *conf = ret_conf;
	const char *line = text, *at, *dot;
	size_t len;

	*conf = (struct resolver_conf){ .ndots = 1 };
	if ((dot = strchr(hostname, '.')) != NULL)
		set_domains(conf, dot + 1, 1);
	while (*line != '\0') {
		at = line;
		len = next_word(&at);
		if (is_word(at, len, "nameserver"))
			add_server(conf, at + len);
		else if (is_word(at, len, "domain"))
			set_domains(conf, at + len, 1);
		else if (is_word(at, len, "search"))
			set_domains(conf, at + len, RESOLVER_DOMAINS_MAX);
		else if (is_word(at, len, "options"))
			set_options(conf, at + len);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	if (conf->nservers == 0)
		add_server(conf, "127.0.0.1");
}

static unsigned
count_dots(const char *name)
{
	unsigned n = 0;

	for (; *name != '\0'; name++)
		n += *name == '.';
	return (n);
}

int
resolver_conf_candidate(const struct resolver_conf *conf, const char *name,
    unsigned i, char ret_name[RESOLVER_NAME_MAX])
{
	size_t len = strlen(name);
	bool whole = len > 0 && name[len - 1] == '.';
	unsigned itself = 0; /* when it is tried without a domain */
	const char *domain;
	int n;

	if (!whole && count_dots(name) < conf->ndots)
		itself = (unsigned)conf->ndomains;
	if (i == itself) {
		n = snprintf(ret_name, RESOLVER_NAME_MAX, "%s%s", name,
		    whole ? "" : ".");
	} else {
		if (i > itself)
			i--;
		if (whole || i >= conf->ndomains)
			return (-1);
		domain = conf->domains[i];
		n = snprintf(ret_name, RESOLVER_NAME_MAX, "%s.%s%s", name,
		    domain, domain[strlen(domain) - 1] == '.' ? "" : ".");
	}
	return (n > 0 && n < RESOLVER_NAME_MAX ? 0 : -1);
}
