/*
 * metrics_private.h -- what the files of metrics share.
 *
 * metrics.c        who asked, and what the store counted
 * metrics_print.c  the families
 * metrics_text.c   the format
 */
#ifndef SERVER_METRICS_PRIVATE_H
#define SERVER_METRICS_PRIVATE_H

#include <stdio.h>

#include "server/admin/metrics.h"
#include "store/store_read.h"

/* What the store counted last. */
struct metrics_figures {
	bool known;
	int64_t at_ms; /* monotonic */
	struct store_figures f;
	struct store_handler_info *handlers; /* with names of their own */
};

/* Print all to f. */
void metrics_print(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures);

#endif /* SERVER_METRICS_PRIVATE_H */
