#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#include "test/lib/intake_case.h"

void
intake_case_init(struct intake_case *c)
{
	fake_clock_reset();
	fake_log_clear();
	c->base = event_base_new();
	c->st = fake_store_new();
	assert_non_null(c->base);
	c->rej = rejections_new(c->base, c->st);
	assert_non_null(c->rej);
}

void
intake_case_fini(struct intake_case *c)
{
	(void)heap_heal();
	while (fake_store_waiting(c->st, FAKE_REJECT) > 0)
		fake_store_end(c->st, FAKE_REJECT, STORE_OK);
	rejections_free(c->rej);
	fake_store_free(c->st);
	event_base_free(c->base);
}

void
intake_case_pass_ms(struct intake_case *c, int64_t ms)
{
	fake_clock_pass_ms(ms);
	assert_int_not_equal(event_base_loop(c->base,
				 EVLOOP_ONCE | EVLOOP_NONBLOCK),
	    -1);
}

int
intake_case_setup(void **state)
{
	struct intake_case *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	intake_case_init(c);
	*state = c;
	return (0);
}

int
intake_case_teardown(void **state)
{
	intake_case_fini(*state);
	free(*state);
	return (0);
}
