#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/admin/access.h"

static const struct access_rules local = { "127.0.0.1:8081", NULL };

static enum access_rc
ask_host(const char *address, const char *host)
{
	const struct access_rules door = { address, NULL };
	const struct access_request knock = { .host = host };

	return (access_check(&door, &knock));
}

/* The loopback may be called by its names, whatever the port. */
static void
test_access_lets_the_loopback_in(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.0.0.1:8081",
		"localhost", "LOCALHOST:9000", "[::1]", "[::1]:8081",
		"127.1.2.3:80" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_int_equal(ask_host("127.0.0.1:8081", hosts[i]),
		    ACCESS_ALLOWED);
}

/* A name could be made to point here: it is refused, as is nonsense. */
static void
test_access_refuses_names(void **state)
{
	static const char *const hosts[] = { NULL, "", "evil.example",
		"evil.example:8081", "localhost.evil.example",
		"127.0.0.1.evil.example", "127.0.0.1@evil.example",
		"127.0.0.1:8081.evil", "[::1", "::1", "[::1]x", "10.0.0.1",
		"localhost:80 ", "127.1", "0x7f.0.0.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_int_equal(ask_host("127.0.0.1:8081", hosts[i]),
		    ACCESS_BAD_HOST);
}

/* Beyond the loopback its own address counts; for "*" every address. */
static void
test_access_knows_its_address(void **state)
{
	(void)state;
	assert_int_equal(ask_host("10.0.0.1:8081", "10.0.0.1:8081"),
	    ACCESS_ALLOWED);
	assert_int_equal(ask_host("10.0.0.1:8081", "10.0.0.2:8081"),
	    ACCESS_BAD_HOST);
	assert_int_equal(ask_host("[fd00::1]:8081", "[fd00:0::1]:8081"),
	    ACCESS_ALLOWED);
	assert_int_equal(ask_host("*:8081", "10.0.0.2:8081"), ACCESS_ALLOWED);
	assert_int_equal(ask_host("0.0.0.0:8081", "[fd00::1]"), ACCESS_ALLOWED);
	assert_int_equal(ask_host("[::]:8081", "10.0.0.2"), ACCESS_ALLOWED);
	assert_int_equal(ask_host("*:8081", "evil.example"), ACCESS_BAD_HOST);
	assert_int_equal(ask_host("[::]:8081", "*"), ACCESS_BAD_HOST);
}

/* An Origin is that very host and port, over http. */
static void
test_access_refuses_other_origins(void **state)
{
	static const struct {
		const char *origin;
		enum access_rc rc;
	} cases[] = {
		{ NULL, ACCESS_ALLOWED },
		{ "http://localhost:8081", ACCESS_ALLOWED },
		{ "HTTP://LocalHost:8081", ACCESS_ALLOWED },
		{ "", ACCESS_BAD_ORIGIN },
		{ "null", ACCESS_BAD_ORIGIN },
		{ "http://localhost", ACCESS_BAD_ORIGIN },
		{ "http://localhost:8080", ACCESS_BAD_ORIGIN },
		{ "https://localhost:8081", ACCESS_BAD_ORIGIN },
		{ "http://localhost:80811", ACCESS_BAD_ORIGIN },
		{ "http://evil.example", ACCESS_BAD_ORIGIN },
		{ "http://127.0.0.1:8081", ACCESS_BAD_ORIGIN },
	};
	struct access_request knock = { .host = "localhost:8081" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		knock.origin = cases[i].origin;
		assert_int_equal(access_check(&local, &knock), cases[i].rc);
	}
}

/* What a browser says comes from another site costs nothing more. */
static void
test_access_refuses_other_sites(void **state)
{
	static const struct {
		const char *site, *mode, *dest;
		bool links, acts;
		enum access_rc rc;
	} cases[] = {
		{ NULL, NULL, NULL, false, false, ACCESS_ALLOWED },
		{ "none", "navigate", "document", false, false,
		    ACCESS_ALLOWED },
		{ "same-origin", "cors", "empty", false, true, ACCESS_ALLOWED },
		{ "same-site", "cors", "empty", false, false, ACCESS_BAD_SITE },
		{ "cross-site", "no-cors", "image", false, false,
		    ACCESS_BAD_SITE },
		{ "cross-site", "navigate", "document", false, false,
		    ACCESS_BAD_SITE },
		{ "", "navigate", "document", false, false, ACCESS_BAD_SITE },
		{ "Same-Origin", NULL, NULL, false, false, ACCESS_BAD_SITE },
		{ "cross-site", "navigate", "document", true, false,
		    ACCESS_ALLOWED },
		{ "same-site", "navigate", "document", true, false,
		    ACCESS_ALLOWED },
		{ "cross-site", "navigate", "iframe", true, false,
		    ACCESS_BAD_SITE },
		{ "cross-site", "no-cors", "script", true, false,
		    ACCESS_BAD_SITE },
		{ "cross-site", NULL, NULL, true, false, ACCESS_BAD_SITE },
		{ "cross-site", "navigate", "document", true, true,
		    ACCESS_BAD_SITE },
	};
	struct access_request knock = { .host = "localhost",
		.content_type = "application/json" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		knock.fetch_site = cases[i].site;
		knock.fetch_mode = cases[i].mode;
		knock.fetch_dest = cases[i].dest;
		knock.links = cases[i].links;
		knock.acts = cases[i].acts;
		assert_int_equal(access_check(&local, &knock), cases[i].rc);
	}
}

/* Whose guesses are spent is not heard, be the token right or wrong. */
static void
test_access_hears_no_more_guesses(void **state)
{
	const struct access_rules guarded = { "127.0.0.1:8081",
		"secret-token" };
	struct access_request knock = { .host = "localhost", .spent = true };

	(void)state;
	assert_int_equal(access_check(&guarded, &knock), ACCESS_BAD_TOKEN);
	knock.authorization = "Bearer secret-token";
	assert_int_equal(access_check(&guarded, &knock),
	    ACCESS_TOO_MANY_GUESSES);
	assert_int_equal(access_check(&local, &knock), ACCESS_ALLOWED);
	knock.open = true;
	assert_int_equal(access_check(&guarded, &knock), ACCESS_ALLOWED);
}

/* What acts comes as JSON; what only looks may come as anything. */
static void
test_access_wants_json(void **state)
{
	static const struct {
		const char *type;
		enum access_rc rc;
	} cases[] = {
		{ "application/json", ACCESS_ALLOWED },
		{ "Application/JSON; charset=utf-8", ACCESS_ALLOWED },
		{ "application/json ;charset=utf-8", ACCESS_ALLOWED },
		{ NULL, ACCESS_BAD_TYPE },
		{ "", ACCESS_BAD_TYPE },
		{ "text/plain", ACCESS_BAD_TYPE },
		{ "application/jsonp", ACCESS_BAD_TYPE },
		{ "application/x-www-form-urlencoded", ACCESS_BAD_TYPE },
		{ "text/plain; application/json", ACCESS_BAD_TYPE },
	};
	struct access_request knock = { .host = "localhost" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		knock.content_type = cases[i].type;
		knock.acts = true;
		assert_int_equal(access_check(&local, &knock), cases[i].rc);
		knock.acts = false;
		assert_int_equal(access_check(&local, &knock), ACCESS_ALLOWED);
	}
}

/* With a token nobody comes in without it, but for a probe. */
static void
test_access_wants_the_token(void **state)
{
	static const struct access_rules door = { "127.0.0.1:8081",
		"0123456789abcdef" };
	static const char *const wrong[] = { NULL, "", "Bearer", "Bearer ",
		"0123456789abcdef", "Basic 0123456789abcdef",
		"Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
		"Bearer 0123456789abcdef0", "Bearer  0123456789abcdef" };
	struct access_request knock = { .host = "localhost" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		knock.authorization = wrong[i];
		knock.open = false;
		assert_int_equal(access_check(&door, &knock), ACCESS_BAD_TOKEN);
		knock.open = true;
		assert_int_equal(access_check(&door, &knock), ACCESS_ALLOWED);
	}
	knock.open = false;
	knock.authorization = "Bearer 0123456789abcdef";
	assert_int_equal(access_check(&door, &knock), ACCESS_ALLOWED);
	knock.authorization = "bearer 0123456789abcdef";
	assert_int_equal(access_check(&door, &knock), ACCESS_ALLOWED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_access_lets_the_loopback_in),
		cmocka_unit_test(test_access_refuses_names),
		cmocka_unit_test(test_access_knows_its_address),
		cmocka_unit_test(test_access_refuses_other_origins),
		cmocka_unit_test(test_access_refuses_other_sites),
		cmocka_unit_test(test_access_hears_no_more_guesses),
		cmocka_unit_test(test_access_wants_json),
		cmocka_unit_test(test_access_wants_the_token),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
