#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/envelope.h"
#include "test/fuzz/fuzz.h"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

static void
check_text(const char *text)
{
	promise(text == NULL || strlen(text) <= ENVELOPE_TEXT_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope_reader *er;
	struct envelope env;
	int32_t place = -1;

	if (er == NULL && (er = envelope_reader_new()) == NULL)
		abort();
	if (envelope_scan(er, data, size, &env) != ENVELOPE_OK)
		return (0);
	promise(env.norders + env.strays <= ENVELOPE_ORDERS_MAX);
	check_text(env.brand);
	check_text(env.branch);
	for (size_t i = 0; i < env.norders; i++) {
		const struct store_order *o = &env.orders[i];

		promise(o->place > place);
		place = o->place;
		promise(o->order_id != NULL && o->order_id[0] != '\0');
		check_text(o->order_id);
		check_text(o->status);
		check_text(o->updated_at);
		check_text(o->external_id);
	}
	promise((size_t)place + 1 <= env.norders + env.strays);
	envelope_fini(&env);
	return (0);
}
