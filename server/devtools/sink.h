/*
 * sink.h -- a fake POS: takes every request and answers as its options say.
 *
 * Owns:    its loop, its listener on 127.0.0.1, TERM and INT while it runs,
 *          and what it remembers: the idempotency keys it has seen.
 * Touches: stdout (the listener's line, with print one line per request), a
 *          file that it appends to; SIGPIPE is ignored for good.
 */
#ifndef SERVER_SINK_H
#define SERVER_SINK_H

#include "server/devtools/sink_options.h"

struct sink; /* opaque */

/*
 * Listen, and say where on stdout. Copies opt; keeps log_path. Returns NULL,
 * and one line in reason, if it cannot.
 */
struct sink *sink_open(const struct sink_options *opt,
    char reason[SINK_REASON_MAX]);

/*
 * Answer until TERM or INT comes. Returns 0; -1, and one line in reason, if
 * a request could not be recorded: then it was not answered.
 */
int sink_run(struct sink *s, char reason[SINK_REASON_MAX]);

struct sink_totals sink_totals(const struct sink *s);

/* Drops requests that are not answered yet. Accepts NULL. */
void sink_close(struct sink *s);

#endif /* SERVER_SINK_H */
