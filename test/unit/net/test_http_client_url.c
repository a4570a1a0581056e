#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/http_client.h"

static void
assert_url(const char *text, bool tls, const char *host, unsigned port,
    const char *path)
{
	char reason[HANDLER_REASON_MAX] = "";
	struct http_client_url url;

	if (http_client_url_parse(text, &url, reason) == -1)
		fail_msg("%s %s", text, reason);
	assert_int_equal(url.tls, tls);
	assert_string_equal(url.host, host);
	assert_int_equal(url.port, port);
	assert_string_equal(url.path, path);
	http_client_url_fini(&url);
}

static void
assert_refused(const char *text, const char *expected)
{
	char reason[HANDLER_REASON_MAX] = "";
	struct http_client_url url;

	assert_int_equal(http_client_url_parse(text, &url, reason), -1);
	assert_string_equal(reason, expected);
}

/* A URL is taken apart; what it leaves out is filled in. */
static void
test_http_client_url_parts(void **state)
{
	(void)state;
	assert_url("http://127.0.0.1:9000/orders", false, "127.0.0.1", 9000,
	    "/orders");
	assert_url("http://pos.local", false, "pos.local", 80, "/");
	assert_url("HTTPS://pos.local/", true, "pos.local", 443, "/");
	assert_url("http://h/a/b%20c?x=1&y=/", false, "h", 80,
	    "/a/b%20c?x=1&y=/");
	assert_url("http://h?x", false, "h", 80, "/?x");
	assert_url("http://[::1]:65535/", false, "::1", 65535, "/");
}

/* What is no such URL is refused, in words. */
static void
test_http_client_url_refused(void **state)
{
	static const char no_url[] = "is not http://HOST:PORT/PATH";
	static const char scheme[] = "must begin with http:// or https://";

	(void)state;
	assert_refused("http://h:99999/", no_url);
	assert_refused("http://h:9x/", no_url);
	assert_refused("http://h/a b", no_url);
	assert_refused("http://h/\r\nX: y", no_url);
	assert_refused("http://[::1/", no_url);
	assert_refused("", scheme);
	assert_refused("127.0.0.1", scheme);
	assert_refused("/orders", scheme);
	assert_refused("ftp://h/", scheme);
	assert_refused("http:/h", "names no host");
	assert_refused("http:///x", "names no host");
	assert_refused("http://u:p@h/", "must not hold a user or password");
	assert_refused("http://h/#x", "must not have a #fragment");
	assert_refused("http://h:0/", "cannot have port 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_client_url_parts),
		cmocka_unit_test(test_http_client_url_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
