/*
 * sink.h -- a fake POS: takes every request and answers as it is told to.
 *
 * Owns:    its loop, its listener on 127.0.0.1, TERM and INT while it runs,
 *          and what it remembers: the idempotency keys it has seen.
 * Touches: stdout (the listener's line, with print one line per request), a
 *          file that it appends to; SIGPIPE is ignored for good.
 */
#ifndef SERVER_SINK_H
#define SERVER_SINK_H

#include <stdbool.h>
#include <stdint.h>

struct sink; /* opaque */

struct sink_options {
	uint16_t port;    /* 0: the kernel chooses */
	unsigned fail;    /* percent of requests that are answered 503 */
	unsigned drop;    /* percent that get no answer once they are read */
	int status;       /* of all other answers */
	int64_t delay_ms; /* before an answer, or a drop */
	uint64_t seed;    /* of the draws: the same one, the same choices */
	bool print;       /* tell each request on stdout */
	const char *log_path; /* append each request here; NULL: nowhere */
	/* PEM files, read by sink_open(): speak TLS; NULL: do not. */
	const char *certificate;
	const char *key;
};

/* What it has seen. */
struct sink_totals {
	uint64_t requests;
	uint64_t keys;    /* distinct idempotency keys */
	uint64_t repeats; /* requests with a key that had been there before */
};

#define SINK_REASON_MAX 512

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

/* Drops what is not answered yet. Accepts NULL. */
void sink_close(struct sink *s);

#endif /* SERVER_SINK_H */
