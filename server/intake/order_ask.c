#include "server/intake/order_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/status_ask.h"
#include "server/auth/signature.h"
#include "server/base/json.h"
#include "store/base/hex.h"

#define ID_PREFIX TYPE_OWN "order.status/"
#define ID_BYTES 16

bool
order_ask_is_for_some(const struct ingest *in, const struct order_ask *ask)
{
	const struct selection_event ev = {
		.type = STATUS_ASK_TYPE,
		.brand = ask->brand,
		.branch = ask->branch,
	};

	return (ingest_takes(in, &ev));
}

/* What the same thing under the same key has in common, as bytes. */
static char *
identity(const struct order_ask *ask, size_t *ret_len)
{
	const char *const parts[] = { ask->scope, ask->order->order_id,
		ask->word, ask->key };
	char *bytes, *p;

	*ret_len = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		*ret_len += strlen(parts[i]) + 1;
	if ((bytes = p = malloc(*ret_len)) == NULL)
		return (NULL);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		p = mempcpy(p, parts[i], strlen(parts[i]) + 1);
	return (bytes);
}

/* Returns 0, or -1. */
static int
make_id(const struct order_ask *ask, char ret_id[ORDER_ASK_ID_MAX])
{
	unsigned char digest[SIGNATURE_LEN];
	char *bytes;
	size_t len;
	int rc;

	if (ask->key == NULL) {
		rc = signature_random(digest, ID_BYTES);
	} else {
		if ((bytes = identity(ask, &len)) == NULL)
			return (-1);
		rc = signature_sha256(bytes, len, digest);
		free(bytes);
	}
	if (rc == -1)
		return (-1);
	_Static_assert(sizeof(ID_PREFIX) + 2 * ID_BYTES <= ORDER_ASK_ID_MAX,
	    "an id fits");
	(void)strcpy(ret_id, ID_PREFIX);
	hex_encode(digest, ID_BYTES, ret_id + strlen(ID_PREFIX));
	return (0);
}

/* NULL when out of memory. */
static char *
make_body(const struct order_ask *ask)
{
	json_t *o = json_object(), *value;
	char *body = NULL;
	int bad = 0;

	bad |= json_set_text(o, "order", ask->order->order_id);
	bad |= json_set_text(o, "status", ask->word);
	if (ask->by != NULL)
		bad |= json_set_text(o, "by", ask->by);
	for (const char *const *f = status_ask_fields; *f != NULL; f++) {
		if ((value = json_object_get(ask->said, *f)) != NULL)
			bad |= json_object_set(o, *f, value);
	}
	if (bad == 0)
		body = json_text(o);
	json_decref(o);
	return (body);
}

int
order_ask_submit(struct ingest *in, const struct order_ask *ask, int64_t at_ms,
    ingest_done_fn *done, void *arg, char ret_event_id[ORDER_ASK_ID_MAX])
{
	struct store_order order = *ask->order;
	struct own_event own = {
		.event_id = ret_event_id,
		.type = STATUS_ASK_TYPE,
		.scope = ask->scope,
		.brand = ask->brand,
		.branch = ask->branch,
		.order = &order,
		.at_ms = at_ms,
	};
	char *body;

	order.place = 0;
	if (make_id(ask, ret_event_id) == -1 || (body = make_body(ask)) == NULL)
		return (-1);
	own.body = body;
	own.body_len = strlen(body);
	if (ingest_own(in, &own, done, arg) == 0)
		return (0);
	free(body);
	return (-1);
}
