/* args.c and row.c: what is written comes back, and nothing is overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/postgres/args.h"
#include "store/postgres/row.h"

#define OID_INT8 20
#define COLUMNS 6

/* A result with that value in each of its columns, in binary form. */
static PGresult *
result_of(const char *value, int len)
{
	PGresAttDesc columns[COLUMNS];
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	char *copy = malloc((size_t)len + 1);

	memset(columns, 0, sizeof(columns));
	for (int i = 0; i < COLUMNS; i++) {
		columns[i].name = (char *)(uintptr_t) "c";
		columns[i].format = 1;
		columns[i].typid = OID_INT8;
	}
	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, value, (size_t)len);
	assert_int_equal(PQsetResultAttrs(res, COLUMNS, columns), 1);
	for (int i = 0; i < COLUMNS; i++)
		assert_int_equal(PQsetvalue(res, 0, i,
				     value != NULL ? copy : NULL,
				     value != NULL ? len : -1),
		    1);
	free(copy);
	return (res);
}

static PGresult *
result_of_arg(const struct pg_args *a, int i)
{
	return (result_of(a->values[i], a->lengths[i]));
}

/* A number, a truth and a text come back; so do NULLs. */
static void
test_values_come_back(void **state)
{
	static const int64_t numbers[] = { 0, 1, -1, INT64_MIN, INT64_MAX };
	struct arena mem = { 0 };
	struct pg_args a;
	const char *text;
	PGresult *res;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		pg_args_init(&a, &mem);
		pg_arg_int(&a, numbers[i]);
		res = result_of_arg(&a, 0);
		assert_true(pg_int(res, 0, 0) == numbers[i]);
		PQclear(res);
	}
	pg_args_init(&a, &mem);
	pg_arg_bool(&a, true);
	pg_arg_text(&a, "caf\xc3\xa9");
	pg_arg_text(&a, NULL);
	pg_arg_int_or_null(&a, 0);
	pg_arg_bytes(&a, NULL, 0);
	assert_false(pg_args_failed(&a));
	res = result_of_arg(&a, 0);
	assert_true(pg_bool(res, 0, 0));
	PQclear(res);
	res = result_of_arg(&a, 1);
	assert_int_equal(pg_text(res, 0, 0, &mem, &text), 0);
	assert_string_equal(text, "caf\xc3\xa9");
	PQclear(res);
	assert_null(a.values[2]);
	assert_null(a.values[3]);
	assert_non_null(a.values[4]);
	assert_int_equal(a.lengths[4], 0);
	arena_fini(&mem);
}

/* Arrays of numbers and texts come back, also empty ones and NULLs. */
static void
test_arrays_come_back(void **state)
{
	struct arena mem = { 0 };
	const char *const *texts;
	const int64_t *ints;
	struct pg_args a;
	PGresult *res;
	size_t n;

	(void)state;
	pg_args_init(&a, &mem);
	pg_arg_array(&a, PG_INT8S, 1000);
	for (int64_t i = 0; i < 1000; i++)
		pg_item_int_or_null(&a, i * INT64_C(-5000000000));
	pg_arg_array(&a, PG_TEXTS, 3);
	pg_item_text(&a, "one");
	pg_item_text(&a, NULL);
	pg_item_text(&a, "");
	pg_arg_array(&a, PG_INT8S, 0);
	assert_false(pg_args_failed(&a));
	res = result_of_arg(&a, 0);
	assert_int_equal(pg_ints(res, 0, 0, &mem, &ints, &n), 0);
	assert_int_equal(n, 1000);
	for (int64_t i = 0; i < 1000; i++)
		assert_true(ints[i] == i * INT64_C(-5000000000));
	PQclear(res);
	res = result_of_arg(&a, 1);
	assert_int_equal(pg_texts(res, 0, 0, &mem, &texts, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(texts[0], "one");
	assert_null(texts[1]);
	assert_string_equal(texts[2], "");
	assert_int_equal(pg_ints(res, 0, 0, &mem, &ints, &n), -1);
	PQclear(res);
	res = result_of_arg(&a, 2);
	assert_int_equal(pg_ints(res, 0, 0, &mem, &ints, &n), 0);
	assert_int_equal(n, 0);
	PQclear(res);
	arena_fini(&mem);
}

/* Too few items, too many, or too many values: the row of calls has failed. */
static void
test_miscounts_are_found(void **state)
{
	struct arena mem = { 0 };
	struct pg_args a;

	(void)state;
	pg_args_init(&a, &mem);
	pg_arg_array(&a, PG_BOOLS, 2);
	pg_item_bool(&a, true);
	assert_true(pg_args_failed(&a));
	pg_arg_int(&a, 1);
	assert_true(pg_args_failed(&a));
	pg_args_init(&a, &mem);
	pg_arg_array(&a, PG_BYTES, 1);
	pg_item_bytes(&a, "\0x", 2);
	assert_false(pg_args_failed(&a));
	pg_item_bytes(&a, "y", 1);
	assert_true(pg_args_failed(&a));
	pg_args_init(&a, &mem);
	for (int i = 0; i <= PG_ARGS_MAX; i++)
		pg_arg_bool(&a, false);
	assert_true(pg_args_failed(&a));
	arena_fini(&mem);
}

/* Each shortened array is refused, none is read past its end. */
static void
test_broken_arrays_are_refused(void **state)
{
	struct arena mem = { 0 };
	const char *const *texts;
	struct pg_args a;
	PGresult *res;
	size_t n;

	(void)state;
	pg_args_init(&a, &mem);
	pg_arg_array(&a, PG_TEXTS, 2);
	pg_item_text(&a, "first");
	pg_item_text(&a, "second");
	for (int len = 0; len < a.lengths[0]; len++) {
		res = result_of(a.values[0], len);
		assert_int_equal(pg_texts(res, 0, 0, &mem, &texts, &n), -1);
		PQclear(res);
	}
	arena_fini(&mem);
}

/* What is not there, NULL, or of another length is nothing. */
static void
test_what_is_no_value_is_nothing(void **state)
{
	PGresult *res = result_of("abc", 3);
	size_t len;

	(void)state;
	assert_true(pg_int(res, 0, 0) == 0);
	assert_false(pg_bool(res, 0, 0));
	assert_true(pg_null(res, 0, COLUMNS));
	assert_true(pg_null(res, 1, 0));
	assert_true(pg_null(res, -1, -1));
	assert_null(pg_bytes(res, 7, 7, &len));
	PQclear(res);
	res = result_of(NULL, 0);
	assert_true(pg_null(res, 0, 0));
	assert_true(pg_int(res, 0, 0) == 0);
	PQclear(res);
	res = result_of("\xff\xfe", 2);
	assert_true(pg_int(res, 0, 0) == -2);
	PQclear(res);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_come_back),
		cmocka_unit_test(test_arrays_come_back),
		cmocka_unit_test(test_miscounts_are_found),
		cmocka_unit_test(test_broken_arrays_are_refused),
		cmocka_unit_test(test_what_is_no_value_is_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
