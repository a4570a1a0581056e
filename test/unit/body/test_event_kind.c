#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handlers/body/event_kind.h"

/* klikit's names are known with any version, and nothing else is. */
static void
test_event_kind_ignores_the_version_only(void **state)
{
	static const struct {
		const char *type;
		enum event_kind kind;
	} cases[] = {
		{ "klikit.order.created.v2", EVENT_CREATED },
		{ "klikit.order.created", EVENT_CREATED },
		{ "klikit.order.created.v10", EVENT_CREATED },
		{ "klikit.order.status.updated", EVENT_STATUS },
		{ "klikit.order.status.updated.v1", EVENT_STATUS },
		{ "klikit.order.cart.updated", EVENT_CART },
		{ "klikit.order.cart.updated.v3", EVENT_CART },
		{ "", EVENT_UNKNOWN },
		{ "klikit.order", EVENT_UNKNOWN },
		{ "klikit.order.create", EVENT_UNKNOWN },
		{ "klikit.order.createdv2", EVENT_UNKNOWN },
		{ "klikit.order.created.", EVENT_UNKNOWN },
		{ "klikit.order.created.v", EVENT_UNKNOWN },
		{ "klikit.order.created.2", EVENT_UNKNOWN },
		{ "klikit.order.created.v2x", EVENT_UNKNOWN },
		{ "klikit.order.created.v2.v3", EVENT_UNKNOWN },
		{ "klikit.order.created.V2", EVENT_UNKNOWN },
		{ "Klikit.order.created.v2", EVENT_UNKNOWN },
		{ " klikit.order.created.v2", EVENT_UNKNOWN },
		{ "klikit.order.cancelled", EVENT_UNKNOWN },
		{ "order.placed", EVENT_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(event_kind(cases[i].type), cases[i].kind);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_kind_ignores_the_version_only),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
