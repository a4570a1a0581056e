/* errors.c: what each class of SQLSTATEs comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/postgres/errors.h"

/* Each row of the table has its verdict; the longer beginning decides. */
static void
test_states_have_their_verdict(void **state)
{
	static const struct {
		const char *sqlstate;
		enum pg_verdict verdict;
	} rows[] = {
		{ NULL, PG_AWAY },
		{ "", PG_AWAY },
		{ "08006", PG_AWAY },
		{ "0A000", PG_AWAY },
		{ "22021", PG_ALONE },
		{ "23505", PG_ALONE },
		{ "25P02", PG_AWAY },
		{ "25006", PG_AWAY },
		{ "25P03", PG_AWAY },
		{ "26000", PG_AWAY },
		{ "28P01", PG_AWAY },
		{ "3D000", PG_AWAY },
		{ "40001", PG_AGAIN },
		{ "40P01", PG_AGAIN },
		{ "40003", PG_AWAY },
		{ "53200", PG_BUSY },
		{ "53300", PG_BUSY },
		{ "53400", PG_BUSY },
		{ "53100", PG_FULL },
		{ "54000", PG_ALONE },
		{ "55006", PG_BUSY },
		{ "55P03", PG_AGAIN },
		{ "57P01", PG_AWAY },
		{ "57P02", PG_AWAY },
		{ "57P03", PG_AWAY },
		{ "57P05", PG_AWAY },
		{ "57014", PG_BUSY },
		{ "KL001", PG_FENCED },
		{ "KL002", PG_FAILED },
		{ "42501", PG_FAILED },
		{ "42883", PG_FAILED },
		{ "58030", PG_FAILED },
		{ "P0001", PG_FAILED },
		{ "XX001", PG_FAILED },
		{ "?", PG_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(pg_judge(rows[i].sqlstate), rows[i].verdict);
}

/* Only a login or a database that is refused is a setting. */
static void
test_settings_are_known(void **state)
{
	(void)state;
	assert_true(pg_is_setting("28P01"));
	assert_true(pg_is_setting("3D000"));
	assert_false(pg_is_setting("57P03"));
	assert_false(pg_is_setting(NULL));
}

/* Words of a server become one line that may be shown. */
static void
test_words_are_one_line(void **state)
{
	char lines[] = "FATAL:  no\n\tmore\033[1m connections.\n";
	char bytes[] = "caf\xc3\xa9 \xff\xc3";
	char empty[] = "\n\n";

	(void)state;
	pg_clean(lines);
	assert_string_equal(lines, "FATAL:  no more?[1m connections");
	pg_clean(bytes);
	assert_string_equal(bytes, "caf\xc3\xa9 ??");
	pg_clean(empty);
	assert_string_equal(empty, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_have_their_verdict),
		cmocka_unit_test(test_settings_are_known),
		cmocka_unit_test(test_words_are_one_line),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
