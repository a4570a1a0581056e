#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/intake/selection.h"

#define CREATED "klikit.order.created.v2"
#define STATUS "klikit.order.status.updated"

static const char *const every[] = { "*" };
static const char *const two[] = { CREATED, STATUS };
static const char *const places[] = { "7", "8" };

static bool
takes(const struct selection *sel, const char *type, const char *brand,
    const char *branch)
{
	const struct selection_event ev = { type, brand, branch, "here",
		"hub" };

	return (selection_takes(sel, &ev));
}

/* A selection takes the types it names, to the letter. */
static void
test_types_match_exactly(void **state)
{
	const struct selection r = { .events = two, .nevents = 2 };

	(void)state;
	assert_true(takes(&r, CREATED, "1", "2"));
	assert_true(takes(&r, STATUS, NULL, NULL));
	assert_false(takes(&r, "klikit.order.created", "1", "2"));
	assert_false(takes(&r, CREATED ".1", "1", "2"));
	assert_false(takes(&r, "KLIKIT.order.created.v2", "1", "2"));
}

/* A star takes every type, also those nobody knows. */
static void
test_star_takes_every_type(void **state)
{
	const struct selection r = { .events = every, .nevents = 1 };

	(void)state;
	assert_true(takes(&r, CREATED, NULL, NULL));
	assert_true(takes(&r, "x", NULL, NULL));
	assert_true(takes(&r, "", NULL, NULL));
}

/* What ends in a dot and a star takes all that begins so, and no other. */
static void
test_beginnings_match(void **state)
{
	static const char *const orders[] = { "klikit.order.*" };
	const struct selection r = { .events = orders, .nevents = 1 };

	(void)state;
	assert_true(takes(&r, CREATED, NULL, NULL));
	assert_true(takes(&r, STATUS, NULL, NULL));
	assert_false(takes(&r, "klikit.orders", NULL, NULL));
	assert_false(takes(&r, "klikit.order", NULL, NULL));
	assert_false(takes(&r, "klikit.cart.x", NULL, NULL));
}

/* klikitd's own are for those that name them, whatever else these choose. */
static void
test_own_types_are_named(void **state)
{
	static const char *const own[] = { "*", "klikitd.alert.*" };
	struct selection r = { .events = every, .nevents = 1 };

	(void)state;
	assert_false(takes(&r, "klikitd.alert.disk", NULL, NULL));
	r = (struct selection){ .events = own + 1, .nevents = 1 };
	assert_true(takes(&r, "klikitd.alert.disk", NULL, NULL));
	assert_false(takes(&r, CREATED, NULL, NULL));
	r = (struct selection){ .events = own,
		.nevents = 2,
		.brands = places,
		.nbrands = 2,
		.branches = places,
		.nbranches = 2 };
	assert_true(takes(&r, "klikitd.alert.disk", NULL, NULL));
	assert_true(takes(&r, "klikitd.alert.disk", NULL, "8"));
	assert_false(takes(&r, "klikitd.alert.disk", NULL, "9"));
	assert_false(takes(&r, CREATED, NULL, NULL));
}

/* A star in a delivery's type is a type like any other. */
static void
test_star_as_a_type_matches_only_a_star(void **state)
{
	const struct selection r = { .events = two, .nevents = 2 };

	(void)state;
	assert_false(takes(&r, "*", NULL, NULL));
}

/* Without types nothing is for the sub: only other handlers use it. */
static void
test_no_types_take_nothing(void **state)
{
	const struct selection r = { .events = NULL, .nevents = 0 };

	(void)state;
	assert_false(takes(&r, CREATED, "1", "2"));
}

/* A sub that names brands takes these only, and none without a brand. */
static void
test_brands_select(void **state)
{
	const struct selection r = { .events = every,
		.nevents = 1,
		.brands = places,
		.nbrands = 2 };

	(void)state;
	assert_true(takes(&r, CREATED, "7", NULL));
	assert_true(takes(&r, CREATED, "8", "1"));
	assert_false(takes(&r, CREATED, "77", "7"));
	assert_false(takes(&r, CREATED, NULL, "7"));
}

/* Likewise branches. */
static void
test_branches_select(void **state)
{
	const struct selection r = { .events = every,
		.nevents = 1,
		.branches = places,
		.nbranches = 2 };

	(void)state;
	assert_true(takes(&r, CREATED, NULL, "7"));
	assert_true(takes(&r, CREATED, "1", "8"));
	assert_false(takes(&r, CREATED, "7", "9"));
	assert_false(takes(&r, CREATED, "7", NULL));
}

/* All that a sub names must hold. */
static void
test_type_brand_and_branch_must_all_match(void **state)
{
	const struct selection r = { .events = two,
		.nevents = 2,
		.brands = places,
		.nbrands = 1,
		.branches = places + 1,
		.nbranches = 1 };

	(void)state;
	assert_true(takes(&r, CREATED, "7", "8"));
	assert_false(takes(&r, CREATED, "8", "8"));
	assert_false(takes(&r, CREATED, "7", "7"));
	assert_false(takes(&r, "other", "7", "8"));
}

/* An event that came through none is not for who names endpoints. */
static void
test_endpoints_select(void **state)
{
	static const char *const here[] = { "there", "here" };
	static const char *const there[] = { "there" };
	const struct selection r = { .events = every,
		.nevents = 1,
		.endpoints = here,
		.nendpoints = 2 };
	const struct selection other = { .events = every,
		.nevents = 1,
		.endpoints = there,
		.nendpoints = 1 };

	(void)state;
	assert_true(takes(&r, CREATED, "1", "2"));
	assert_false(takes(&other, CREATED, "1", "2"));
	assert_false(
	    selection_takes(&r, &(struct selection_event){ .type = CREATED }));
}

/* Where it came from; klikitd's own come from nowhere. */
static void
test_origins_select(void **state)
{
	static const char *const some[] = { "klikit", "hub" };
	static const char *const all[] = { "*", "klikitd.alert.*" };
	static const char *const klikit[] = { "klikit" };
	const struct selection r = { .events = every,
		.nevents = 1,
		.origins = some,
		.norigins = 2 };
	const struct selection other = { .events = all,
		.nevents = 2,
		.origins = klikit,
		.norigins = 1 };

	(void)state;
	assert_true(takes(&r, CREATED, "1", "2"));
	assert_false(takes(&other, CREATED, "1", "2"));
	assert_true(selection_takes(&other,
	    &(struct selection_event){ .type = "klikitd.alert.disk" }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_match_exactly),
		cmocka_unit_test(test_star_takes_every_type),
		cmocka_unit_test(test_beginnings_match),
		cmocka_unit_test(test_own_types_are_named),
		cmocka_unit_test(test_star_as_a_type_matches_only_a_star),
		cmocka_unit_test(test_no_types_take_nothing),
		cmocka_unit_test(test_brands_select),
		cmocka_unit_test(test_branches_select),
		cmocka_unit_test(test_type_brand_and_branch_must_all_match),
		cmocka_unit_test(test_endpoints_select),
		cmocka_unit_test(test_origins_select),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
