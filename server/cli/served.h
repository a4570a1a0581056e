/*
 * served.h -- which processes of this machine serve from a store.
 *
 * Touches: /proc, and the receivers of a store that several share.
 */
#ifndef SERVER_SERVED_H
#define SERVER_SERVED_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct config;
struct store;

#define SERVED_MAX 16 /* more on one machine are not looked at */

/* Oldest first; none: nobody does, or it is not known. */
struct served {
	pid_t pids[SERVED_MAX];
	size_t n;
};

/*
 * Those that serve from the store of the configuration. st: that store, open;
 * NULL: it is opened for this, if need be.
 */
void served_find(const struct config *cfg, struct store *st,
    struct served *ret_served);

/* Is that process one of them? */
bool served_has(const struct served *served, pid_t pid);

#endif /* SERVER_SERVED_H */
