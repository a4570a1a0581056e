/*
 * klikit_api_private.h -- the fake klikit API's parts, for one another.
 */
#ifndef SERVER_KLIKIT_API_PRIVATE_H
#define SERVER_KLIKIT_API_PRIVATE_H

#include <inttypes.h>
#include <stdbool.h>

#include <jansson.h>

#include "server/devtools/klikit_api.h"
#include "server/devtools/klikit_faults.h"
#include "server/devtools/klikit_orders.h"

struct evkeyvalq;

struct klikit_api {
	struct klikit_orders *orders;
	struct klikit_faults *faults;
	json_t *credentials;
	json_t *requests; /* an array: what it was asked, the latest last */
	json_t *replays;  /* by idempotency key: what was asked and answered */
	uint64_t nrequests;
};

/* Who asks, and so how pages are turned. */
enum klikit_dialect {
	KLIKIT_NOBODY,
	KLIKIT_PAGES,  /* by Basic: page, size, total */
	KLIKIT_CURSORS /* by a bearer token: an opaque cursor */
};

/* One call while it is answered. */
struct klikit_call_now {
	const struct klikit_api_request *req;
	int64_t now_ms;
	char id[32]; /* request_id */
	enum klikit_dialect dialect;
	char order[256]; /* the id in the path; empty: none */

	/* What will be answered. */
	int status;
	json_t *json;
	bool html;   /* a page in its place */
	bool silent; /* nothing, after all */
	int64_t delay_ms;
	int64_t retry_after_s;
	char cursor[KLIKIT_API_CURSOR_MAX];
};

/* Answer 200 with data, which is taken. */
void klikit_api_data(struct klikit_call_now *now, json_t *data);

void klikit_api_error(struct klikit_call_now *now, int status, const char *code,
    const char *message);

/* GET of the list; fault may change the page. (klikit_api_list.c) */
void klikit_api_list(struct klikit_api *api, struct klikit_call_now *now,
    const struct evkeyvalq *query, const struct klikit_fault *fault);

/* PATCH of an order's status. (klikit_api_status.c) */
void klikit_api_status(struct klikit_api *api, struct klikit_call_now *now);

#endif /* SERVER_KLIKIT_API_PRIVATE_H */
