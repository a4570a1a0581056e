/* Keys that several types of outlets have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/net/outlet_keys.h"
#include "test/lib/cmocka_all.h"

/* What was reported, "key: reason" and a newline each. */
static char reported[1024];

static void
wrong_cb(void *arg, const char *key, const char *reason)
{
	size_t len = strlen(reported);

	(void)arg;
	(void)snprintf(reported + len, sizeof(reported) - len, "%s: %s\n", key,
	    reason);
}

/* The file "token" is there, and "lines" has two. */
static int
read_file_cb(void *arg, const char *path, char **ret_bytes, size_t *ret_len,
    char reason[KEY_REASON_MAX])
{
	const char *bytes = strcmp(path, "lines") == 0 ? "a\nb" : "Bearer 1, 2";

	(void)arg;
	if (strcmp(path, "gone") == 0) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s: no such file",
		    path);
		return (-1);
	}
	assert_non_null(*ret_bytes = strdup(bytes));
	*ret_len = strlen(bytes);
	return (0);
}

static const struct handler_check with_files = { .files = true,
	.wrong = wrong_cb,
	.read_file = read_file_cb };
static const struct handler_check without = { .wrong = wrong_cb };

static int
setup(void **state)
{
	(void)state;
	reported[0] = '\0';
	return (0);
}

/* An URL is one of HTTP, whole. */
static void
test_outlet_url(void **state)
{
	char good[] = "HTTPS://pos.example:8443/in?a=1", bad[] = "ftp://pos/";
	char *value = good, reason[KEY_REASON_MAX] = "";

	(void)state;
	assert_int_equal(outlet_check_url(&value, "/", reason), 0);
	assert_string_equal(value, good);
	value = bad;
	assert_int_equal(outlet_check_url(&value, "/", reason), -1);
	assert_string_equal(reason, "must begin with http:// or https://");
}

/* One of a broker is of its type, and holds no password. */
static void
test_outlet_broker_url(void **state)
{
	char redis[] = "rediss://u@q/1", amqp[] = "amqp://q:1/v",
	     password[] = "amqp://u:p@q";
	char *value = redis, reason[KEY_REASON_MAX] = "";

	(void)state;
	assert_int_equal(outlet_check_redis_url(&value, "/", reason), 0);
	assert_int_equal(outlet_check_amqp_url(&value, "/", reason), -1);
	assert_string_equal(reason, "must begin with amqp:// or amqps://");
	value = amqp;
	assert_int_equal(outlet_check_amqp_url(&value, "/", reason), 0);
	assert_int_equal(outlet_check_redis_url(&value, "/", reason), -1);
	assert_string_equal(reason, "must begin with redis:// or rediss://");
	value = password;
	assert_int_equal(outlet_check_amqp_url(&value, "/", reason), -1);
	assert_string_equal(reason,
	    "must not hold a password: put it into password_file");
}

/* A header has a name and a value, and frames no request. */
static void
test_outlet_headers(void **state)
{
	static const struct {
		const char *header;
		const char *reason;
	} bad[] = {
		{ "no colon", "an item is not NAME: VALUE or NAME: @FILE" },
		{ "A B: c", "an item is not NAME: VALUE or NAME: @FILE" },
		{ "A:  ", "A has no value" },
		{ "Expect: 100-continue", "Expect is not for you to set" },
		{ "X-KLIKIT-x: 1", "X-KLIKIT-x is not for you to set" },
	};
	char text[64], *items[] = { text };
	struct key_list list = { items, 1 };
	char reason[KEY_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", bad[i].header);
		assert_int_equal(outlet_check_headers(&list, "/", reason), -1);
		assert_string_equal(reason, bad[i].reason);
	}
	(void)snprintf(text, sizeof(text), "Authorization: @token");
	assert_int_equal(outlet_check_headers(&list, "/", reason), 0);
}

/* What stands in a header's file takes its place, if files are read at all. */
static void
test_outlet_headers_are_read(void **state)
{
	char *items[3] = { strdup("A: @token"), strdup("B: @lines"),
		strdup("C:@gone") };
	struct key_list list = { items, 3 };

	(void)state;
	outlet_read_headers(&list, "header", &without);
	assert_string_equal(items[0], "A: @token");
	outlet_read_headers(&list, "header", &with_files);
	assert_string_equal(items[0], "A: Bearer 1, 2");
	assert_string_equal(items[1], "B: @lines");
	assert_string_equal(items[2], "C:@gone");
	assert_string_equal(reported,
	    "header: lines: is not one line\nheader: gone: no such file\n");
	for (size_t i = 0; i < 3; i++)
		free(items[i]);
}

/* Files of TLS are of no use without it, and a pair has two. */
static void
test_outlet_tls_is_whole(void **state)
{
	char file[] = "/x.pem";
	const struct handler_tls_files all = { file, file, file };
	const struct handler_tls_files no_key = { NULL, file, NULL };
	const struct handler_tls_files no_chain = { NULL, NULL, file };

	(void)state;
	outlet_check_tls(&all, true, &without);
	assert_string_equal(reported, "");
	outlet_check_tls(&no_key, true, &without);
	outlet_check_tls(&no_chain, true, &without);
	outlet_check_tls(&all, false, &without);
	assert_string_equal(reported,
	    "client_certificate: needs client_key\n"
	    "client_key: needs client_certificate\n"
	    "ca_file: is of no use, as the url is without TLS\n"
	    "client_certificate: is of no use, as the url is without TLS\n"
	    "client_key: is of no use, as the url is without TLS\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_outlet_url, setup),
		cmocka_unit_test_setup(test_outlet_broker_url, setup),
		cmocka_unit_test_setup(test_outlet_headers, setup),
		cmocka_unit_test_setup(test_outlet_headers_are_read, setup),
		cmocka_unit_test_setup(test_outlet_tls_is_whole, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
