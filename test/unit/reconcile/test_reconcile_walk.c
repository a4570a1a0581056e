#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/reconcile/reconcile_walk.h"

#define ITEMS 60

static struct reconcile_item items[ITEMS];
static struct store_order orders[ITEMS];
static char ids[ITEMS][24];
static char reason[HANDLER_REASON_MAX];

/* A page of the orders from first on. */
static struct reconcile_page *
page(int first, size_t n, int64_t total)
{
	static struct reconcile_page p;

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "%d", first + (int)i);
		orders[i].order_id = ids[i];
		items[i].order = &orders[i];
	}
	p = (struct reconcile_page){ .items = items,
		.nitems = n,
		.total = total,
		.length = -1 };
	return (&p);
}

static enum reconcile_step
walk(struct reconcile_walk *w, const struct reconcile_page *p)
{
	reason[0] = '\0';
	return (reconcile_walk_page(w, p, 100, reason));
}

static void
test_walk_ends_with_the_total(void **state)
{
	struct reconcile_walk w;

	(void)state;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_PAGE), 0);
	assert_int_equal(walk(&w, page(0, 20, 45)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(20, 20, 45)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(40, 5, 45)), RECONCILE_OVER);
	assert_int_equal(w.orders, 45);
	assert_int_equal(w.page, 3);
	reconcile_walk_fini(&w);

	/* There is nothing. */
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_PAGE), 0);
	assert_int_equal(walk(&w, page(0, 0, 0)), RECONCILE_OVER);
	reconcile_walk_fini(&w);
}

static void
test_walk_without_a_total_ends_with_an_empty_page(void **state)
{
	struct reconcile_walk w;

	(void)state;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_PAGE), 0);
	assert_int_equal(walk(&w, page(0, 20, -1)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(20, 5, -1)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(0, 0, -1)), RECONCILE_OVER);
	reconcile_walk_fini(&w);
}

static void
test_walk_that_ends_early_is_broken(void **state)
{
	struct reconcile_walk w;

	(void)state;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_PAGE), 0);
	assert_int_equal(walk(&w, page(0, 0, 5)), RECONCILE_BROKEN);
	assert_string_equal(reason,
	    "page 1 is empty, and of 5 orders 0 were there");
	reconcile_walk_fini(&w);
}

/* Pages of 20, then of 25: orders 20 to 24 lie between them. */
static void
test_walk_sees_pages_of_another_length(void **state)
{
	struct reconcile_walk w;

	(void)state;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_PAGE), 0);
	assert_int_equal(walk(&w, page(0, 20, 50)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(25, 25, 50)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(0, 0, 50)), RECONCILE_BROKEN);
	reconcile_walk_fini(&w);

	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_PAGE), 0);
	assert_int_equal(walk(&w, page(0, 20, -1)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(25, 25, -1)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(50, 10, -1)), RECONCILE_BROKEN);
	assert_string_equal(reason, "its pages changed their length at page 3");
	reconcile_walk_fini(&w);
}

static void
test_walk_sees_a_page_again(void **state)
{
	struct reconcile_walk w;

	(void)state;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_PAGE), 0);
	assert_int_equal(walk(&w, page(0, 20, 50)), RECONCILE_MORE);
	assert_int_equal(walk(&w, page(0, 20, 50)), RECONCILE_BROKEN);
	assert_string_equal(reason, "page 2 has only what was there before");
	reconcile_walk_fini(&w);
}

static struct reconcile_page *
cursor_page(int first, size_t n, const char *next)
{
	struct reconcile_page *p = page(first, n, -1);

	(void)strcpy(p->next, next);
	return (p);
}

static void
test_walk_by_cursor(void **state)
{
	struct reconcile_walk w;

	(void)state;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_CURSOR), 0);
	assert_int_equal(walk(&w, cursor_page(0, 20, "a")), RECONCILE_MORE);
	assert_string_equal(w.cursor, "a");
	assert_int_equal(walk(&w, cursor_page(20, 7, "b")), RECONCILE_MORE);
	assert_int_equal(walk(&w, cursor_page(27, 20, "")), RECONCILE_OVER);
	reconcile_walk_fini(&w);

	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_CURSOR), 0);
	assert_int_equal(walk(&w, cursor_page(0, 20, "a")), RECONCILE_MORE);
	assert_int_equal(walk(&w, cursor_page(20, 20, "a")), RECONCILE_BROKEN);
	assert_non_null(strstr(reason, "was there before"));
	reconcile_walk_fini(&w);

	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_CURSOR), 0);
	assert_int_equal(walk(&w, cursor_page(0, 0, "a")), RECONCILE_BROKEN);
	reconcile_walk_fini(&w);
}

/* Ever new orders and cursors: it ends all the same. */
static void
test_walk_has_an_end(void **state)
{
	struct reconcile_walk w;
	char next[16];
	int pages = 0;

	(void)state;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_CURSOR), 0);
	do {
		(void)snprintf(next, sizeof(next), "c%d", ++pages);
	} while (walk(&w, cursor_page(10 * pages, 10, next)) == RECONCILE_MORE);
	assert_int_equal(pages, RECONCILE_PAGES_MAX);
	assert_non_null(strstr(reason, "it does not end: 1000 pages"));
	reconcile_walk_fini(&w);

	/* Of many orders a page. */
	pages = 0;
	assert_int_equal(reconcile_walk_init(&w, RECONCILE_BY_CURSOR), 0);
	do {
		(void)snprintf(next, sizeof(next), "c%d", ++pages);
	} while (walk(&w, cursor_page(ITEMS * pages, ITEMS, next)) ==
		 RECONCILE_MORE);
	assert_true(w.orders <= RECONCILE_ORDERS_SEEN_MAX);
	assert_true(pages < RECONCILE_PAGES_MAX);
	reconcile_walk_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_ends_with_the_total),
		cmocka_unit_test(
		    test_walk_without_a_total_ends_with_an_empty_page),
		cmocka_unit_test(test_walk_that_ends_early_is_broken),
		cmocka_unit_test(test_walk_sees_pages_of_another_length),
		cmocka_unit_test(test_walk_sees_a_page_again),
		cmocka_unit_test(test_walk_by_cursor),
		cmocka_unit_test(test_walk_has_an_end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
