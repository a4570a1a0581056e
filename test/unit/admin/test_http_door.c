#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/admin/http_door.h"

static const struct http_door local = { "127.0.0.1:8081", NULL };

static enum http_door_rc
ask_host(const char *address, const char *host)
{
	const struct http_door door = { address, NULL };
	const struct http_knock knock = { .host = host };

	return (http_door_ask(&door, &knock));
}

/* The loopback may be called by its names, whatever the port. */
static void
test_http_door_lets_the_loopback_in(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.0.0.1:8081",
		"localhost", "LOCALHOST:9000", "[::1]", "[::1]:8081",
		"127.1.2.3:80" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_int_equal(ask_host("127.0.0.1:8081", hosts[i]),
		    HTTP_DOOR_OPEN);
}

/* A name could be made to point here: it is refused, as is nonsense. */
static void
test_http_door_refuses_names(void **state)
{
	static const char *const hosts[] = { NULL, "", "evil.example",
		"evil.example:8081", "localhost.evil.example",
		"127.0.0.1.evil.example", "127.0.0.1@evil.example",
		"127.0.0.1:8081.evil", "[::1", "::1", "[::1]x", "10.0.0.1",
		"localhost:80 ", "127.1", "0x7f.0.0.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_int_equal(ask_host("127.0.0.1:8081", hosts[i]),
		    HTTP_DOOR_HOST);
}

/* Beyond the loopback its own address counts; for "*" every address. */
static void
test_http_door_knows_its_address(void **state)
{
	(void)state;
	assert_int_equal(ask_host("10.0.0.1:8081", "10.0.0.1:8081"),
	    HTTP_DOOR_OPEN);
	assert_int_equal(ask_host("10.0.0.1:8081", "10.0.0.2:8081"),
	    HTTP_DOOR_HOST);
	assert_int_equal(ask_host("[fd00::1]:8081", "[fd00:0::1]:8081"),
	    HTTP_DOOR_OPEN);
	assert_int_equal(ask_host("*:8081", "10.0.0.2:8081"), HTTP_DOOR_OPEN);
	assert_int_equal(ask_host("0.0.0.0:8081", "[fd00::1]"), HTTP_DOOR_OPEN);
	assert_int_equal(ask_host("[::]:8081", "10.0.0.2"), HTTP_DOOR_OPEN);
	assert_int_equal(ask_host("*:8081", "evil.example"), HTTP_DOOR_HOST);
	assert_int_equal(ask_host("[::]:8081", "*"), HTTP_DOOR_HOST);
}

/* An Origin is that very host and port, over http. */
static void
test_http_door_refuses_other_origins(void **state)
{
	static const struct {
		const char *origin;
		enum http_door_rc rc;
	} cases[] = {
		{ NULL, HTTP_DOOR_OPEN },
		{ "http://localhost:8081", HTTP_DOOR_OPEN },
		{ "HTTP://LocalHost:8081", HTTP_DOOR_OPEN },
		{ "", HTTP_DOOR_ORIGIN },
		{ "null", HTTP_DOOR_ORIGIN },
		{ "http://localhost", HTTP_DOOR_ORIGIN },
		{ "http://localhost:8080", HTTP_DOOR_ORIGIN },
		{ "https://localhost:8081", HTTP_DOOR_ORIGIN },
		{ "http://localhost:80811", HTTP_DOOR_ORIGIN },
		{ "http://evil.example", HTTP_DOOR_ORIGIN },
		{ "http://127.0.0.1:8081", HTTP_DOOR_ORIGIN },
	};
	struct http_knock knock = { .host = "localhost:8081" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		knock.origin = cases[i].origin;
		assert_int_equal(http_door_ask(&local, &knock), cases[i].rc);
	}
}

/* What a browser says comes from another site costs nothing more. */
static void
test_http_door_refuses_other_sites(void **state)
{
	static const struct {
		const char *site, *mode, *dest;
		bool links, acts;
		enum http_door_rc rc;
	} cases[] = {
		{ NULL, NULL, NULL, false, false, HTTP_DOOR_OPEN },
		{ "none", "navigate", "document", false, false,
		    HTTP_DOOR_OPEN },
		{ "same-origin", "cors", "empty", false, true, HTTP_DOOR_OPEN },
		{ "same-site", "cors", "empty", false, false, HTTP_DOOR_SITE },
		{ "cross-site", "no-cors", "image", false, false,
		    HTTP_DOOR_SITE },
		{ "cross-site", "navigate", "document", false, false,
		    HTTP_DOOR_SITE },
		{ "", "navigate", "document", false, false, HTTP_DOOR_SITE },
		{ "Same-Origin", NULL, NULL, false, false, HTTP_DOOR_SITE },
		{ "cross-site", "navigate", "document", true, false,
		    HTTP_DOOR_OPEN },
		{ "same-site", "navigate", "document", true, false,
		    HTTP_DOOR_OPEN },
		{ "cross-site", "navigate", "iframe", true, false,
		    HTTP_DOOR_SITE },
		{ "cross-site", "no-cors", "script", true, false,
		    HTTP_DOOR_SITE },
		{ "cross-site", NULL, NULL, true, false, HTTP_DOOR_SITE },
		{ "cross-site", "navigate", "document", true, true,
		    HTTP_DOOR_SITE },
	};
	struct http_knock knock = { .host = "localhost",
		.content_type = "application/json" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		knock.fetch_site = cases[i].site;
		knock.fetch_mode = cases[i].mode;
		knock.fetch_dest = cases[i].dest;
		knock.links = cases[i].links;
		knock.acts = cases[i].acts;
		assert_int_equal(http_door_ask(&local, &knock), cases[i].rc);
	}
}

/* Whose guesses are spent is not heard, be the token right or wrong. */
static void
test_http_door_hears_no_more_guesses(void **state)
{
	const struct http_door guarded = { "127.0.0.1:8081", "secret-token" };
	struct http_knock knock = { .host = "localhost", .spent = true };

	(void)state;
	assert_int_equal(http_door_ask(&guarded, &knock), HTTP_DOOR_TOKEN);
	knock.authorization = "Bearer secret-token";
	assert_int_equal(http_door_ask(&guarded, &knock), HTTP_DOOR_GUESS);
	assert_int_equal(http_door_ask(&local, &knock), HTTP_DOOR_OPEN);
	knock.open = true;
	assert_int_equal(http_door_ask(&guarded, &knock), HTTP_DOOR_OPEN);
}

/* What acts comes as JSON; what only looks may come as anything. */
static void
test_http_door_wants_json(void **state)
{
	static const struct {
		const char *type;
		enum http_door_rc rc;
	} cases[] = {
		{ "application/json", HTTP_DOOR_OPEN },
		{ "Application/JSON; charset=utf-8", HTTP_DOOR_OPEN },
		{ "application/json ;charset=utf-8", HTTP_DOOR_OPEN },
		{ NULL, HTTP_DOOR_TYPE },
		{ "", HTTP_DOOR_TYPE },
		{ "text/plain", HTTP_DOOR_TYPE },
		{ "application/jsonp", HTTP_DOOR_TYPE },
		{ "application/x-www-form-urlencoded", HTTP_DOOR_TYPE },
		{ "text/plain; application/json", HTTP_DOOR_TYPE },
	};
	struct http_knock knock = { .host = "localhost" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		knock.content_type = cases[i].type;
		knock.acts = true;
		assert_int_equal(http_door_ask(&local, &knock), cases[i].rc);
		knock.acts = false;
		assert_int_equal(http_door_ask(&local, &knock), HTTP_DOOR_OPEN);
	}
}

/* With a token nobody comes in without it, but for a probe. */
static void
test_http_door_wants_the_token(void **state)
{
	static const struct http_door door = { "127.0.0.1:8081",
		"0123456789abcdef" };
	static const char *const wrong[] = { NULL, "", "Bearer", "Bearer ",
		"0123456789abcdef", "Basic 0123456789abcdef",
		"Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
		"Bearer 0123456789abcdef0", "Bearer  0123456789abcdef" };
	struct http_knock knock = { .host = "localhost" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		knock.authorization = wrong[i];
		knock.open = false;
		assert_int_equal(http_door_ask(&door, &knock), HTTP_DOOR_TOKEN);
		knock.open = true;
		assert_int_equal(http_door_ask(&door, &knock), HTTP_DOOR_OPEN);
	}
	knock.open = false;
	knock.authorization = "Bearer 0123456789abcdef";
	assert_int_equal(http_door_ask(&door, &knock), HTTP_DOOR_OPEN);
	knock.authorization = "bearer 0123456789abcdef";
	assert_int_equal(http_door_ask(&door, &knock), HTTP_DOOR_OPEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_door_lets_the_loopback_in),
		cmocka_unit_test(test_http_door_refuses_names),
		cmocka_unit_test(test_http_door_knows_its_address),
		cmocka_unit_test(test_http_door_refuses_other_origins),
		cmocka_unit_test(test_http_door_refuses_other_sites),
		cmocka_unit_test(test_http_door_hears_no_more_guesses),
		cmocka_unit_test(test_http_door_wants_json),
		cmocka_unit_test(test_http_door_wants_the_token),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
