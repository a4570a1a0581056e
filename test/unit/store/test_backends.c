/* Which backend a URL names, and what of a URL may be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"

/* Of a URL that nobody understands no more than its scheme is ever shown. */
static void
test_an_unknown_url_is_not_shown(void **state)
{
	static const char *const urls[] = { "mysql://me:hush@h/db",
		"postgres//me:hush@h", "hush", "hush@x", "sqlite:", ":hush",
		"postgresq://x:hush@y" };
	char reason[STORE_REASON_MAX], name[STORE_NAME_MAX];
	enum store_found found;
	const char *advice;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_null(store_traits(urls[i]));
		assert_int_equal(store_check_url(urls[i], &advice, reason), -1);
		assert_non_null(strstr(reason, "write sqlite:PATH or "
					       "postgres://HOST/DATABASE"));
		store_url_name(urls[i], name);
		if (strchr(urls[i], ':') != NULL) {
			assert_null(strstr(reason, "hush"));
			assert_null(strstr(name, "hush"));
		}
		assert_int_equal(store_would_open(urls[i], &found, reason),
		    STORE_FAILED);
		assert_int_equal(store_open(&(struct store_options){ .url = urls
									 [i] },
				     &(struct store *){ NULL }, reason),
		    STORE_FAILED);
	}
}

static void
test_a_file(void **state)
{
	char reason[STORE_REASON_MAX], name[STORE_NAME_MAX];
	const struct store_traits *traits = store_traits("sqlite:/a/b");
	const char *advice;

	(void)state;
	assert_true(traits->is_file);
	assert_false(traits->is_shared);
	assert_null(traits->backup_with);
	assert_int_equal(store_check_url("sqlite:/a/b", &advice, reason), 0);
	assert_null(advice);
	store_url_name("sqlite:/a/b", name);
	assert_string_equal(name, "sqlite:/a/b");
}

/* Whether it is built in or not, its name shows no password. */
static void
test_a_database(void **state)
{
	static const char *const urls[] = { "postgres://me:hush@h/db",
		"postgresql://me:hush@h/db?password=hush" };
	const struct store_traits *traits;
	char name[STORE_NAME_MAX], path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		traits = store_traits(urls[i]);
		assert_true(traits == NULL || traits->is_shared);
		store_url_name(urls[i], name);
		assert_null(strstr(name, "hush"));
		assert_int_equal(strncmp(name, "postgres", 8), 0);
		assert_int_equal(store_locate(urls[i], path), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_unknown_url_is_not_shown),
		cmocka_unit_test(test_a_file),
		cmocka_unit_test(test_a_database),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
