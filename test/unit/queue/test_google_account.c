#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/queue/google_account.h"

static void
test_a_key_file_is_read(void **state)
{
	static const char json[] =
	    "{\"type\": \"service_account\", \"project_id\": \"demo-1\",\n"
	    " \"private_key_id\": \"k1\", \"private_key\": \"one\\ntwo\\n\",\n"
	    " \"client_email\": \"a@b.example\", \"universe_domain\": \"x\"}";
	struct google_account a;
	char reason[KEY_REASON_MAX];

	(void)state;
	assert_int_equal(google_account_read(json, strlen(json), &a, reason),
	    0);
	assert_string_equal(a.project, "demo-1");
	assert_string_equal(a.key_id, "k1");
	assert_string_equal(a.key, "one\ntwo\n");
	assert_string_equal(a.email, "a@b.example");
	google_account_fini(&a);
	assert_null(a.key);
	google_account_fini(&a);
}

/* No reason may show what the file holds. */
static void
test_a_file_of_no_use_is_refused_in_words(void **state)
{
	static const struct {
		const char *json;
		const char *reason;
	} rows[] = {
		{ "", "is not a JSON object" },
		{ "[]", "is not a JSON object" },
		{ "-----BEGIN PRIVATE KEY-----", "is not a JSON object" },
		{ "{\"private_key\":\"hush\"} x", "is not a JSON object" },
		{ "{\"type\":\"service_account\",\"type\":\"hush\"}",
		    "is not a JSON object" },
		{ "{}", "\"type\" is not service_account" },
		{ "{\"type\":7,\"private_key\":\"hush\"}",
		    "\"type\" is not service_account" },
		{ "{\"type\":\"hush\"}", "\"type\" is not service_account" },
		{ "{\"type\":\"authorized_user\",\"refresh_token\":\"hush\"}",
		    "is a person's login" },
		{ "{\"type\":\"external_account\"}", "is not supported" },
		{ "{\"type\":\"impersonated_service_account\"}",
		    "is not supported" },
		{ "{\"type\":\"service_account\",\"private_key\":\"hush\"}",
		    "has no client_email" },
		{ "{\"type\":\"service_account\",\"client_email\":\"hush\"}",
		    "has no private_key" },
		{ "{\"type\":\"service_account\",\"client_email\":\"hush\","
		  "\"private_key\":{\"hush\":1}}",
		    "has no private_key" },
	};
	char reason[KEY_REASON_MAX];
	struct google_account a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(google_account_read(rows[i].json,
				     strlen(rows[i].json), &a, reason),
		    -1);
		assert_non_null(strstr(reason, rows[i].reason));
		assert_null(strstr(reason, "hush"));
	}
}

static void
test_a_token_is_read_and_leaves_nothing(void **state)
{
	char json[] = "{\"access_token\":\"ya29.abc\",\"expires_in\":3599,"
		      "\"token_type\":\"Bearer\"}";
	char *token;
	int64_t life_ms;

	(void)state;
	assert_int_equal(google_token_read(json, strlen(json), &token,
			     &life_ms),
	    0);
	assert_string_equal(token, "ya29.abc");
	assert_int_equal(life_ms, 3599000);
	assert_null(strstr(json, "ya29"));
	free(token);
}

static void
test_a_token_that_makes_no_sense_is_none(void **state)
{
	static const char *const rows[] = {
		"",
		"<html>",
		"{}",
		"{\"access_token\":\"a\"}",
		"{\"access_token\":\"a\",\"expires_in\":0}",
		"{\"access_token\":\"a\",\"expires_in\":-1}",
		"{\"access_token\":\"a\",\"expires_in\":\"3599\"}",
		"{\"access_token\":\"\",\"expires_in\":3599}",
		"{\"access_token\":7,\"expires_in\":3599}",
		"{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":3599}",
		"{\"access_token\":\"a\",\"expires_in\":3599",
		"{\"expires_in\":3599}",
	};
	char json[128], *token;
	int64_t life_ms;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)strcpy(json, rows[i]);
		assert_int_equal(google_token_read(json, strlen(json), &token,
				     &life_ms),
		    -1);
	}
}

static void
test_a_token_is_good_for_a_day_at_most(void **state)
{
	char json[] =
	    "{\"access_token\":\"a\",\"expires_in\":9223372036854775807}";
	char *token;
	int64_t life_ms;

	(void)state;
	assert_int_equal(google_token_read(json, strlen(json), &token,
			     &life_ms),
	    0);
	assert_int_equal(life_ms, 24 * 3600 * 1000);
	free(token);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_file_is_read),
		cmocka_unit_test(test_a_file_of_no_use_is_refused_in_words),
		cmocka_unit_test(test_a_token_is_read_and_leaves_nothing),
		cmocka_unit_test(test_a_token_that_makes_no_sense_is_none),
		cmocka_unit_test(test_a_token_is_good_for_a_day_at_most),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
