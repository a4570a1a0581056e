/* The header of the PROXY protocol, versions 1 and 2. */
#include <string.h>

#include "server/http/proxy_header.h"
#include "test/lib/cmocka_all.h"

#define SIGNATURE "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
#define V4 "\xcb\x00\x71\x07\x7f\x00\x00\x01\x12\x67\x01\xbb"

/* Bytes with their length. */
struct bytes {
	const char *at;
	size_t len;
};
#define BYTES(text)                                                            \
	(struct bytes)                                                         \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

/*
 * Read it as it would come: never a byte more than is asked for. What is left
 * over is as long as rest.
 */
static enum proxy_header_rc
read_all(struct bytes b, size_t rest, struct proxy_header *ret_header)
{
	enum proxy_header_rc rc;
	size_t len = 0;

	while ((rc = proxy_header_read(b.at, len, ret_header)) ==
	       PROXY_HEADER_MORE) {
		assert_true(ret_header->wanted > 0);
		if (len + ret_header->wanted > b.len)
			return (rc);
		len += ret_header->wanted;
	}
	if (rc == PROXY_HEADER_DONE)
		assert_int_equal(b.len - len, rest);
	return (rc);
}

static void
expect_client(struct bytes b, size_t rest, const char *host, unsigned port)
{
	struct proxy_header h;
	char text[ADDRESS_HOST_MAX];

	assert_int_equal(read_all(b, rest, &h), PROXY_HEADER_DONE);
	assert_true(h.names_client);
	assert_string_equal(address_text(&h.client, text), host);
	assert_int_equal(h.client.port, port);
}

static void
expect_nobody(struct bytes b)
{
	struct proxy_header h;

	assert_int_equal(read_all(b, 0, &h), PROXY_HEADER_DONE);
	assert_false(h.names_client);
}

static void
expect_bad(struct bytes b, const char *reason)
{
	struct proxy_header h;

	assert_int_equal(read_all(b, 0, &h), PROXY_HEADER_BAD);
	assert_string_equal(h.reason, reason);
}

static void
test_v1_names_the_client(void **state)
{
	(void)state;
	expect_client(BYTES(
			  "PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\nGET /"),
	    5, "203.0.113.7", 4711);
	expect_client(BYTES("PROXY TCP6 2001:db8::7 ::1 4711 443\r\n"), 0,
	    "2001:db8::7", 4711);
	expect_client(
	    BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    0, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
}

static void
test_v1_of_unknown_names_nobody(void **state)
{
	(void)state;
	expect_nobody(BYTES("PROXY UNKNOWN\r\n"));
	expect_nobody(BYTES("PROXY UNKNOWN 203.0.113.7 127.0.0.1 1 2\r\n"));
}

static void
test_v1_in_another_form_is_bad(void **state)
{
	static const char address[] = "PROXY header with a bad address",
			  port[] = "PROXY header with a bad port",
			  fields[] = "PROXY header with other than 6 fields",
			  other[] = "PROXY header of another protocol than TCP",
			  end[] = "PROXY header with a bad end";

	(void)state;
	expect_bad(BYTES("GET / HTTP/1.1\r\n"), "no PROXY header");
	expect_bad(BYTES("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
	    "no PROXY header");
	expect_bad(BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), fields);
	expect_bad(BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"), fields);
	expect_bad(BYTES("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n"), fields);
	expect_bad(BYTES("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"), address);
	expect_bad(BYTES("PROXY TCP4 ::1 ::1 1 2\r\n"), address);
	expect_bad(BYTES("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"), address);
	expect_bad(BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n"), port);
	expect_bad(BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 02\r\n"), port);
	expect_bad(BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n"), port);
	expect_bad(BYTES("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"), other);
	expect_bad(BYTES("PROXY UNKNOWNS\r\n"), other);
	expect_bad(BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"), end);
	expect_bad(BYTES("PROXY TCP4 1.2.3.4 1.2\r3.4 1 2\r\n"), end);
	expect_bad(BYTES("PROXY UNKNOWN \0\r\n"), "PROXY header with a NUL");
	expect_bad(BYTES("PROXY UNKNOWN 0123456789012345678901234567890123456"
			 "7890123456789012345678901234567890123456789012345678"
			 "9012345678901\r\n"),
	    "PROXY header too long");
}

static void
test_v2_names_the_client(void **state)
{
	(void)state;
	expect_client(BYTES(SIGNATURE "\x21\x11\x00\x0c" V4 "GET /"), 5,
	    "203.0.113.7", 4711);
	expect_client(BYTES(SIGNATURE
			  "\x21\x21\x00\x24"
			  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
			  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x01\xbb"),
	    0, "2001:db8::7", 4711);
}

static void
test_v2_reads_over_tlvs(void **state)
{
	(void)state;
	/* PP2_TYPE_NOOP of 2 bytes, one that nobody knows of none. */
	expect_client(BYTES(SIGNATURE "\x21\x11\x00\x14" V4
				      "\x04\x00\x02xx\xee\x00\x00"),
	    0, "203.0.113.7", 4711);
	expect_bad(BYTES(SIGNATURE "\x21\x11\x00\x11" V4 "\x04\x00\x03xx"),
	    "PROXY header with a cut TLV");
	expect_bad(BYTES(SIGNATURE "\x21\x11\x00\x0e" V4 "\x04\x00"),
	    "PROXY header with a cut TLV");
}

/* CRC32C of the header with zeros in its place (RFC 3720, appendix B.4). */
static void
test_v2_checks_a_checksum(void **state)
{
	static const char wrong[] = "PROXY header with a wrong checksum";

	(void)state;
	expect_client(BYTES(SIGNATURE "\x21\x11\x00\x13" V4 "\x03\x00\x04"
				      "\x01\x60\x58\x59"),
	    0, "203.0.113.7", 4711);
	expect_bad(BYTES(SIGNATURE "\x21\x11\x00\x13" V4
				   "\x03\x00\x04\x00\x00\x00\x00"),
	    wrong);
	expect_bad(BYTES(SIGNATURE "\x21\x11\x00\x12" V4
				   "\x03\x00\x03\x00\x00\x00"),
	    wrong);
}

static void
test_v2_of_other_families_names_nobody(void **state)
{
	char unix_header[16 + 216] = SIGNATURE "\x21\x31\x00\xd8";

	(void)state;
	expect_nobody(BYTES(SIGNATURE "\x20\x00\x00\x00")); /* LOCAL */
	expect_nobody(BYTES(SIGNATURE "\x20\x11\x00\x0c" V4));
	expect_nobody(BYTES(SIGNATURE "\x21\x00\x00\x00")); /* UNSPEC */
	expect_nobody(BYTES(SIGNATURE "\x21\x00\x00\x02xx"));
	expect_nobody((struct bytes){ unix_header, sizeof(unix_header) });
}

static void
test_v2_in_another_form_is_bad(void **state)
{
	static const char command[] =
	    "PROXY header of an unknown version or command",
			  family[] = "PROXY header of an unknown family",
			  none[] = "PROXY header without its addresses";

	(void)state;
	expect_bad(BYTES("\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0b"
			 "\x21\x11\x00\x0c"),
	    "no PROXY header");
	expect_bad(BYTES(SIGNATURE "\x11\x11\x00\x0c" V4), command);
	expect_bad(BYTES(SIGNATURE "\x22\x11\x00\x0c" V4), command);
	expect_bad(BYTES(SIGNATURE "\x21\x41\x00\x0c" V4), family);
	expect_bad(BYTES(SIGNATURE "\x21\x13\x00\x0c" V4), family);
	expect_bad(BYTES(SIGNATURE "\x21\x12\x00\x0c" V4),
	    "PROXY header of another protocol than TCP");
	expect_bad(BYTES(SIGNATURE "\x21\x11\x00\x0b" V4), none);
	expect_bad(BYTES(SIGNATURE "\x21\x21\x00\x0c" V4), none);
	expect_bad(BYTES(SIGNATURE "\x21\x11\x03\xf1" V4),
	    "PROXY header too long");
}

/* What is cut short is neither good nor bad. */
static void
test_a_part_of_a_header_is_waited_for(void **state)
{
	static const struct bytes whole[] = {
		{ "PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n", 43 },
		{ SIGNATURE "\x21\x11\x00\x0c" V4, 28 },
	};
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t len = 0; len < whole[i].len; len++)
			assert_int_equal(proxy_header_read(whole[i].at, len,
					     &h),
			    PROXY_HEADER_MORE);
		assert_int_equal(proxy_header_read(whole[i].at, whole[i].len,
				     &h),
		    PROXY_HEADER_DONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1_names_the_client),
		cmocka_unit_test(test_v1_of_unknown_names_nobody),
		cmocka_unit_test(test_v1_in_another_form_is_bad),
		cmocka_unit_test(test_v2_names_the_client),
		cmocka_unit_test(test_v2_reads_over_tlvs),
		cmocka_unit_test(test_v2_checks_a_checksum),
		cmocka_unit_test(test_v2_of_other_families_names_nobody),
		cmocka_unit_test(test_v2_in_another_form_is_bad),
		cmocka_unit_test(test_a_part_of_a_header_is_waited_for),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
