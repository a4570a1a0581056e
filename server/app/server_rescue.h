/*
 * server_rescue.h -- the data of a store whose file was taken away.
 */
#ifndef SERVER_SERVER_RESCUE_H
#define SERVER_SERVER_RESCUE_H

#include <limits.h>
#include <stdbool.h>

struct store;

/* All zero at the beginning. */
struct server_rescue {
	bool running;        /* a stop waits for it */
	char path[PATH_MAX]; /* where to */
};

/*
 * The file of the store, whose URL that is, is no longer under its name, but
 * still open: copy all of it to PATH.rescued-TIME, unless that is under way.
 */
void server_rescue_begin(struct server_rescue *r, struct store *st,
    const char *url);

#endif /* SERVER_SERVER_RESCUE_H */
