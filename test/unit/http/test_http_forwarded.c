/* For whom a trusted proxy asks, by its header fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/network.h"
#include "server/http/http_forwarded.h"
#include "test/lib/cmocka_all.h"

#define X HTTP_FORWARDED_X
#define F HTTP_FORWARDED_RFC7239

static struct networks trusted;

static int
trust(void **state)
{
	char v4[] = "10.0.0.0/8", v6[] = "2001:db8:f::/48";
	char *texts[] = { v4, v6 };

	(void)state;
	return (networks_read(texts, 2, &trusted));
}

static int
trust_no_more(void **state)
{
	(void)state;
	networks_fini(&trusted);
	return (0);
}

/*
 * What is found: an address; "?" and, if any, the last one that is known; "-"
 * if there is no field.
 */
static const char *
found(const struct http_forwarded *f)
{
	static char text[ADDRESS_HOST_MAX + 1];
	struct address client;
	char host[ADDRESS_HOST_MAX];

	switch (http_forwarded_client(f, &client)) {
	case HTTP_FORWARDED_NONE:
		return ("-");
	case HTTP_FORWARDED_CLIENT:
		(void)strcpy(text, address_text(&client, host));
		return (text);
	case HTTP_FORWARDED_UNKNOWN:
		break;
	}
	(void)snprintf(text, sizeof(text), "?%s",
	    client.family == 0 ? "" : address_text(&client, host));
	return (text);
}

static void
expect(enum http_forwarded_field field, const char *value, const char *client)
{
	struct http_forwarded whole, bytes;

	http_forwarded_begin(&whole);
	http_forwarded_add(&whole, &trusted, field, value);
	if (strcmp(found(&whole), client) != 0)
		fail_msg("\"%s\" gives %s, not %s", value, found(&whole),
		    client);
	http_forwarded_begin(&bytes);
	http_forwarded_open(&bytes, field);
	for (size_t i = 0; i < strlen(value); i++)
		http_forwarded_read(&bytes, &trusted, &value[i], 1);
	http_forwarded_close(&bytes, &trusted);
	assert_string_equal(found(&bytes), client);
}

struct one {
	const char *value;
	const char *client;
};

static void
expect_each(enum http_forwarded_field field, const struct one *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(field, cases[i].value, cases[i].client);
}
#define EXPECT(field, cases)                                                   \
	expect_each(field, cases, sizeof(cases) / sizeof((cases)[0]))

static void
test_x_is_walked_from_its_end(void **state)
{
	static const struct one cases[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "198.51.100.1, 192.0.2.7", "192.0.2.7" },
		{ "192.0.2.7, 10.0.0.1", "192.0.2.7" },
		{ "198.51.100.1, 192.0.2.7, 10.0.0.2, 10.0.0.1", "192.0.2.7" },
		{ "192.0.2.7, 2001:db8:f::1", "192.0.2.7" },
		/* All are trusted: the first one asks. */
		{ "10.0.0.9", "10.0.0.9" },
		{ "10.0.0.9, 10.0.0.1", "10.0.0.9" },
	};

	(void)state;
	EXPECT(X, cases);
}

static void
test_x_takes_addresses_as_proxies_write_them(void **state)
{
	static const struct one cases[] = {
		{ "192.0.2.7:4711", "192.0.2.7" },
		{ "2001:db8::7", "2001:db8::7" },
		{ "[2001:db8::7]", "2001:db8::7" },
		{ "[2001:db8::7]:4711", "2001:db8::7" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "  192.0.2.7\t", "192.0.2.7" },
		{ "192.0.2.7,10.0.0.1", "192.0.2.7" },
		{ "192.0.2.7, ::ffff:10.0.0.1", "192.0.2.7" },
		/* Empty items are none, RFC 9110 section 5.6.1.2. */
		{ ", 192.0.2.7, , 10.0.0.1,", "192.0.2.7" },
		{ "", "-" },
		{ " , ", "-" },
	};

	(void)state;
	EXPECT(X, cases);
}

/* The walk ends there: at the last one that is known, and that is no client. */
static void
test_x_that_cannot_be_read_names_nobody(void **state)
{
	static const struct one cases[] = {
		{ "unknown", "?" },
		{ "rubbish", "?" },
		{ "192.0.2.7 10.0.0.1", "?" },
		{ "192.0.2.7:", "?" },
		{ "192.0.2.7:65536", "?" },
		{ "192.0.2.7:_abc", "?" },
		{ "192.0.2", "?" },
		{ "192.0.2.007", "?" },
		{ "[192.0.2.7]", "?" },
		{ "[2001:db8::7", "?" },
		{ "2001:db8::7]", "?" },
		{ "[2001:db8::7]x", "?" },
		{ "[]", "?" },
		{ ":80", "?" },
		{ "fe80::1%eth0", "?" },
		{ "\"192.0.2.7\"", "?" },
		{ "for=192.0.2.7", "?" },
		{ "192.0.2.7, rubbish, 10.0.0.1", "?10.0.0.1" },
		{ "192.0.2.7, rubbish, 10.0.0.2, 10.0.0.1", "?10.0.0.2" },
		{ "rubbish, 192.0.2.7, 10.0.0.1", "192.0.2.7" },
		{ "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"
		  ":0000:0007",
		    "?" },
	};

	(void)state;
	EXPECT(X, cases);
}

static void
test_forwarded_is_walked_from_its_end(void **state)
{
	static const struct one cases[] = {
		{ "for=192.0.2.7", "192.0.2.7" },
		{ "For=192.0.2.7", "192.0.2.7" },
		{ "for=\"192.0.2.7:4711\"", "192.0.2.7" },
		{ "for=\"192.0.2.7:_port\"", "192.0.2.7" },
		{ "for=\"[2001:db8::7]\"", "2001:db8::7" },
		{ "for=\"[2001:db8::7]:4711\"", "2001:db8::7" },
		{ "for=\"192\\.0.2.7\"", "192.0.2.7" },
		{ "proto=https;for=192.0.2.7;by=10.0.0.1;host=a.b",
		    "192.0.2.7" },
		{ "for=192.0.2.7; proto=https ; by=x", "192.0.2.7" },
		{ "for=198.51.100.1, for=192.0.2.7,for=10.0.0.1", "192.0.2.7" },
		{ "for=198.51.100.1, for=\"[2001:db8::7]\", for=10.0.0.1",
		    "2001:db8::7" },
		{ "for=192.0.2.7;host=\"a, for=198.51.100.1\"", "192.0.2.7" },
		{ "for=192.0.2.7;host=\"a\\\", for=198.51.100.1\"",
		    "192.0.2.7" },
		{ ";for=192.0.2.7;", "192.0.2.7" },
		{ "for=10.0.0.9, for=10.0.0.1", "10.0.0.9" },
		{ ", ,", "-" },
	};

	(void)state;
	EXPECT(F, cases);
}

static void
test_forwarded_that_cannot_be_read_names_nobody(void **state)
{
	static const struct one cases[] = {
		{ "for=unknown", "?" },
		{ "for=_hidden", "?" },
		{ "for=_hidden, for=10.0.0.1", "?10.0.0.1" },
		{ "proto=https", "?" },
		{ "by=192.0.2.7", "?" },
		{ "fo=192.0.2.7", "?" },
		{ "forx=192.0.2.7", "?" },
		{ "for=", "?" },
		{ "for", "?" },
		{ ";", "?" },
		{ "for=\"\"", "?" },
		{ "for=2001:db8::7", "?" },
		{ "for=\"2001:db8::7\"", "?" },
		{ "for=192.0.2.7:4711", "?" },
		{ "for=[2001:db8::7]", "?" },
		{ "for =192.0.2.7", "?" },
		{ "for= 192.0.2.7", "?" },
		{ "for=192.0.2.7 for=192.0.2.8", "?" },
		{ "for=192.0.2.7;for=192.0.2.8", "?" },
		{ "for=\"192.0.2.7\"x", "?" },
		{ "for=192.0.2.7;rubbish", "?" },
		{ "192.0.2.7", "?" },
	};

	(void)state;
	EXPECT(F, cases);
}

/* What a stranger has begun may not swallow what his proxy adds. */
static void
test_forwarded_with_an_open_quote_names_nobody(void **state)
{
	static const struct one cases[] = {
		{ "for=\", for=192.0.2.7", "?" },
		{ "for=198.51.100.1;x=\", for=192.0.2.7", "?" },
		{ "for=\"\\, for=192.0.2.7", "?" },
	};
	struct http_forwarded f;

	(void)state;
	EXPECT(F, cases);
	/* In a field of its own it cannot reach the next one. */
	http_forwarded_begin(&f);
	http_forwarded_add(&f, &trusted, F, "for=\"");
	http_forwarded_add(&f, &trusted, F, "for=192.0.2.7");
	assert_string_equal(found(&f), "192.0.2.7");
	/* Nor make a proxy the client. */
	http_forwarded_begin(&f);
	http_forwarded_add(&f, &trusted, F, "for=\", for=192.0.2.7");
	http_forwarded_add(&f, &trusted, F, "for=10.0.0.1");
	assert_string_equal(found(&f), "?10.0.0.1");
}

/* Proxies may add a field of their own instead of an item. */
static void
test_several_fields_are_one_list(void **state)
{
	struct http_forwarded f;

	(void)state;
	http_forwarded_begin(&f);
	assert_string_equal(found(&f), "-");
	http_forwarded_add(&f, &trusted, X, "198.51.100.1");
	http_forwarded_add(&f, &trusted, X, "203.0.113.1, 192.0.2.7");
	http_forwarded_add(&f, &trusted, X, "10.0.0.1");
	assert_string_equal(found(&f), "192.0.2.7");
	http_forwarded_begin(&f);
	assert_string_equal(found(&f), "-");
}

static void
expect_both(const char *rfc7239, const char *x, const char *client)
{
	struct http_forwarded f;

	http_forwarded_begin(&f);
	http_forwarded_add(&f, &trusted, F, rfc7239);
	http_forwarded_add(&f, &trusted, X, x);
	if (strcmp(found(&f), client) != 0)
		fail_msg("\"%s\" and \"%s\" give %s, not %s", rfc7239, x,
		    found(&f), client);
}

/* Nobody knows which of the two the proxy wrote. */
static void
test_both_fields_have_to_name_the_same(void **state)
{
	(void)state;
	expect_both("for=192.0.2.7", "192.0.2.7", "192.0.2.7");
	expect_both("for=\"192.0.2.7:1\"", "198.51.100.1, 192.0.2.7",
	    "192.0.2.7");
	expect_both("for=198.51.100.1", "192.0.2.7", "?");
	expect_both("for=192.0.2.7", "10.0.0.1", "?");
	expect_both("for=unknown", "192.0.2.7", "?");
	expect_both("proto=https", "192.0.2.7", "?");
	expect_both("for=192.0.2.7", "rubbish", "?");
	expect_both("for=x", "rubbish", "?");
	/* What is empty is not there. */
	expect_both("", "192.0.2.7", "192.0.2.7");
	expect_both("for=192.0.2.7", "", "192.0.2.7");
}

static void
test_http_forwarded_is_either_name(void **state)
{
	enum http_forwarded_field field;

	(void)state;
	assert_true(http_forwarded_is("Forwarded", 9, &field));
	assert_int_equal(field, F);
	assert_true(http_forwarded_is("X-FORWARDED-for", 15, &field));
	assert_int_equal(field, X);
	assert_false(http_forwarded_is("X-Forwarded-Fo", 14, &field));
	assert_false(http_forwarded_is("X-Forwarded-For2", 16, &field));
	assert_false(http_forwarded_is("X-Real-IP", 9, &field));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x_is_walked_from_its_end),
		cmocka_unit_test(test_x_takes_addresses_as_proxies_write_them),
		cmocka_unit_test(test_x_that_cannot_be_read_names_nobody),
		cmocka_unit_test(test_forwarded_is_walked_from_its_end),
		cmocka_unit_test(
		    test_forwarded_that_cannot_be_read_names_nobody),
		cmocka_unit_test(
		    test_forwarded_with_an_open_quote_names_nobody),
		cmocka_unit_test(test_several_fields_are_one_list),
		cmocka_unit_test(test_both_fields_have_to_name_the_same),
		cmocka_unit_test(test_http_forwarded_is_either_name),
	};

	return (cmocka_run_group_tests(tests, trust, trust_no_more));
}
