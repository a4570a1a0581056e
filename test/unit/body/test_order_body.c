#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/body/order_body.h"

/* Cut, from memory that ends with the text. */
static int
cut(const char *text, int32_t place, void **ret_body, size_t *ret_len)
{
	size_t len = strlen(text);
	char *exact = malloc(len == 0 ? 1 : len);
	int rc;

	assert_non_null(exact);
	memcpy(exact, text, len);
	rc = order_body_cut(exact, len, place, ret_body, ret_len);
	free(exact);
	return (rc);
}

static void
assert_cut(const char *text, int32_t place, const char *expected)
{
	void *body;
	size_t len;

	assert_int_equal(cut(text, place, &body, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(body, expected, len);
	free(body);
}

static void
assert_none(const char *text, int32_t place)
{
	void *body;
	size_t len;

	errno = 0;
	assert_int_equal(cut(text, place, &body, &len), -1);
	assert_int_equal(errno, ENOENT);
}

/* An order goes out byte for byte: blanks, long numbers, escapes and all. */
static void
test_order_body_keeps_bytes(void **state)
{
	static const char batch[] =
	    " {\"branch_id\" : 84.50 , \"x\":[{\"orders\":[0]}],\n"
	    "\"orders\":\t[ {\"id\":1 , \"n\":84.50}, "
	    "{ \"id\":18446744073709551616,\"a\":\"]},\\\"\\\\\"} ,\n"
	    "[[\"]\"],{}] ],\"brand_id\":\"\\u00e9,\" } ";

	(void)state;
	assert_cut(batch, 0,
	    "{\"brand_id\":\"\\u00e9,\",\"branch_id\":84.50,"
	    "\"orders\":[{\"id\":1 , \"n\":84.50}]}");
	assert_cut(batch, 1,
	    "{\"brand_id\":\"\\u00e9,\",\"branch_id\":84.50,\"orders\":["
	    "{ \"id\":18446744073709551616,\"a\":\"]},\\\"\\\\\"}]}");
	assert_cut(batch, 2,
	    "{\"brand_id\":\"\\u00e9,\",\"branch_id\":84.50,"
	    "\"orders\":[[[\"]\"],{}]]}");
	assert_none(batch, 3);
}

/* What the body does not name is left out. */
static void
test_order_body_leaves_out_what_is_missing(void **state)
{
	(void)state;
	assert_cut("{\"orders\":[1]}", 0, "{\"orders\":[1]}");
	assert_cut("{\"branch_id\":null,\"orders\":[{}]}", 0,
	    "{\"branch_id\":null,\"orders\":[{}]}");
	assert_cut("{\"brand_id\":7,\"orders\":[\"\"]}", 0,
	    "{\"brand_id\":7,\"orders\":[\"\"]}");
}

/* Of keys that stand twice the first counts, as in the envelope. */
static void
test_order_body_takes_the_first_of_two_keys(void **state)
{
	(void)state;
	assert_cut("{\"orders\":[1],\"orders\":[2],\"brand_id\":3,"
		   "\"brand_id\":4}",
	    0, "{\"brand_id\":3,\"orders\":[1]}");
	assert_none("{\"orders\":7,\"orders\":[2]}", 0);
}

/* Without the element there is nothing to send. */
static void
test_order_body_without_the_element(void **state)
{
	(void)state;
	assert_none("{\"orders\":[]}", 0);
	assert_none("{\"orders\":[1]}", 1);
	assert_none("{\"orders\":[1]}", -1);
	assert_none("{\"order\":[1]}", 0);
	assert_none("{\"orders\":{\"0\":1}}", 0);
	assert_none("{}", 0);
	assert_none("[{\"orders\":[1]}]", 0);
	assert_none("\"orders\"", 0);
}

/* What is not well-formed is not read past its end. */
static void
test_order_body_survives_what_is_cut_short(void **state)
{
	static const char whole[] =
	    "{\"brand_id\":1,\"a\":\"\\\"\",\"orders\":[{\"b\":\"\\u0041\"}";
	char text[sizeof(whole)];
	void *body;
	size_t len;

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		memcpy(text, whole, n);
		text[n] = '\0';
		if (cut(text, 0, &body, &len) == 0) {
			assert_true(len <= n + 16);
			free(body);
		}
	}
	assert_none("{\"orders\"", 0);
	assert_none("{\"orders\":", 0);
	assert_none("{\"orders\":[", 0);
	assert_none("{1:[1]}", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_body_keeps_bytes),
		cmocka_unit_test(test_order_body_leaves_out_what_is_missing),
		cmocka_unit_test(test_order_body_takes_the_first_of_two_keys),
		cmocka_unit_test(test_order_body_without_the_element),
		cmocka_unit_test(test_order_body_survives_what_is_cut_short),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
