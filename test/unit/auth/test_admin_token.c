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

#include "server/auth/admin_token.h"

struct fixture {
	char dir[64];
	char token[96];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return (-1);
	strcpy(f->dir, "/tmp/test_admin_token.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return (-1);
	(void)snprintf(f->token, sizeof(f->token), "%s/token", f->dir);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->token);
	(void)rmdir(f->dir);
	free(f);
	return (0);
}

static void
write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* A token loses the newline at its end, and nothing else. */
static void
test_admin_token_is_read(void **state)
{
	struct fixture *f = *state;
	char reason[ADMIN_TOKEN_REASON_MAX];
	char *token;

	write_file(f->token, "0123456789abcdef\n");
	token = admin_token_read(f->token, reason);
	assert_non_null(token);
	assert_string_equal(token, "0123456789abcdef");
	free(token);
}

/* What is short, long, or no header's value is no token. */
static void
test_admin_token_is_checked(void **state)
{
	static const char *const bad[] = { "0123456789abcde",
		"0123456789 abcdef", "0123456789abcdef\n\n",
		"0123456789abcdef\r\n", "0123456789abcd\xc3\xa9" };
	struct fixture *f = *state;
	char reason[ADMIN_TOKEN_REASON_MAX], text[ADMIN_TOKEN_MAX + 2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file(f->token, bad[i]);
		assert_null(admin_token_read(f->token, reason));
		assert_non_null(strstr(reason, "holds no token"));
		assert_null(strstr(reason, "0123456789"));
	}
	memset(text, 'x', ADMIN_TOKEN_MAX + 1);
	text[ADMIN_TOKEN_MAX + 1] = '\0';
	write_file(f->token, text);
	assert_null(admin_token_read(f->token, reason));
	assert_int_equal(unlink(f->token), 0);
	assert_null(admin_token_read(f->token, reason));
	assert_non_null(strstr(reason, f->token));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_admin_token_is_read, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_admin_token_is_checked,
		    setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
