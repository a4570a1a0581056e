#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/auth/secrets.h"
#include "store/base/hex.h"

#define NOW INT64_C(1782378851000)

static char body_text[] = "{\"orders\":[]}";
static const struct iovec body = { body_text, sizeof(body_text) - 1 };

/* The header that signs the body under the i-th secret. */
static void
sign(struct secrets *sec, size_t i, char ret_text[SIGNATURE_TEXT_LEN + 1])
{
	unsigned char mac[SIGNATURE_LEN];

	assert_int_equal(secrets_mac(sec, i, &body, 1, mac), 0);
	hex_encode(mac, sizeof(mac), ret_text);
}

/* The name of that one of these secrets that signed the body; NULL: none. */
static const char *
verify_by(struct secrets *sec, secrets_some which, const char *value,
    int64_t now_ms)
{
	const struct secrets_claim claim = { value, &body, 1, now_ms };
	unsigned char claimed[SIGNATURE_LEN];
	struct secrets_match m = { .name = NULL };

	if (!secrets_verify(sec, which, &claim, &m)) {
		assert_null(m.name);
		return (NULL);
	}
	assert_int_equal(signature_parse(value, claimed), 0);
	assert_memory_equal(m.mac, claimed, sizeof(m.mac));
	return (m.name);
}

static const char *
verify(struct secrets *sec, const char *value, int64_t now_ms)
{
	return (verify_by(sec, SECRETS_ALL, value, now_ms));
}

/* A set holds SECRETS_MAX secrets, none of them empty. */
static void
test_secrets_add_keeps_to_its_limits(void **state)
{
	struct secrets *sec = secrets_new();
	char name[16];

	(void)state;
	assert_non_null(sec);
	assert_int_equal(secrets_add(sec, "empty", "", 0, 0), -1);
	assert_int_equal(secrets_count(sec), 0);
	for (int i = 0; i < SECRETS_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(secrets_add(sec, name, name, 2, 0), 0);
	}
	assert_int_equal(secrets_add(sec, "more", "x", 1, 0), -1);
	assert_int_equal(secrets_count(sec), SECRETS_MAX);
	secrets_free(sec);
	secrets_free(NULL);
}

/* The facts told of a secret are its name, length, end and fingerprint. */
static void
test_secrets_info_tells_no_secret(void **state)
{
	struct secrets *sec = secrets_new();
	struct secrets_info info, other;
	unsigned char mac[SIGNATURE_LEN], digest[SIGNATURE_LEN];
	char label[] = "klikitd", text[SIGNATURE_TEXT_LEN + 1];

	(void)state;
	assert_int_equal(secrets_add(sec, "main", "a\0b", 3, NOW), 0);
	assert_int_equal(secrets_add(sec, "other", "a\0c", 3, 0), 0);
	secrets_info(sec, 0, &info);
	assert_string_equal(info.name, "main");
	assert_int_equal(info.len, 3);
	assert_int_equal(info.valid_until_ms, NOW);

	assert_int_equal(secrets_mac(sec, 0, &(struct iovec){ label, 7 }, 1,
			     mac),
	    0);
	assert_int_equal(signature_sha256(mac, sizeof(mac), digest), 0);
	hex_encode(digest, sizeof(digest), text);
	assert_int_equal(strlen(info.fingerprint), SECRETS_FINGERPRINT_LEN);
	assert_memory_equal(info.fingerprint, text, SECRETS_FINGERPRINT_LEN);

	/* The NUL and what follows it belong to the secret. */
	secrets_info(sec, 1, &other);
	assert_string_not_equal(info.fingerprint, other.fingerprint);
	secrets_free(sec);
}

/* Each of several secrets verifies, and is named. */
static void
test_secrets_verify_names_the_secret(void **state)
{
	char first[SIGNATURE_TEXT_LEN + 1], second[SIGNATURE_TEXT_LEN + 1];
	struct secrets *sec = secrets_new();

	(void)state;
	assert_int_equal(secrets_add(sec, "first", "one", 3, 0), 0);
	assert_int_equal(secrets_add(sec, "second", "two", 3, 0), 0);
	sign(sec, 0, first);
	sign(sec, 1, second);
	assert_string_equal(verify(sec, first, NOW), "first");
	assert_string_equal(verify(sec, second, NOW), "second");
	/* One flipped bit, an upper-case digit, or another form. */
	second[5] = second[5] == '0' ? '1' : '0';
	assert_null(verify(sec, second, NOW));
	assert_null(verify(sec, "", NOW));
	assert_null(verify(sec, "\xff", NOW));
	secrets_free(sec);
}

/* One that is not asked for opens nothing. */
static void
test_secrets_verify_tries_those_asked_for(void **state)
{
	struct secrets *sec = secrets_new();
	char value[SIGNATURE_TEXT_LEN + 1];

	(void)state;
	assert_non_null(sec);
	assert_int_equal(secrets_add(sec, "first", "one", 3, 0), 0);
	assert_int_equal(secrets_add(sec, "second", "two", 3, 0), 0);
	sign(sec, 1, value);
	assert_string_equal(verify_by(sec, 1 << 1, value, NOW), "second");
	assert_string_equal(verify_by(sec, 3, value, NOW), "second");
	assert_null(verify_by(sec, 1 << 0, value, NOW));
	assert_null(verify_by(sec, 0, value, NOW));
	assert_int_equal(secrets_count_of(sec, 0), 0);
	assert_int_equal(secrets_count_of(sec, 1 << 1), 1);
	assert_int_equal(secrets_count_of(sec, SECRETS_ALL), 2);
	secrets_free(sec);
}

/* The last valid moment is valid, the one after it is not. */
static void
test_secrets_verify_heeds_valid_until(void **state)
{
	struct secrets *sec = secrets_new();
	char value[SIGNATURE_TEXT_LEN + 1];

	(void)state;
	assert_int_equal(secrets_add(sec, "old", "one", 3, NOW), 0);
	sign(sec, 0, value);
	assert_string_equal(verify(sec, value, NOW - 1), "old");
	assert_string_equal(verify(sec, value, NOW), "old");
	assert_null(verify(sec, value, NOW + 1));
	/* The same bytes under another name may live on. */
	assert_int_equal(secrets_add(sec, "new", "one", 3, 0), 0);
	assert_string_equal(verify(sec, value, NOW + 1), "new");
	secrets_free(sec);
}

/* Without a secret nothing verifies, and a bad form equals no MAC. */
static void
test_secrets_verify_refuses_without_secrets(void **state)
{
	struct secrets *sec = secrets_new();
	char zeros[SIGNATURE_TEXT_LEN + 1];

	(void)state;
	memset(zeros, '0', SIGNATURE_TEXT_LEN);
	zeros[SIGNATURE_TEXT_LEN] = '\0';
	assert_null(verify(sec, zeros, NOW));
	assert_int_equal(secrets_add(sec, "a", "one", 3, 0), 0);
	assert_null(verify(sec, zeros, NOW));
	secrets_free(sec);
}

/* -- Files -- */

static char dir[] = "/tmp/test_secrets.XXXXXX";
static char path[sizeof(dir) + 16];

static int
setup_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return (-1);
	snprintf(path, sizeof(path), "%s/secret", dir);
	return (0);
}

static int
teardown_dir(void **state)
{
	(void)state;
	unlink(path);
	return (rmdir(dir));
}

static void
write_file(const void *bytes, size_t len)
{
	FILE *fp = fopen(path, "wb");

	assert_non_null(fp);
	assert_int_equal(fwrite(bytes, 1, len, fp), len);
	assert_int_equal(fclose(fp), 0);
}

/* Only one final newline is dropped, and it is said; nothing else is. */
static void
test_secrets_read_file_drops_one_newline(void **state)
{
	static const struct {
		const char *in;
		size_t in_len;
		const char *out;
		size_t out_len;
	} cases[] = {
		{ "abc", 3, "abc", 3 },
		{ "abc\n", 4, "abc", 3 },
		{ "abc\n\n", 5, "abc\n", 4 },
		{ "abc\r\n", 5, "abc\r", 4 },
		{ " a\0b\t ", 6, " a\0b\t ", 6 },
		{ "\n\n", 2, "\n", 1 },
	};
	char reason[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool newline = false;
		char *bytes = NULL;
		size_t len = 0;

		write_file(cases[i].in, cases[i].in_len);
		assert_int_equal(secrets_read_file(path, &bytes, &len, &newline,
				     reason),
		    0);
		assert_int_equal(len, cases[i].out_len);
		assert_memory_equal(bytes, cases[i].out, len);
		assert_int_equal(newline, len < cases[i].in_len);
		free(bytes);
	}
}

/* What is refused leaves the results alone and names the file. */
static void
refuse(const char *file, const char *why)
{
	bool newline = true;
	char *bytes = NULL, reason[256];
	size_t len = 77;

	assert_int_equal(secrets_read_file(file, &bytes, &len, &newline,
			     reason),
	    -1);
	assert_null(bytes);
	assert_int_equal(len, 77);
	assert_true(newline);
	assert_memory_equal(reason, file, strlen(file));
	assert_non_null(strstr(reason, why));
	assert_null(strchr(reason, '\n'));
}

/* A missing, empty, oversize or odd file is refused with its name. */
static void
test_secrets_read_file_refuses_with_a_reason(void **state)
{
	char *big = test_calloc(1, SECRETS_FILE_MAX + 1);
	bool newline;
	char *bytes, reason[256];
	size_t len;

	(void)state;
	unlink(path);
	refuse(path, "No such file");
	refuse(dir, "directory");
	write_file("", 0);
	refuse(path, "empty");
	write_file("\n", 1);
	refuse(path, "empty");
	refuse("/dev/zero", "larger than 65536");
	write_file(big, SECRETS_FILE_MAX + 1);
	refuse(path, "larger than 65536");
	write_file(big, SECRETS_FILE_MAX);
	assert_int_equal(secrets_read_file(path, &bytes, &len, &newline,
			     reason),
	    0);
	assert_int_equal(len, SECRETS_FILE_MAX);
	free(bytes);
	test_free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets_add_keeps_to_its_limits),
		cmocka_unit_test(test_secrets_info_tells_no_secret),
		cmocka_unit_test(test_secrets_verify_names_the_secret),
		cmocka_unit_test(test_secrets_verify_tries_those_asked_for),
		cmocka_unit_test(test_secrets_verify_heeds_valid_until),
		cmocka_unit_test(test_secrets_verify_refuses_without_secrets),
		cmocka_unit_test(test_secrets_read_file_drops_one_newline),
		cmocka_unit_test(test_secrets_read_file_refuses_with_a_reason),
	};

	return (cmocka_run_group_tests(tests, setup_dir, teardown_dir));
}
