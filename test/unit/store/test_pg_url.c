/* url.c: what a URL may be, and what of it is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/postgres/url.h"

static void
test_names(void **state)
{
	static const struct {
		const char *url;
		const char *name;
	} rows[] = {
		{ "postgres://db", "postgres://db/" },
		{ "postgres://kitchen@db/orders", "postgres://db/orders" },
		{ "postgresql://kitchen:secret@db:5433/orders?sslmode=require",
		    "postgres://db:5433/orders" },
		{ "postgres://db/orders?password=secret&user=secret",
		    "postgres://db/orders" },
		{ "postgres://a:secret@one:1,two:2/d",
		    "postgres://one:1,two:2/d" },
		{ "postgres://one,two/d?port=7", "postgres://one:7,two:7/d" },
		{ "postgres://one:1,two/d", "postgres://one:1,two/d" },
		{ "postgres://[::1]:5/d", "postgres://[::1]:5/d" },
		{ "postgres:///d?hostaddr=10.0.0.1", "postgres://10.0.0.1/d" },
		{ "postgres:///d?host=/run/postgresql&port=5433",
		    "postgres:///d?host=/run/postgresql&port=5433" },
		{ "postgres://%2Frun%2Fx/d", "postgres:///d?host=/run/x" },
		{ "postgres:?service=klikitd", "postgres:///?service=klikitd" },
		{ "postgres:?service=x&host=/h",
		    "postgres:///?host=/h&service=x" },
		{ "postgres://u:se?cret@db/d", "postgres://db/d" },
		/* A control character is none of a log's. */
		{ "postgres://db/a%0Ab%1B", "postgres://db/a b?" },
		/* Of what is not understood nothing is shown. */
		{ "postgres://u:se@cret@db/d", "postgres:" },
		{ "postgres://u:se/cret@db/d", "postgres:" },
		{ "postgres://u:12/cret@db/d", "postgres:" },
		{ "postgres://u:a?se@cret@db/d", "postgres:" },
		{ "postgres://u:secret@db/d?nonsense=secret", "postgres:" },
		{ "postgres://u:sec%ret@db/d", "postgres:" },
		{ "postgres://u@db:99999/d", "postgres:" },
	};
	char name[STORE_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		url_name(rows[i].url, name);
		assert_string_equal(name, rows[i].name);
		assert_null(strstr(name, "cret"));
	}
}

static void
test_what_is_well_formed(void **state)
{
	static const struct {
		const char *url;
		const char *fault; /* NULL: none */
	} rows[] = {
		{ "postgres://db", NULL },
		{ "postgresql://u@db:5432,other:5433/d", NULL },
		{ "postgres:?service=klikitd", NULL },
		{ "postgres:///d?host=/run/postgresql", NULL },
		{ "postgres://u:a%40b%2Fc@db/d?sslmode=verify-full", NULL },
		{ "postgres://db/d?target_session_attrs=primary", NULL },
		{ "postgres://u:se@cret@db/d", "%40" },
		{ "postgres://u:12/cret@db/d", "%2F" },
		{ "postgres://u:secret@db/d?nonsense=secret", "as libpq" },
		{ "postgres://u:sec%ret@db/d", "as libpq" },
		{ "postgres:service=x", "as libpq" },
		{ "postgres://db:port/d", "a port" },
		{ "postgres://db:0/d", "a port" },
		{ "postgres://db:1,db:65536/d", "a port" },
		{ "postgres://db/d?sslmode=yes", "sslmode is" },
		{ "postgres://db/d?target_session_attrs=standby", "primary" },
		{ "postgres://db/d?replication=database", "replication" },
	};
	char reason[STORE_REASON_MAX];
	const char *advice;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		reason[0] = '\0';
		assert_int_equal(url_check(rows[i].url, &advice, reason),
		    rows[i].fault == NULL ? 0 : -1);
		if (rows[i].fault != NULL)
			assert_non_null(strstr(reason, rows[i].fault));
		assert_null(strstr(reason, "cret"));
	}
	assert_int_equal(url_check("postgres://u@db/d", &advice, reason), 0);
	assert_null(advice);
}

/* It is taken, and where it would be better kept is said. */
static void
test_a_password_is_not_for_the_url(void **state)
{
	static const char *const urls[] = {
		"postgres://u:secret@db/d",
		"postgres://u@db/d?password=secret",
		"postgres:?service=x&sslpassword=secret",
	};
	char reason[STORE_REASON_MAX];
	const char *advice;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_int_equal(url_check(urls[i], &advice, reason), 0);
		assert_non_null(advice);
		assert_non_null(strstr(advice, "PGPASSFILE"));
	}
}

static void
test_libpq_gets_one_of_its_own(void **state)
{
	char *url;

	(void)state;
	assert_non_null(url = url_for_libpq("postgres:?service=x"));
	assert_string_equal(url, "postgres://?service=x");
	free(url);
	assert_non_null(url = url_for_libpq("postgres://u:p@db/d"));
	assert_string_equal(url, "postgres://u:p@db/d");
	free(url);
	assert_non_null(url = url_for_libpq("postgresql://db/d"));
	assert_string_equal(url, "postgresql://db/d");
	free(url);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_what_is_well_formed),
		cmocka_unit_test(test_a_password_is_not_for_the_url),
		cmocka_unit_test(test_libpq_gets_one_of_its_own),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
