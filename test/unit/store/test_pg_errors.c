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
		{ "KL002", PG_ALONE },
		{ "KL999", PG_FAILED },
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

/* Of a batch's outcome all that is needed is what to do next. */
static void
test_verdicts_have_their_outcome(void **state)
{
	(void)state;
	assert_int_equal(pg_rc(PG_ALONE), STORE_REFUSED);
	assert_int_equal(pg_rc(PG_AGAIN), STORE_BUSY);
	assert_int_equal(pg_rc(PG_BUSY), STORE_BUSY);
	assert_int_equal(pg_rc(PG_FULL), STORE_FULL);
	assert_int_equal(pg_rc(PG_AWAY), STORE_AWAY);
	assert_int_equal(pg_rc(PG_FENCED), STORE_AWAY);
	assert_int_equal(pg_rc(PG_FAILED), STORE_FAILED);
}

/* What libpq says of a connection it did not get: the server's own words. */
static void
test_a_failed_connection_has_its_sqlstate(void **state)
{
	static const struct {
		const char *text, *words, *sqlstate;
	} rows[] = {
		{ "connection to server at \"db\" (10.0.0.1), port 5432 "
		  "failed: "
		  "FATAL:  28P01: password authentication failed for user "
		  "\"k\"\nLOCATION:  auth_failed, auth.c:331\n",
		    "password authentication failed for user \"k\"", "28P01" },
		{ "connection to server on socket \"/x/.s.PGSQL.1\" failed: "
		  "No such file or directory\n\tIs the server running?\n",
		    "No such file or directory", "" },
		{ "connection to server at \"db\", port 1 failed: FEHLER:  "
		  "57P03: das Datenbanksystem startet\n",
		    "das Datenbanksystem startet", "57P03" },
		{ "invalid sslmode value: \"x\"\n",
		    "invalid sslmode value: \"x\"", "" },
		/* No SQLSTATE, though it looks like one. */
		{ "FATAL:  28P0: x", "FATAL:  28P0: x", "" },
		{ "FATAL:  28P01", "FATAL:  28P01", "" },
		{ "", "", "" },
	};
	char text[256], sqlstate[6];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(text, rows[i].text);
		pg_connect_words(text, sqlstate);
		assert_string_equal(text, rows[i].words);
		assert_string_equal(sqlstate, rows[i].sqlstate);
	}
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
		cmocka_unit_test(test_verdicts_have_their_outcome),
		cmocka_unit_test(test_a_failed_connection_has_its_sqlstate),
		cmocka_unit_test(test_words_are_one_line),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
