/*
 * webhook_case.h -- the webhook at a listener, and clients that deliver.
 *
 * Ingest and the queue of refusals are played here, so that an outcome comes
 * when a test wants it. The rest is http_peer.h's.
 */
#ifndef TEST_LIB_WEBHOOK_CASE_H
#define TEST_LIB_WEBHOOK_CASE_H

#include <stdint.h>

#include "server/auth/secrets.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/endpoint.h"
#include "server/intake/ingest.h"
#include "server/intake/webhook.h"
#include "test/lib/http_peer.h"

#define PENDING_MAX 4

/* In place of the real one: what it was given, and what it is to say. */
struct ingest {
	enum ingest_rc verdict; /* of ingest_submit() */
	struct {
		ingest_done_fn *done;
		void *arg;
		void *body;
		size_t len;
	} pending[PENDING_MAX];
	size_t npending;
	char event_id[64];
	char peer[64];
	char endpoint[64];
	int64_t answered; /* the last event */
	unsigned nanswered;
	unsigned nlost;             /* of them: the answer never left */
	struct store_answer answer; /* the last one that was noted */
};

/* In place of the real one: the last refusal. */
struct diagnosis_queue {
	unsigned n;
	enum reject_cause cause;
	char endpoint[64];
	char headers[8192];
	size_t body_len;
	size_t size;
};

struct webhook_case {
	struct http_case h;
	struct ingest in;
	struct diagnosis_queue diag;
	struct secrets *sec;
	struct endpoint endpoint; /* which all of them open */
	struct endpoint_tally tally;
	struct webhook *webhook;
};

/* For cmocka: the webhook, and GET /proven, which says whether one is. */
int webhook_setup(void **state);
int webhook_teardown(void **state);

/* Send a signed delivery; signature, if not NULL, replaces the right one. */
void webhook_post(struct peer *c, const char *id, const char *body,
    const char *signature);

/* Run the loop until n deliveries are with ingest. */
void webhook_wait_pending(struct webhook_case *f, size_t n);

/* Let the oldest delivery have its outcome. */
void webhook_commit(struct webhook_case *f, enum ingest_rc rc, int64_t event);

#endif /* TEST_LIB_WEBHOOK_CASE_H */
