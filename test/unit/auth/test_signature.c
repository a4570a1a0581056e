#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/auth/signature.h"
#include "store/base/hex.h"

#define SECRET "klikit-test-secret"
#define BODY_MAX 65536

/* The MAC of one piece of text under a key, as hex. */
static void
mac_text(const void *secret, size_t secret_len, const void *bytes, size_t len,
    char ret_text[SIGNATURE_TEXT_LEN + 1])
{
	struct iovec seg = { .iov_len = len };
	unsigned char mac[SIGNATURE_LEN];
	struct signature_key *key;

	seg.iov_base = (void *)(uintptr_t)bytes;
	assert_non_null(key = signature_key_new(secret, secret_len));
	assert_int_equal(signature_mac(key, &seg, 1, mac), 0);
	signature_key_free(key);
	hex_encode(mac, sizeof(mac), ret_text);
}

/* Read a file of the payloads. Returns its length. */
static size_t
read_payload(const char *name, unsigned char bytes[BODY_MAX])
{
	char path[512];
	size_t len;
	FILE *fp;

	snprintf(path, sizeof(path), "%s/%s", PAYLOAD_DIR, name);
	assert_non_null(fp = fopen(path, "rb"));
	len = fread(bytes, 1, BODY_MAX, fp);
	assert_true(len > 0 && len < BODY_MAX);
	fclose(fp);
	return (len);
}

/* RFC 4231: all cases, but the one of a truncated MAC. */
static void
test_signature_mac_meets_rfc_4231(void **state)
{
	static const struct {
		unsigned char key_byte; /* 0: 0x01 and so on */
		const char *key;        /* instead, if not NULL */
		size_t key_len;
		unsigned char text_byte;
		const char *text; /* instead, if not NULL */
		size_t text_len;
		const char *mac;
	} cases[] = {
		{ 0x0b, NULL, 20, 0, "Hi There", 8,
		    "b0344c61d8db38535ca8afceaf0bf12b"
		    "881dc200c9833da726e9376c2e32cff7" },
		{ 0, "Jefe", 4, 0, "what do ya want for nothing?", 28,
		    "5bdcc146bf60754e6a042426089575c7"
		    "5a003f089d2739839dec58b964ec3843" },
		{ 0xaa, NULL, 20, 0xdd, NULL, 50,
		    "773ea91e36800e46854db8ebd09181a7"
		    "2959098b3ef8c122d9635514ced565fe" },
		{ 0, NULL, 25, 0xcd, NULL, 50,
		    "82558a389a443c0ea4cc819899f2083a"
		    "85f0faa3e578f8077a2e3ff46729665b" },
		{ 0xaa, NULL, 131, 0,
		    "Test Using Larger Than Block-Size Key - Hash Key First",
		    54,
		    "60e431591ee0b67f0d8a26aacbf5b77f"
		    "8e0bc6213728c5140546040f0ee37f54" },
		{ 0xaa, NULL, 131, 0,
		    "This is a test using a larger than block-size key and a "
		    "larger than block-size data. The key needs to be hashed "
		    "before being used by the HMAC algorithm.",
		    152,
		    "9b09ffa71b942fcb27635fbcd5b0e944"
		    "bfdc63644f0713938a7f51535c3a35e2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[SIGNATURE_TEXT_LEN + 1];
		unsigned char key[256], data[256];

		memset(key, cases[i].key_byte, sizeof(key));
		for (size_t k = 0; cases[i].key_byte == 0 && k < 25; k++)
			key[k] = (unsigned char)(k + 1);
		if (cases[i].key != NULL)
			memcpy(key, cases[i].key, cases[i].key_len);
		memset(data, cases[i].text_byte, sizeof(data));
		if (cases[i].text != NULL)
			memcpy(data, cases[i].text, cases[i].text_len);
		mac_text(key, cases[i].key_len, data, cases[i].text_len, text);
		assert_string_equal(text, cases[i].mac);
	}
}

/* Known answers, computed by another implementation: Python's hmac. */
static const struct {
	const char *name;
	const char *mac;
} payloads[] = {
	{ "created-small.json", "1bff9beea9ea8422b744c2c751c05908"
				"bbf722a19f5372783ba1291c5c208f71" },
	{ "created-typical.json", "7fba03316388500431f515e105c40995"
				  "eecb0c13203e11f4e5c0d95f4e22caeb" },
	{ "status-updated-ready.json", "00b5baad95af20291d2e2ef4c1c9aaea"
				       "ece556105ef1963d77f34ca9a79f0f03" },
	{ "status-updated-cancelled.json", "78bf3789b4484c3574d46540730e90a3"
					   "f8704a2bc35e5774a0398cf4626f10ad" },
	{ "cart-updated.json", "9d3d2c200a0109ca79a618d9c283b5e5"
			       "40235962617ef71fb7d5ce5ba0fb73ac" },
	{ "created-batch-5.json", "84ddfa4d478a7cfe1914fda306ab0bac"
				  "ed5f37abee06f4cad19bde9f5d4d271a" },
	{ "created-unicode.json", "93ff727e52264143dbe5d065c8f2e768"
				  "cc2c8c15e92e8c017b543952c54d6a1e" },
	{ "created-large.json", "027df4e2340b2d89bf4569a2cb24dee2"
				"459ebae6a10d152f91c6829ceb097fca" },
	{ "roundtrip-traps.json", "9918668e12c4911925f8c79c005aeb2f"
				  "92c09c8b2a50f92e60bdcf0592b4da0c" },
};

/* Every sample payload has the MAC that klikit would send. */
static void
test_signature_mac_of_the_payloads(void **state)
{
	static unsigned char body[BODY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		char text[SIGNATURE_TEXT_LEN + 1];
		size_t len = read_payload(payloads[i].name, body);

		mac_text(SECRET, strlen(SECRET), body, len, text);
		assert_string_equal(text, payloads[i].mac);
	}
}

/* Where a body is cut into segments, empty ones too, does not matter. */
static void
test_signature_mac_ignores_the_segments(void **state)
{
	static unsigned char body[BODY_MAX];
	unsigned char whole[SIGNATURE_LEN], mac[SIGNATURE_LEN];
	size_t len = read_payload("created-typical.json", body);
	struct signature_key *key;
	unsigned seed = 4231;

	(void)state;
	assert_non_null(key = signature_key_new(SECRET, strlen(SECRET)));
	assert_int_equal(signature_mac(key, &(struct iovec){ body, len }, 1,
			     whole),
	    0);
	for (int round = 0; round < 300; round++) {
		struct iovec segs[40];
		size_t n = 0, at = 0;

		while (n < 39 && at < len) {
			segs[n].iov_base = body + at;
			segs[n].iov_len = (size_t)rand_r(&seed) % 400;
			if (segs[n].iov_len > len - at)
				segs[n].iov_len = len - at;
			at += segs[n++].iov_len;
		}
		segs[n++] = (struct iovec){ body + at, len - at };
		assert_int_equal(signature_mac(key, segs, n, mac), 0);
		assert_memory_equal(mac, whole, sizeof(mac));
	}
	/* No segment at all is the empty text. */
	assert_int_equal(signature_mac(key, NULL, 0, mac), 0);
	assert_memory_not_equal(mac, whole, sizeof(mac));
	signature_key_free(key);
}

/* A key of any length is its own: 63, 64 and 65 bytes and its own hash. */
static void
test_signature_key_lengths_around_a_block(void **state)
{
	unsigned char hash[SIGNATURE_LEN];
	char a[SIGNATURE_TEXT_LEN + 1], b[SIGNATURE_TEXT_LEN + 1];
	char key[66];

	(void)state;
	memset(key, 'k', sizeof(key));
	mac_text(key, 63, "x", 1, a);
	mac_text(key, 64, "x", 1, b);
	assert_string_not_equal(a, b);
	mac_text(key, 65, "x", 1, a);
	assert_string_not_equal(a, b);
	/* By RFC 2104 a longer key stands for its hash, a shorter does not. */
	assert_int_equal(signature_sha256(key, 65, hash), 0);
	mac_text(hash, sizeof(hash), "x", 1, b);
	assert_string_equal(a, b);
	assert_int_equal(signature_sha256(key, 64, hash), 0);
	mac_text(hash, sizeof(hash), "x", 1, b);
	mac_text(key, 64, "x", 1, a);
	assert_string_not_equal(a, b);
}

/* One flipped bit anywhere in body or key gives another MAC. */
static void
test_signature_mac_sees_one_flipped_bit(void **state)
{
	static unsigned char body[BODY_MAX];
	char want[SIGNATURE_TEXT_LEN + 1], text[SIGNATURE_TEXT_LEN + 1];
	size_t len = read_payload("created-small.json", body);
	char secret[] = SECRET;

	(void)state;
	mac_text(secret, strlen(secret), body, len, want);
	for (size_t bit = 0; bit < len * 8; bit++) {
		body[bit / 8] ^= (unsigned char)(1u << bit % 8);
		mac_text(secret, strlen(secret), body, len, text);
		assert_string_not_equal(text, want);
		body[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	secret[0] ^= 1;
	mac_text(secret, strlen(secret), body, len, text);
	assert_string_not_equal(text, want);
}

/* Only 64 lower-case digits are a signature; else the MAC is all zero. */
static void
test_signature_parse_takes_one_form_only(void **state)
{
	static const char good[] = "1bff9beea9ea8422b744c2c751c05908"
				   "bbf722a19f5372783ba1291c5c208f71";
	static const char *const bad[] = {
		"",
		"1bff9beea9ea8422",
		"1BFF9BEEA9EA8422B744C2C751C05908"
		"BBF722A19F5372783BA1291C5C208F71",
		"sha256=1bff9beea9ea8422b744c2c751c05908"
		"bbf722a19f5372783ba1291c5c208f71",
		"t=1750000000,v1=1bff9beea9ea8422b744c2c751c05908"
		"bbf722a19f5372783ba1291c5c208f71",
		"G/+b7qnqhCK3RMLHUcBZCLv3IqGfU3J4O6EpHFwgj3E=",
		" 1bff9beea9ea8422b744c2c751c05908"
		"bbf722a19f5372783ba1291c5c208f71",
		"1bff9beea9ea8422b744c2c751c05908"
		"bbf722a19f5372783ba1291c5c208f71 ",
		"1bff9beea9ea8422b744c2c751c05908"
		"bbf722a19f5372783ba1291c5c208f7",
		"1bff9beea9ea8422b744c2c751c05908"
		"bbf722a19f5372783ba1291c5c208f7g",
		"1bff9beea9ea8422b744c2c751c05908"
		"bbf722a19f5372783ba1291c5c208f7\xc3\xa9",
	};
	static const unsigned char zero[SIGNATURE_LEN];
	unsigned char mac[SIGNATURE_LEN];
	char text[SIGNATURE_TEXT_LEN + 1];

	(void)state;
	assert_int_equal(signature_parse(good, mac), 0);
	hex_encode(mac, sizeof(mac), text);
	assert_string_equal(text, good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(mac, 1, sizeof(mac));
		assert_int_equal(signature_parse(bad[i], mac), -1);
		assert_memory_equal(mac, zero, sizeof(mac));
	}
}

/* MACs are equal only if every byte is. */
static void
test_signature_equal_compares_every_byte(void **state)
{
	unsigned char a[SIGNATURE_LEN] = { 9 }, b[SIGNATURE_LEN] = { 9 };

	(void)state;
	assert_true(signature_equal(a, b));
	for (size_t i = 0; i < SIGNATURE_LEN; i++) {
		b[i] ^= 0x80;
		assert_false(signature_equal(a, b));
		b[i] ^= 0x80;
	}
}

/* Random bytes fill exactly what was asked for, and do not repeat. */
static void
test_signature_random_fills_all(void **state)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };
	unsigned char seen = 0;

	(void)state;
	/* The odds of a byte that stays 0 in 64 rounds are 2^-512. */
	for (int round = 0; round < 64; round++) {
		assert_int_equal(signature_random(a, 63), 0);
		seen |= a[62];
	}
	assert_int_not_equal(seen, 0);
	assert_int_equal(a[63], 0);
	assert_int_equal(signature_random(b, 63), 0);
	assert_memory_not_equal(a, b, 63);
	assert_int_equal(signature_random(a, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature_mac_meets_rfc_4231),
		cmocka_unit_test(test_signature_mac_of_the_payloads),
		cmocka_unit_test(test_signature_mac_ignores_the_segments),
		cmocka_unit_test(test_signature_key_lengths_around_a_block),
		cmocka_unit_test(test_signature_mac_sees_one_flipped_bit),
		cmocka_unit_test(test_signature_parse_takes_one_form_only),
		cmocka_unit_test(test_signature_equal_compares_every_byte),
		cmocka_unit_test(test_signature_random_fills_all),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
