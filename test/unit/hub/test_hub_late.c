#include <stdio.h>
#include <string.h>

#include "handlers/hub/hub_late.h"
#include "handlers/hub/hub_text.h"
#include "test/lib/cmocka_all.h"

/* handler_env: a digest that is good enough here. */
static int
sign_cb(void *arg, const void *secret, size_t secret_len, const void *body,
    size_t body_len, char ret_hex[65])
{
	uint64_t sum = 14695981039346656037U;

	(void)arg;
	for (size_t i = 0; i < secret_len; i++)
		sum =
		    (sum ^ ((const unsigned char *)secret)[i]) * 1099511628211U;
	for (size_t i = 0; i < body_len; i++)
		sum = (sum ^ ((const unsigned char *)body)[i]) * 1099511628211U;
	(void)snprintf(ret_hex, 65, "%064llx", (unsigned long long)sum);
	memmove(ret_hex, ret_hex + 32, 32);
	return (0);
}

static const struct handler_env env = { .sign = sign_cb };

static void
read_tokens(const char *text, struct hub_tokens *ret)
{
	assert_null(hub_tokens_read(text, strlen(text), ret));
}

/* The mark of a lease is that of its job, by one of the tokens. */
static void
test_hub_mark_is_of_one_job_and_token(void **state)
{
	const struct hub_marked what = { 81, 1764441600000, "e1" };
	const struct hub_marked others[] = {
		{ 82, 1764441600000, "e1" },
		{ 81, 1764441600001, "e1" },
		{ 81, 1764441600000, "e2" },
	};
	char mark[HUB_MARK_MAX], other[HUB_MARK_MAX];
	struct hub_tokens one, two;

	(void)state;
	read_tokens("a-token-0123456789\n", &one);
	read_tokens("another-0123456789\na-token-0123456789\n", &two);
	assert_int_equal(hub_mark_make(&env, &one, 0, &what, mark), 0);
	assert_int_equal(strlen(mark), HUB_MARK_LEN);
	assert_int_equal(hub_mark_make(&env, &one, 1, &what, other), -1);
	assert_int_equal(hub_mark_make(&env, &two, 0, &what, other), 0);
	assert_string_not_equal(mark, other);
	assert_int_equal(hub_mark_make(&env, &two, 1, &what, other), 0);
	assert_string_equal(mark, other);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(hub_mark_make(&env, &one, 0, &others[i],
				     other),
		    0);
		assert_string_not_equal(mark, other);
	}
}

static void
test_hub_mark_stands_at_the_end_of_a_lease(void **state)
{
	char lease[HUB_LEASE_MAX];

	(void)state;
	memset(lease, '0', sizeof(lease));
	lease[sizeof(lease) - 1] = '\0';
	assert_ptr_equal(hub_mark_of(lease), lease + 32);
	assert_null(hub_mark_of(lease + 1));
	assert_null(hub_mark_of(""));
}

/* What was done is known by each token that is valid; the oldest is dropped. */
static void
test_hub_late_knows_the_last(void **state)
{
	struct hub_marked what = { 1, 5, "key" };
	struct hub_late late = { 0 };
	struct hub_tokens one, two, other;
	char mark[HUB_MARK_MAX];

	(void)state;
	read_tokens("a-token-0123456789\n", &one);
	read_tokens("another-0123456789\na-token-0123456789\n", &two);
	read_tokens("another-0123456789\n", &other);
	assert_false(hub_late_has(&late, &env, &one, &what));
	for (what.job = 1; what.job <= HUB_LATE_MAX + 1; what.job++) {
		assert_int_equal(hub_mark_make(&env, &one, 0, &what, mark), 0);
		hub_late_add(&late, what.job, mark);
		assert_true(hub_late_has(&late, &env, &one, &what));
	}
	assert_int_equal(late.n, HUB_LATE_MAX);
	what.job = 1;
	assert_false(hub_late_has(&late, &env, &one, &what));
	what.job = 2;
	assert_true(hub_late_has(&late, &env, &one, &what));
	assert_true(hub_late_has(&late, &env, &two, &what));
	assert_false(hub_late_has(&late, &env, &other, &what));
	what.key = "of another store";
	assert_false(hub_late_has(&late, &env, &one, &what));
	hub_late_fini(&late);
	hub_late_fini(&late);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hub_mark_is_of_one_job_and_token),
		cmocka_unit_test(test_hub_mark_stands_at_the_end_of_a_lease),
		cmocka_unit_test(test_hub_late_knows_the_last),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
