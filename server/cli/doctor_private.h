/*
 * doctor_private.h -- what the checks of doctor.c share.
 */
#ifndef SERVER_DOCTOR_PRIVATE_H
#define SERVER_DOCTOR_PRIVATE_H

#include <sys/types.h>

#include <limits.h>

#include <jansson.h>

#include "server/base/steady.h"
#include "server/cli/doctor.h"
#include "server/cli/live_server.h"
#include "server/cli/proc.h"
#include "server/cli/served.h"

struct store;

struct doctor {
	const struct doctor_options *opt;
	doctor_found_fn *found;
	void *arg;
	const char *check; /* the one that runs */

	struct config *cfg; /* NULL: it cannot be read at all */
	bool whole;         /* secrets and files were read, too */
	int64_t now_ms;

	/* Found by the check of the store. */
	char store_path[PATH_MAX]; /* or its name, if it is no file */
	struct store *st;      /* NULL: there is none, or it cannot be opened */
	struct steady clock;   /* as a server has it; only with a store */
	struct served servers; /* who of this machine serves from it */
	pid_t holder;          /* the first of them; 0: nobody */
};

/*
 * Report a finding of the check that runs. advice is what to do about it; NULL
 * if and only if the level is DOCTOR_OK.
 */
void doctor_report(const struct doctor *d, enum doctor_level level,
    const char *advice, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Say that the check that runs has done so for so many seconds. */
void doctor_go_on(const struct doctor *d, unsigned seconds);

/* The directory that the store, a file, is in: an absolute path. */
void doctor_store_dir(const struct doctor *d, char ret_dir[PATH_MAX]);

/*
 * What the server that runs answers to a GET of the admin API, the caller's.
 * NULL and why, if there is none to be had.
 */
json_t *doctor_ask(const struct doctor *d, const char *path,
    char reason[LIVE_SERVER_REASON_MAX]);

/* The checks. */
void doctor_configuration(struct doctor *d);
void doctor_secrets(struct doctor *d);
void doctor_certificates(struct doctor *d);
void doctor_limits(struct doctor *d);
void doctor_store(struct doctor *d);
void doctor_integrity(struct doctor *d);
void doctor_jobs(struct doctor *d);
void doctor_space(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_backups(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_ports(struct doctor *d);
void doctor_handlers(struct doctor *d);
void doctor_upstreams(struct doctor *d);
void doctor_pullers(struct doctor *d);
void doctor_reconcile(struct doctor *d);
void doctor_needs(struct doctor *d);

#endif /* SERVER_DOCTOR_PRIVATE_H */
