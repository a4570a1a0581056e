/*
 * klikit_request.h -- the request with an order's status, and what its
 * answer means.
 *
 * Pure: text in, text out. What was asked for is in body/status_ask.h.
 */
#ifndef HANDLERS_KLIKIT_REQUEST_H
#define HANDLERS_KLIKIT_REQUEST_H

#include <stdbool.h>

#include "handlers/handler.h"
#include "handlers/net/http_client.h"

#define KLIKIT_KEY_MAX 64 /* klikit takes no longer idempotency key */

/*
 * Path, in place of each "{order}" the id, percent-encoded. Owned by the
 * caller; NULL when out of memory.
 */
char *klikit_path(const char *base, const char *path, const char *order);

/* Both owned by whom it is given to. */
struct klikit_change {
	char *order; /* whose status it is */
	char *body;  /* what is sent for it */
};

/*
 * What is sent for the body of such an event; at_ms, unless 0, is when it was
 * asked for, in case that does not say so itself. Returns HANDLER_DONE, or
 * the verdict of the job with its reason; then ret_change is not to be used.
 */
enum handler_verdict klikit_request(const struct store_event *ev,
    const struct key_list *statuses, int64_t at_ms,
    struct klikit_change *ret_change, struct handler_result *ret_result);

/* A key that klikit takes, always the same for a job's key. Returns 0, or -1.
 */
int klikit_key(const char *job_key, char ret_key[KLIKIT_KEY_MAX + 1]);

/*
 * The outcome of a change that was asked for, by the handler of that name;
 * again: not for the first time.
 */
void klikit_verdict(const struct http_client_answer *answer, const char *name,
    bool again, struct handler_result *ret_result);

/*
 * What doctor finds: the level, one line, and what to do about it (NULL if it
 * is fine).
 */
enum handler_level klikit_found(const struct http_client_answer *answer,
    char ret_text[HANDLER_REASON_MAX], const char **ret_advice);

#endif /* HANDLERS_KLIKIT_REQUEST_H */
