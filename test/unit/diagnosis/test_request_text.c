#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/diagnosis/request_text.h"
#include "server/diagnosis/diagnosis.h"

#define HEADERS_MAX 3

static struct diagnosis_header list[HEADERS_MAX];
static struct request_text req;
static const char *reason;

/* Read a copy of exactly its length, which is left to the caller. */
static char *
read_text(const char *text, int want)
{
	size_t len = strlen(text);
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, text, len);
	assert_int_equal(request_text_read(copy, len, list, HEADERS_MAX, &req,
			     &reason),
	    want);
	return (copy);
}

static void
test_request_is_taken_apart(void **state)
{
	static const char *const texts[] = {
		"POST /x?a:b HTTP/1.1\r\nHost: a:80\r\nB:  c d "
		"\r\n\r\nbo\r\ndy",
		"Host: a:80\nB: c d\n\nbo\r\ndy",
	};
	char *copy;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		copy = read_text(texts[i], 0);
		assert_int_equal(req.nheaders, 2);
		assert_string_equal(list[0].name, "Host");
		assert_string_equal(list[0].value, "a:80");
		assert_string_equal(list[1].name, "B");
		assert_string_equal(list[1].value, "c d");
		assert_int_equal(req.body_len, 6);
		assert_memory_equal(req.body, "bo\r\ndy", 6);
		free(copy);
	}
}

static void
test_bodies_may_be_empty_and_headers_many(void **state)
{
	char *copy = read_text("A: 1\nB: 2\nC: 3\nD: 4\n\n", 0);

	(void)state;
	assert_int_equal(req.nheaders, HEADERS_MAX);
	assert_int_equal(req.body_len, 0);
	free(copy);
	free(read_text("\n", 0));
	assert_int_equal(req.nheaders, 0);
}

static void
test_other_texts_are_refused(void **state)
{
	(void)state;
	free(read_text("", -1));
	free(read_text("{\"orders\":[]}", -1));
	assert_non_null(strstr(reason, "empty line"));
	free(read_text("A: 1\r\nno header\r\n\r\n", -1));
	assert_non_null(strstr(reason, "no header"));
	free(read_text("A: 1\n b: folded\n\n", -1));
}

static void
test_one_header(void **state)
{
	static const char *const wrong[] = { "", ":", ": x", "a b: c", "a" };
	struct diagnosis_header h;
	char text[] = "X-A:b:c\t", copy[16];

	(void)state;
	assert_int_equal(request_text_header(text, &h), 0);
	assert_string_equal(h.name, "X-A");
	assert_string_equal(h.value, "b:c");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(request_text_header(strcpy(copy, wrong[i]),
				     &h),
		    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_is_taken_apart),
		cmocka_unit_test(test_bodies_may_be_empty_and_headers_many),
		cmocka_unit_test(test_other_texts_are_refused),
		cmocka_unit_test(test_one_header),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
