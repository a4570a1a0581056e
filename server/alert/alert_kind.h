/*
 * alert_kind.h -- what klikitd calls for help about.
 *
 * Pure: a table.
 */
#ifndef SERVER_ALERT_KIND_H
#define SERVER_ALERT_KIND_H

#include <stdbool.h>

#include "handlers/body/event_kind.h"

/* A new kind: one here, one row in alert_kind.c, one in DESIGN.md. */
enum alert_kind {
	ALERT_JOB_DEAD,
	ALERT_HANDLER_FAILING,
	ALERT_STORE,
	ALERT_DISK,
	ALERT_CLOCK,
	ALERT_CERTIFICATE,
	ALERT_REJECTIONS,
	ALERT_BRANCH_SILENT,
	ALERT_BACKUP,
	ALERT_PROBE,
	ALERT_UPSTREAM,
	ALERT_RECONCILE,
	ALERT_NKINDS
};

/* The types of the events: this and the kind's word, or ALERT_CLEARED. */
#define ALERT_TYPE EVENT_ALERT
#define ALERT_TYPE_CLEARED ALERT_TYPE "cleared"

/* Its word, as types, metrics and the API have it; static. */
const char *alert_kind_name(enum alert_kind kind);

/* The type of the event that raises it; static. */
const char *alert_kind_type(enum alert_kind kind);

/* What the operator can do about it, a sentence; static. */
const char *alert_kind_advice(enum alert_kind kind);

/*
 * Do all receivers of a shared store see the same of it? Then each of them may
 * clear what another has raised.
 */
bool alert_kind_is_common(enum alert_kind kind);

#endif /* SERVER_ALERT_KIND_H */
