/*
 * sink_options.h -- what the fake POS is to do, and what it has counted.
 */
#ifndef SERVER_SINK_OPTIONS_H
#define SERVER_SINK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct sink_options {
	uint16_t port;    /* 0: the kernel chooses */
	unsigned fail;    /* percent of requests that are answered 503 */
	unsigned drop;    /* percent that get no answer once they are read */
	int status;       /* of all other answers */
	bool klikit_api;  /* these are the fake klikit API's (klikit_api.h) */
	int64_t delay_ms; /* before an answer, or a drop */
	uint64_t seed;    /* of the draws: the same one, the same choices */
	bool print;       /* each request, on stdout */
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

#endif /* SERVER_SINK_OPTIONS_H */
