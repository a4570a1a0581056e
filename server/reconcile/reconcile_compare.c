#include "server/reconcile/reconcile_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/event_kind.h"
#include "server/auth/signature.h"
#include "server/intake/selection.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

static bool
ends(const struct status_codes *codes, const char *status)
{
	for (size_t i = 0; status != NULL && i < codes->nterminal; i++) {
		if (strcmp(codes->terminal[i], status) == 0)
			return (true);
	}
	return (false);
}

/*
 * The key of a version by what it says itself: neither the kind of its event
 * nor its arrival makes one newer here.
 */
static void
version_key(const struct status_codes *codes, const struct store_order *order,
    unsigned char ret_key[ORDER_KEY_LEN])
{
	const struct order_version v = {
		.updated_at = order->updated_at,
		.terminal = ends(codes, order->status),
		.rank = order_rank(order->status, codes->order, codes->norder),
	};

	order_key(&v, ret_key);
}

void
reconcile_know(struct reconcile_known *known, const struct status_codes *codes,
    const char *type, const struct store_order *order)
{
	unsigned char key[ORDER_KEY_LEN];

	switch (event_kind(type)) {
	case EVENT_CREATED:
		known->created = true;
		break;
	case EVENT_STATUS:
		known->changed = true;
		break;
	case EVENT_CART:
	case EVENT_UNKNOWN:
	case EVENT_NKINDS:
		return;
	}
	if (order == NULL)
		return;
	version_key(codes, order, key);
	if (memcmp(key, known->key, sizeof(key)) < 0)
		return;
	memcpy(known->key, key, sizeof(key));
	known->ended = ends(codes, order->status);
}

enum reconcile_verdict
reconcile_judge(const struct reconcile_known *known,
    const struct status_codes *codes, const struct reconcile_item *item,
    int64_t young_ms)
{
	unsigned char key[ORDER_KEY_LEN];
	enum reconcile_verdict verdict;

	version_key(codes, item->order, key);
	if (!known->created && !(known->changed && known->ended))
		verdict = RECONCILE_UNKNOWN;
	else if (memcmp(key, known->key, sizeof(key)) > 0)
		verdict = RECONCILE_NEWER;
	else
		return (RECONCILE_SAME);
	return (item->changed_ms > young_ms ? RECONCILE_YOUNG : verdict);
}

void
reconcile_event_id(const struct store_order *order,
    char ret_id[RECONCILE_EVENT_SIZE])
{
	const char *status = order->status == NULL ? "" : order->status;
	const char *at = order->updated_at == NULL ? "" : order->updated_at;
	unsigned char digest[SIGNATURE_LEN] = { 0 };
	char time[FORMAT_TIME_MAX], hex[SIGNATURE_TEXT_LEN + 1];
	char text[3 * (ENVELOPE_TEXT_MAX + 1) + sizeof(RECONCILE_EVENT) + 2];
	int64_t at_ms;
	bool zone;

	/* One time that is written in two ways is one. */
	if (parse_time_utc(at, strlen(at), &at_ms, &zone) == 0)
		at = format_time(at_ms, time);
	(void)snprintf(text, sizeof(text), RECONCILE_EVENT "%s-%s-%s",
	    order->order_id, at, status);
	if (event_name_is_good(text)) {
		(void)strcpy(ret_id, text);
		return;
	}
	/* An id that no header could hold. */
	(void)signature_sha256(text, strlen(text), digest);
	hex_encode(digest, sizeof(digest), hex);
	(void)snprintf(ret_id, RECONCILE_EVENT_SIZE, RECONCILE_EVENT "%s", hex);
}
