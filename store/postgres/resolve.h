/*
 * resolve.h -- private to store/postgres/: which addresses a URL leads to. May
 * block, for as long as it takes to look a name up.
 */
#ifndef STORE_POSTGRES_RESOLVE_H
#define STORE_POSTGRES_RESOLVE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define TARGETS_MAX 16
#define TARGETS_WORDS_MAX 256

/* One address of one host, for libpq. "" is what was not given. */
struct target {
	char host[256];
	char addr[64];
	char port[16];
};

/* What the URL, a service file and the environment say together. */
struct targets {
	struct target list[TARGETS_MAX];
	size_t n;
	bool has_silence;        /* they say how long silence may last */
	int64_t each_ms;         /* for an address; 0: they do not say */
	char passfile[PATH_MAX]; /* others may read it: not used; "": none */
};

/*
 * Returns STORE_OK; STORE_AWAY (no address was found), or STORE_FAILED (an
 * option that libpq does not take). words is why, also of a host that has no
 * address where another one has; "" if there is nothing to say.
 */
enum store_rc targets_find(const char *url, struct targets *ret,
    char ret_words[TARGETS_WORDS_MAX]);

#endif /* STORE_POSTGRES_RESOLVE_H */
