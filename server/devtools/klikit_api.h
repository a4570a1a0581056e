/*
 * klikit_api.h -- a fake of klikit's Partner API: the list of orders in both
 * dialects, one order, the change of a status; and what it is to do wrong.
 *
 * Owns:    its orders, its faults, its credentials, the answers it has given
 *          under each idempotency key, and a list of the requests it had.
 * Touches: the wall clock. Takes and gives plain values: no HTTP server, no
 *          file.
 */
#ifndef SERVER_KLIKIT_API_H
#define SERVER_KLIKIT_API_H

#include <stddef.h>
#include <stdint.h>

struct klikit_api; /* opaque */

/* A request that was read whole; all borrowed. */
struct klikit_api_request {
	const char *method;
	const char *uri;           /* path and query */
	const char *authorization; /* NULL: none */
	const char *key;           /* Idempotency-Key; NULL: none */
	const void *body;
	size_t body_len;
};

#define KLIKIT_API_CURSOR_MAX 64

/* What to answer. */
struct klikit_api_answer {
	int status; /* 0: close the connection without one */
	const char *type;
	char *body; /* owned by the caller; NULL: out of memory */
	int64_t delay_ms;
	int64_t retry_after_s;              /* 0: none */
	char cursor[KLIKIT_API_CURSOR_MAX]; /* of the next page; empty: none */
};

/* NULL when out of memory. */
struct klikit_api *klikit_api_new(void);

/* Accepts NULL. */
void klikit_api_free(struct klikit_api *api);

/*
 * Is that a request of the test's or the person's, which says what the API is
 * to do? It is not klikit's, and not to be counted among those.
 */
int klikit_api_is_control(const char *uri);

void klikit_api_answer(struct klikit_api *api,
    const struct klikit_api_request *req, struct klikit_api_answer *ret);

#endif /* SERVER_KLIKIT_API_H */
