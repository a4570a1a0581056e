/*
 * server.h -- a klikitd at work: builds the modules in order, runs the loop,
 * takes them down.
 *
 * Owns:    the event base and one of each module; the configuration in force.
 * Touches: stdout, for one line per listener when it is ready.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>

#include "server/config/config.h"

/* Where a server that is ready can be reached. */
struct server_ready {
	const char *url;       /* of its first listener, without a path */
	const char *admin_url; /* "": it has none */
	const char *ca_file;   /* as in the options */
	const struct config *cfg;
	bool keys; /* dev's keys are obeyed: dev_keys.h */
};

struct server_options {
	struct config *cfg;                 /* taken */
	const struct config_source *source; /* kept: read again on HUP */
	bool dev;                           /* it is klikitd dev */
	const char *ca_file; /* for clients of dev's TLS; NULL: no such */
	/* Called once, when the listeners are ready; may be NULL. */
	void (*ready)(const struct server_ready *ready);
};

/*
 * Serve until TERM or INT. The first one drains: no new connections, what is
 * pending is committed and answered, outcomes are recorded, for at most 10 s.
 * The second leaves at once, by _exit(1). HUP reads the configuration again;
 * a bad one, or one that needs a restart, leaves the old in force and is
 * logged. Returns 0 after an orderly end; 1 if it could not start, if the
 * store was lost, or if the drain ran out of time; the reason is logged.
 */
int server_run(const struct server_options *opt);

#endif /* SERVER_SERVER_H */
