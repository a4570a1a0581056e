/*
 * backup_scheduled.h -- private to verb_backup.c: a backup as [backup] says,
 * into its directory, verified, and what is too much removed.
 *
 * The server runs this as a program of its own: a disk that hangs, or a copy
 * that takes long, is then nothing that its loop or its store waits for.
 */
#ifndef SERVER_BACKUP_SCHEDULED_H
#define SERVER_BACKUP_SCHEDULED_H

#include <stdbool.h>
#include <stdint.h>

#include "server/config/config.h"

struct backup_order {
	const struct config *cfg;
	bool if_due;      /* only if the newest is older than backup.every */
	int64_t at_ms;    /* what time it is; 0: as the store's clock says */
	const char *sent; /* only note that this one was handed on; or NULL */
	bool json;        /* say it in one line for a program */
};

/* Do it, and say on stdout what came of it. Returns 0; -1 if it failed. */
int backup_scheduled(const struct backup_order *order);

#endif /* SERVER_BACKUP_SCHEDULED_H */
