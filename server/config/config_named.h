/*
 * config_named.h -- private to config_*.c: the sections with a name, of which
 * there may be several of a kind.
 */
#ifndef SERVER_CONFIG_NAMED_H
#define SERVER_CONFIG_NAMED_H

#include <stddef.h>

#include "server/config/config.h"

struct config_draft;

/* A kind of them, and the struct that one is read into. */
struct config_kind {
	const struct key *keys; /* that such a section may have */
	size_t size;     /* of the struct, whose first field is its name */
	size_t line;     /* its field with the line of its section */
	size_t items;    /* the field of struct config: the array of them */
	size_t n;        /* and how many these are */
	size_t name_max; /* characters of a name; 0: any number */
	void (*fini)(void *item); /* frees what no key holds; NULL: nothing */
};

extern const struct config_kind config_secrets;
extern const struct config_kind config_endpoints;
extern const struct config_kind config_upstreams;
extern const struct config_kind config_handlers;

/* The one of that name; NULL: there is none. */
void *config_named_find(const struct config *cfg,
    const struct config_kind *kind, const char *name);

/* The one that was added last; there is one. */
void *config_named_last(const struct config *cfg,
    const struct config_kind *kind);

/* The line of its section; 0: it is not from the file. */
unsigned config_named_line(const struct config_kind *kind, const void *item);

/*
 * One more at the end, with every default; all else but name and line is zero.
 * NULL, reported, when out of memory. Valid until the next one is added.
 */
void *config_named_add(struct config_draft *d, const struct config_kind *kind,
    const char *name, unsigned line);

/* The same, of a handler of that type; NULL: it is not known. */
struct config_handler *config_named_handler(struct config_draft *d,
    const char *name, unsigned line, const struct handler *type);

/* Free all of the kind; secrets are wiped. */
void config_named_free(struct config *cfg, const struct config_kind *kind);

#endif /* SERVER_CONFIG_NAMED_H */
