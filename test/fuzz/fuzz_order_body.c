/*
 * What the envelope finds in a body, it also finds in the body that is cut
 * out for each of its orders.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/envelope.h"
#include "handlers/body/order_body.h"
#include "test/fuzz/fuzz.h"

#define ORDERS_MAX 16 /* per input: each costs a parse */

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

static bool
same(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

/* The body cut for order o of env must carry that order, and it alone. */
static void
check_cut(const struct envelope *env, const struct store_order *o,
    const void *body, size_t len)
{
	struct envelope one;

	promise(envelope_scan(body, len, &one) == ENVELOPE_OK);
	promise(one.norders == 1 && one.strays == 0);
	promise(same(one.brand, env->brand));
	promise(same(one.branch, env->branch));
	promise(same(one.orders[0].order_id, o->order_id));
	promise(same(one.orders[0].status, o->status));
	promise(same(one.orders[0].updated_at, o->updated_at));
	promise(same(one.orders[0].external_id, o->external_id));
	envelope_fini(&one);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope env;
	void *body;
	size_t len;

	if (order_body_cut(data, size, 0, &body, &len) == 0)
		free(body);
	if (envelope_scan(data, size, &env) != ENVELOPE_OK)
		return (0);
	for (size_t i = 0; i < env.norders && i < ORDERS_MAX; i++) {
		const struct store_order *o = &env.orders[i];

		promise(order_body_cut(data, size, o->place, &body, &len) == 0);
		check_cut(&env, o, body, len);
		free(body);
	}
	envelope_fini(&env);
	return (0);
}
