/*
 * The change of an order's status, once for each idempotency key: a key that
 * was answered gets that answer again.
 */
#include <string.h>

#include "server/base/json.h"
#include "server/devtools/klikit_api_private.h"

#define KEY_MAX 64

/* Was that key answered before? Then so it is again. */
static bool
is_replayed(const struct klikit_api *api, struct klikit_call_now *now,
    const json_t *asked)
{
	const json_t *before = json_object_get(api->replays, now->req->key);

	if (before == NULL)
		return (false);
	if (!json_equal(json_object_get(before, "asked"), asked)) {
		klikit_api_error(now, 409, "state_idempotency_conflict",
		    "that key was used for something else");
		return (true);
	}
	now->status =
	    (int)json_integer_value(json_object_get(before, "status"));
	now->json = json_deep_copy(json_object_get(before, "answer"));
	return (true);
}

static void
move_order(struct klikit_api *api, struct klikit_call_now *now,
    const json_t *body)
{
	const char *status = json_string_value(json_object_get(body, "status"));
	const char *reason =
	    json_string_value(json_object_get(body, "reason_code"));
	json_t *order = klikit_orders_find(api->orders, now->order);

	if (order == NULL) {
		klikit_api_error(now, 404, "resource_not_found",
		    "no such order");
		return;
	}
	switch (klikit_orders_move(order, status == NULL ? "" : status, reason,
	    now->now_ms)) {
	case KLIKIT_MOVED:
		klikit_api_data(now,
		    json_pack("{s:s, s:s, s:O}", "id", now->order, "status",
			status, "updated_at",
			json_object_get(order, "updated_at")));
		break;
	case KLIKIT_NO_SUCH_STATUS:
		klikit_api_error(now, 400, "request_invalid",
		    "status is accepted, ready, picked_up, rejected or "
		    "cancelled");
		break;
	case KLIKIT_NO_REASON:
		klikit_api_error(now, 422, "missing_cancel_reason",
		    "rejected and cancelled need a reason_code");
		break;
	case KLIKIT_NOT_FROM_THERE:
		klikit_api_error(now, 409, "state_invalid_transition",
		    "the order is not where that may follow");
		break;
	}
}

void
klikit_api_status(struct klikit_api *api, struct klikit_call_now *now)
{
	const struct klikit_api_request *req = now->req;
	json_t *body = json_loadb(req->body, req->body_len, 0, NULL);
	json_t *asked =
	    json_pack("{s:s, s:O?}", "order", now->order, "body", body);

	if (req->key == NULL || req->key[0] == '\0') {
		klikit_api_error(now, 400, "request_missing_idempotency_key",
		    "no Idempotency-Key");
	} else if (strlen(req->key) > KEY_MAX) {
		klikit_api_error(now, 400, "request_invalid",
		    "an Idempotency-Key has at most 64 characters");
	} else if (!json_is_object(body)) {
		klikit_api_error(now, 400, "request_invalid",
		    "the body is no JSON object");
	} else if (!is_replayed(api, now, asked)) {
		move_order(api, now, body);
		(void)json_object_set_new(api->replays, req->key,
		    json_pack("{s:O, s:i, s:O}", "asked", asked, "status",
			now->status, "answer", now->json));
	}
	json_decref(asked);
	json_decref(body);
}
