/*
 * doctor.h -- looks at all that a klikitd needs, and says what to do.
 *
 * Owns:    the table of checks; each is a function that reports what it found.
 * Touches: the configuration, the store (to read only), files, /proc, sockets.
 *          Changes nothing, and disturbs no server that runs.
 */
#ifndef SERVER_DOCTOR_H
#define SERVER_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "server/config/config.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARN, /* works, but is probably not meant, or not for long */
	DOCTOR_FAIL  /* does not work */
};

struct doctor_finding {
	enum doctor_level level;
	const char *check;  /* its name; static */
	const char *text;   /* one line, escaped */
	const char *advice; /* what to do; NULL if all is well */
};

/* Borrowed for the call. */
typedef void doctor_found_fn(const struct doctor_finding *finding, void *arg);

struct doctor_options {
	const struct config_source *source;
	bool network; /* look whether the handlers' far sides can be reached */

	/* That check begins, or goes on since so many seconds; may be NULL. */
	void (*progress)(const char *check, unsigned seconds, void *arg);
};

/* Run every check, in the order of the table. */
void doctor_run(const struct doctor_options *opt, doctor_found_fn *found,
    void *arg);

#endif /* SERVER_DOCTOR_H */
