/*
 * webhook.h -- a POST to an endpoint: a request becomes a delivery.
 *
 * Owns:    the checks of a delivery's headers and signature, its answer, and
 *          how long the answers took; whose deliveries fail too often.
 * Touches: route.h, endpoint.h, secrets.h, ingest.h, diagnosis_queue.h, the
 *          log.
 */
#ifndef SERVER_WEBHOOK_H
#define SERVER_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

struct diagnosis_queue;
struct histogram;
struct http_request;
struct ingest;
struct steady;
struct webhook; /* opaque */

/*
 * Keeps all until webhook_free(). By clock it is judged whether a secret is
 * still valid: a wall clock that is not believed refuses no delivery; NULL: by
 * the wall clock. NULL when out of memory.
 */
struct webhook *webhook_new(struct ingest *in, struct diagnosis_queue *diag,
    const struct steady *clock);

/*
 * http_route: a delivery; arg is the struct endpoint that it came to, of which
 * nothing is needed any more when this returns.
 */
void webhook_run(struct http_request *req, void *arg);

/*
 * Other secrets are in force: what failed by the old ones may be right now, and
 * is forgiven.
 */
void webhook_forgive(struct webhook *w);

/*
 * Of an address that fails more often than that a minute only what so many
 * bytes a second allow is verified (failure_limit.h), the rest is answered
 * 429. 0 failures, as at first: there is no limit.
 */
void webhook_set_limit(struct webhook *w, int64_t failures, int64_t work_per_s);

/*
 * What is told of probes (probe_body.h), which are stored nowhere; copied. take
 * is asked about each authentic one: true, and its done() says whether the
 * store has written; false: it is answered at once. refused: one that calls
 * itself a probe had a wrong signature.
 */
struct webhook_probe {
	bool (*take)(void *arg, const unsigned char *nonce, const char *peer,
	    void (*done)(bool committed, void *done_arg), void *done_arg);
	void (*refused)(void *arg);
	void *arg;
};
void webhook_set_probe(struct webhook *w, const struct webhook_probe *probe);

/* How many were answered 429. */
uint64_t webhook_limited(const struct webhook *w);

/*
 * From a delivery's being whole to its `received' having left, in us; until
 * free.
 */
const struct histogram *webhook_acks(const struct webhook *w);

/* Only when ingest has nothing pending, after the listener. Accepts NULL. */
void webhook_free(struct webhook *w);

#endif /* SERVER_WEBHOOK_H */
