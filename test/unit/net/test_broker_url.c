/* The URL of a broker, taken apart. */
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/broker_url.h"

/* What a good one holds. */
static void
test_broker_url_is_taken_apart(void **state)
{
	static const struct {
		const struct broker_scheme *schemes;
		const char *text;
		bool tls;
		const char *user, *host;
		unsigned port;
		const char *rest;
		const char *shown;
	} good[] = {
		{ broker_schemes_redis, "redis://q", false, NULL, "q", 6379,
		    NULL, "redis://q:6379" },
		{ broker_schemes_redis, "rediss://klik@q.example:7000/3", true,
		    "klik", "q.example", 7000, "3", "rediss://q.example:7000" },
		{ broker_schemes_redis, "REDIS://10.0.0.5/", false, NULL,
		    "10.0.0.5", 6379, "", "redis://10.0.0.5:6379" },
		{ broker_schemes_amqp, "amqp://guest@[::1]:5673/%2F", false,
		    "guest", "::1", 5673, "/", "amqp://[::1]:5673" },
		{ broker_schemes_amqp, "amqps://a%3Ab%40c@h/v%2fw", true,
		    "a:b@c", "h", 5671, "v/w", "amqps://h:5671" },
		{ broker_schemes_amqp, "amqp://h/K%C3%BCche", false, NULL, "h",
		    5672,
		    "K\xc3\xbc"
		    "che",
		    "amqp://h:5672" },
		{ broker_schemes_amqp, "amqp://h_1-x.y:65535/a/b", false, NULL,
		    "h_1-x.y", 65535, "a/b", "amqp://h_1-x.y:65535" },
	};
	char reason[HANDLER_REASON_MAX], shown[HANDLER_REASON_MAX];
	struct broker_url url;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		reason[0] = '\0';
		assert_int_equal(broker_url_parse(good[i].text, good[i].schemes,
				     &url, reason),
		    0);
		assert_string_equal(reason, "");
		assert_int_equal(url.scheme->tls, good[i].tls);
		assert_int_equal(broker_url_is_tls(good[i].text,
				     good[i].schemes),
		    good[i].tls);
		assert_string_equal(url.user == NULL ? "-" : url.user,
		    good[i].user == NULL ? "-" : good[i].user);
		assert_string_equal(url.host, good[i].host);
		assert_int_equal(url.port, good[i].port);
		assert_string_equal(url.rest == NULL ? "-" : url.rest,
		    good[i].rest == NULL ? "-" : good[i].rest);
		broker_url_text(&url, shown);
		assert_string_equal(shown, good[i].shown);
		broker_url_fini(&url);
	}
	broker_url_fini(&url); /* all zero now */
}

/* What a bad one is refused for. */
static void
test_broker_url_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} bad[] = {
		{ "", "must begin with redis:// or rediss://" },
		{ "amqp://h", "must begin with redis:// or rediss://" },
		{ "redis:/h", "must begin with redis:// or rediss://" },
		{ "redis://", "names no host" },
		{ "redis:///0", "names no host" },
		{ "redis://:6379", "names no host" },
		{ "redis://[]", "names no host" },
		{ "redis://u@", "names no host" },
		{ "redis://@h", "has no user before its @" },
		{ "redis://:secret@h",
		    "must not hold a password: put it into password_file" },
		{ "redis://u:secret@h",
		    "must not hold a password: put it into password_file" },
		{ "redis://u:@h",
		    "must not hold a password: put it into password_file" },
		{ "redis://u:se@cret@h",
		    "must not hold a password: put it into password_file" },
		{ "redis://u:se/cret@h",
		    "has an @ behind a slash: write %40 or %2F for that" },
		{ "redis://u:se?cret@h",
		    "must not have a ?query or #fragment" },
		{ "redis://h/0#x", "must not have a ?query or #fragment" },
		{ "redis://h:0", "has a port that is not 1 to 65535" },
		{ "redis://h:", "has a port that is not 1 to 65535" },
		{ "redis://h:65536", "has a port that is not 1 to 65535" },
		{ "redis://h:6379x", "has a port that is not 1 to 65535" },
		{ "redis://[::1]6379", "has a port that is not 1 to 65535" },
		{ "redis://[::1", "has a [ without its ]" },
		{ "redis://[10.0.0.5]",
		    "has a host that is neither a name nor an address" },
		{ "redis://::1", "names no host" },
		{ "redis://a b",
		    "has a host that is neither a name nor an address" },
		{ "redis://h%41",
		    "has a host that is neither a name nor an address" },
		{ "redis://h/%", "has a path with a % without two hex digits" },
		{ "redis://h/%4",
		    "has a path with a % without two hex digits" },
		{ "redis://h/%zz",
		    "has a path with a % without two hex digits" },
		{ "redis://u%@h",
		    "has a user with a % without two hex digits" },
		{ "redis://h/%00", "has a path with a control character" },
		{ "redis://u%0a@h", "has a user with a control character" },
	};
	char reason[HANDLER_REASON_MAX];
	struct broker_url url = { .rest = reason };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(broker_url_parse(bad[i].text,
				     broker_schemes_redis, &url, reason),
		    -1);
		assert_string_equal(reason, bad[i].reason);
		assert_ptr_equal(url.rest, reason); /* untouched */
		assert_null(strstr(reason, "secret"));
		assert_null(strstr(reason, "cret"));
	}
	assert_false(broker_url_is_tls(NULL, broker_schemes_redis));
	assert_false(broker_url_is_tls("amqps://h", broker_schemes_redis));
}

/* A name that is too long for anything is refused. */
static void
test_broker_url_bounds_its_host(void **state)
{
	char text[16 + HANDLER_HOST_MAX] = "redis://",
		       reason[HANDLER_REASON_MAX];
	struct broker_url url;

	(void)state;
	memset(text + 8, 'a', HANDLER_HOST_MAX - 1);
	assert_int_equal(broker_url_parse(text, broker_schemes_redis, &url,
			     reason),
	    0);
	broker_url_text(&url, reason);
	broker_url_fini(&url);
	text[8 + HANDLER_HOST_MAX - 1] = 'a';
	assert_int_equal(broker_url_parse(text, broker_schemes_redis, &url,
			     reason),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broker_url_is_taken_apart),
		cmocka_unit_test(test_broker_url_is_refused),
		cmocka_unit_test(test_broker_url_bounds_its_host),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
