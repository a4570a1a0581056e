#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/reconcile/reconcile_page.h"

static char reason[HANDLER_REASON_MAX];
static const char *const none[RECONCILE_NNAMES];

static int
read_page(enum reconcile_paging paging, const char *text, const char *header,
    struct reconcile_page *page)
{
	struct json_part bytes = { text, text + strlen(text) };
	struct reconcile_dialect d;

	reason[0] = '\0';
	reconcile_dialect_set(&d, paging, none);
	return (reconcile_page_read(&d, bytes, header, page, reason));
}

/* What is fed is what the API gave, byte for byte. */
static void
test_page_keeps_an_order_as_it_stands(void **state)
{
	static const char order[] =
	    "{ \"id\" : 9007199254740993, \"total\":84.50,\r\n"
	    "\"status\":2,\"updated_at\":\"2026-06-25T09:14:11Z\","
	    "\"note\":\"\\u0041\\/]}\", \"branch_id\": 2041,"
	    "\"brands\":[{\"id\":12,\"title\":\"x\"},{\"id\":13}]}";
	struct reconcile_page page;
	char *text = NULL, *body;
	size_t len;

	(void)state;
	assert_int_not_equal(asprintf(&text,
				 "{\"request_id\":\"r\",\"data\":{\"page\":1,"
				 "\"orders\":[ 7, {\"id\":\"a\"} ,%s],"
				 "\"size\":20,\"total\":44}}",
				 order),
	    -1);
	assert_int_equal(read_page(RECONCILE_BY_PAGE, text, NULL, &page), 0);
	assert_int_equal(page.nitems, 2);
	assert_int_equal(page.strays, 1);
	assert_int_equal(page.total, 44);
	assert_int_equal(page.length, 20);
	assert_string_equal(page.items[0].order->order_id, "a");
	assert_string_equal(page.items[0].branch_id, "");
	assert_int_equal(page.items[0].changed_ms, 0);
	assert_string_equal(page.items[1].order->order_id, "9007199254740993");
	assert_string_equal(page.items[1].order->status, "2");
	assert_string_equal(page.items[1].brand_id, "12");
	assert_string_equal(page.items[1].branch_id, "2041");
	assert_int_equal(page.items[1].changed_ms, INT64_C(1782378851000));

	body = reconcile_page_body(&page.items[1], &len);
	assert_non_null(body);
	free(text);
	assert_int_not_equal(
	    asprintf(&text,
		"{\"brand_id\":12,\"branch_id\":2041,\"orders\":[%s]}", order),
	    -1);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(body, text, len);
	free(body);
	free(text);
	reconcile_page_fini(&page);
	reconcile_page_fini(&page);
}

/* An id that is none is left out, not written as something else. */
static void
test_page_without_a_brand_leaves_it_out(void **state)
{
	struct reconcile_page page;
	char *body;
	size_t len;

	(void)state;
	assert_int_equal(read_page(RECONCILE_BY_PAGE,
			     "{\"data\":{\"orders\":[{\"id\":1,"
			     "\"brand_id\":null,\"brands\":[],"
			     "\"branch_id\":{}}]}}",
			     NULL, &page),
	    0);
	assert_int_equal(page.total, -1);
	body = reconcile_page_body(&page.items[0], &len);
	assert_string_equal(body,
	    "{\"orders\":[{\"id\":1,\"brand_id\":null,\"brands\":[],"
	    "\"branch_id\":{}}]}");
	free(body);
	reconcile_page_fini(&page);
}

static void
test_page_has_a_cursor_in_a_header_or_member(void **state)
{
	char cursor[RECONCILE_CURSOR_MAX + 3];
	struct reconcile_page page;

	(void)state;
	assert_int_equal(read_page(RECONCILE_BY_CURSOR,
			     "{\"data\":[{\"id\":1}]}", "abc=", &page),
	    0);
	assert_string_equal(page.next, "abc=");
	reconcile_page_fini(&page);
	assert_int_equal(read_page(RECONCILE_BY_CURSOR, "{\"data\":[]}", NULL,
			     &page),
	    0);
	assert_string_equal(page.next, "");
	reconcile_page_fini(&page);
	memset(cursor, 'c', sizeof(cursor));
	cursor[sizeof(cursor) - 1] = '\0';
	assert_int_equal(read_page(RECONCILE_BY_CURSOR, "{\"data\":[]}", cursor,
			     &page),
	    -1);
}

static void
test_page_refuses_what_is_no_list(void **state)
{
	static const char *const texts[] = {
		"",
		"<html>",
		"{",
		"[]",
		"{\"data\":{\"orders\":[{\"id\":1}",
		"{\"data\":{\"orders\":{}}}",
		"{\"data\":{}}",
		"{\"data\":[]}",
		"{\"request_id\":\"r\",\"error\":{\"code\":\"INTERNAL\"}}",
	};
	struct reconcile_page page;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_page(RECONCILE_BY_PAGE, texts[i], NULL,
				     &page),
		    -1);
		assert_string_not_equal(reason, "");
	}
	assert_string_equal(reason, "it has no list of orders at data.orders");
}

static void
test_page_has_a_limit(void **state)
{
	struct reconcile_page page;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	fputs("{\"data\":{\"orders\":[{\"id\":0}", f);
	for (int i = 1; i <= RECONCILE_PAGE_ORDERS_MAX; i++)
		fprintf(f, ",{\"id\":%d}", i);
	fputs("]}}", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(read_page(RECONCILE_BY_PAGE, text, NULL, &page), -1);
	assert_string_equal(reason, "it has more orders than asked for");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_keeps_an_order_as_it_stands),
		cmocka_unit_test(test_page_without_a_brand_leaves_it_out),
		cmocka_unit_test(test_page_has_a_cursor_in_a_header_or_member),
		cmocka_unit_test(test_page_refuses_what_is_no_list),
		cmocka_unit_test(test_page_has_a_limit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
