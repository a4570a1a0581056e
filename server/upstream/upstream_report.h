/*
 * upstream_report.h -- reports to the hub: what became of its jobs.
 *
 * Pure apart from memory: outcomes to JSON, and its answer to a verdict.
 */
#ifndef SERVER_UPSTREAM_REPORT_H
#define SERVER_UPSTREAM_REPORT_H

#include <stddef.h>

#include "handlers/handler.h"

struct upstream_outcome {
	const char *id; /* of the job, and its lease */
	const char *lease;
	const char *dead; /* why it never can be taken; NULL: it is done */
};

/* The body of a report (owned by the caller); NULL when out of memory. */
char *upstream_report_text(const struct upstream_outcome *outcomes, size_t n);

/*
 * Read the answer to a report of these outcomes. Returns 0, and how many of
 * them came too late, as the hub had given their jobs up; -1, and one line in
 * reason, if it is none.
 */
int upstream_report_read(const char *bytes, size_t len,
    const struct upstream_outcome *outcomes, size_t n, size_t *ret_gone,
    char reason[HANDLER_REASON_MAX]);

#endif /* SERVER_UPSTREAM_REPORT_H */
