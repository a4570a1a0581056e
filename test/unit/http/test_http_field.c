#include <string.h>

#include "server/http/http_extension.h"
#include "server/http/http_field.h"
#include "test/lib/cmocka_all.h"

static bool
is_host(const char *text)
{
	return (http_field_is_host(text, strlen(text)));
}

/* A name, an IPv4 or a bracketed IPv6 address, with a port or without. */
static void
test_http_field_takes_hosts(void **state)
{
	static const char *const hosts[] = { "x", "localhost", "a.b-c.example",
		"a_b.example.", "127.0.0.1", "127.0.0.1:8080", "x:0", "x:65535",
		"x:", "[::1]", "[::1]:80", "[::ffff:10.0.0.1]:80", "xn--a",
		"a%2fb", "1" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (!is_host(hosts[i]))
			fail_msg("%s is refused", hosts[i]);
	}
}

/* What else stands there is none. */
static void
test_http_field_refuses_what_is_no_host(void **state)
{
	static const char *const hosts[] = { "", " ", ":80", "a b", "a,b",
		"a, b", "a/b", "/a", "a?b", "a#b", "u@a", "u:p@a", "a:80:81",
		"a:-1", "a:65536", "a:99999999999999999999", "a:x", "a:8 0",
		"::1", "[::1", "::1]", "[]", "[::1]x", "[::1]80", "[1.2.3.4]",
		"[fe80::1%25eth0]", "[v1.x]", "a%", "a%2", "a%2g", "a\\b",
		"http://a", "a\tb", "\xc3\xa9", "a]", "<a>",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:1]" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (is_host(hosts[i]))
			fail_msg("%s is taken", hosts[i]);
	}
}

/* Unknown codings get another answer than lists without a clear end. */
static void
test_http_field_reads_codings(void **state)
{
	static const struct {
		const char *text;
		enum http_codings want;
	} cases[] = {
		{ "chunked", HTTP_CODINGS_CHUNKED },
		{ "gzip", HTTP_CODINGS_UNKNOWN },
		{ "identity", HTTP_CODINGS_UNKNOWN },
		{ "xchunked", HTTP_CODINGS_UNKNOWN },
		{ "chunkedx", HTTP_CODINGS_UNKNOWN },
		{ "gzip,chunked", HTTP_CODINGS_UNKNOWN },
		{ "gzip\t, chunked", HTTP_CODINGS_UNKNOWN },
		{ "a, b;q=1, chunked", HTTP_CODINGS_UNKNOWN },
		{ "", HTTP_CODINGS_BAD },
		{ ",", HTTP_CODINGS_BAD },
		{ "chunked,", HTTP_CODINGS_BAD },
		{ ", chunked", HTTP_CODINGS_BAD },
		{ "gzip,,chunked", HTTP_CODINGS_BAD },
		{ "chunked, gzip", HTTP_CODINGS_BAD },
		{ "chunked, chunked", HTTP_CODINGS_BAD },
		{ "chunked;a=b", HTTP_CODINGS_BAD },
		{ "gzip chunked", HTTP_CODINGS_BAD },
		{ "chunked gzip", HTTP_CODINGS_BAD },
		{ "\"chunked\"", HTTP_CODINGS_BAD },
		{ "gzip;a=\"b,chunked\"", HTTP_CODINGS_BAD },
		{ "chunked\x0b", HTTP_CODINGS_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (http_field_codings(cases[i].text, strlen(cases[i].text)) !=
		    cases[i].want)
			fail_msg("%s", cases[i].text);
	}
}

/* A line may end after a name or a value, and nowhere else. */
static void
test_http_extension_ends(void **state)
{
	static const struct {
		const char *text;
		bool whole;
	} cases[] = {
		{ ";a", true },
		{ ";a=b", true },
		{ ";a=\"\"", true },
		{ ";a=\"x y\\\"\";b", true },
		{ " \t; a\t=\tb ;c=d", true },
		{ "", false },
		{ " ", false },
		{ ";", false },
		{ ";a=", false },
		{ ";a;", false },
		{ ";a ", false },
		{ ";a=\"", false },
		{ ";a=\"b\\\"", false },
		{ ";a=\"b\" ", false },
		{ "a", false },
		{ ";a=b=c", false },
		{ ";a=b\"", false },
		{ ";\x01", false },
		{ ";a=\"\x7f\"", false },
	};
	enum http_extension at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		at = HTTP_EXTENSION_BEFORE;
		for (const char *p = cases[i].text; *p != '\0'; p++)
			at = http_extension_next(at, (unsigned char)*p);
		if (http_extension_may_end(at) != cases[i].whole)
			fail_msg("%s", cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_field_takes_hosts),
		cmocka_unit_test(test_http_field_refuses_what_is_no_host),
		cmocka_unit_test(test_http_field_reads_codings),
		cmocka_unit_test(test_http_extension_ends),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
