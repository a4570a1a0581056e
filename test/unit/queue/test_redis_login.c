#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/redis_login.h"

/* The words of a step, with blanks between. */
static const char *
words_of(const struct redis_account *account, enum redis_login step)
{
	static char line[512];
	struct redis_word words[REDIS_LOGIN_WORDS_MAX];
	char text[REDIS_LOGIN_TEXT_MAX];
	size_t n = redis_login_words(account, step, text, words);

	line[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		strncat(line, words[i].bytes, words[i].len);
		if (i + 1 < n)
			strcat(line, " ");
	}
	return (line);
}

static void
test_all_steps_in_order(void **state)
{
	const struct redis_account account = { .user = "klikitd",
		.password = "pw",
		.password_len = 2,
		.database = "3",
		.name = "to kitchen",
		.script = "return 1" };
	enum redis_login step = REDIS_LOGIN_AUTH;

	(void)state;
	step = redis_login_next(&account, step);
	assert_int_equal(step, REDIS_LOGIN_AUTH);
	assert_string_equal(words_of(&account, step), "AUTH klikitd pw");
	step = redis_login_next(&account, step + 1);
	assert_int_equal(step, REDIS_LOGIN_SELECT);
	assert_string_equal(words_of(&account, step), "SELECT 3");
	step = redis_login_next(&account, step + 1);
	assert_int_equal(step, REDIS_LOGIN_NAME);
	assert_string_equal(words_of(&account, step),
	    "CLIENT SETNAME klikitd:to_kitchen");
	step = redis_login_next(&account, step + 1);
	assert_int_equal(step, REDIS_LOGIN_SCRIPT);
	assert_string_equal(words_of(&account, step), "SCRIPT LOAD return 1");
	assert_int_equal(redis_login_next(&account, step + 1),
	    REDIS_LOGIN_DONE);
}

/* What is not needed is not said: a plain Redis knows it as an error. */
static void
test_steps_are_passed_over(void **state)
{
	struct redis_account account = { .database = "0", .name = "redis" };

	(void)state;
	assert_int_equal(redis_login_next(&account, REDIS_LOGIN_AUTH),
	    REDIS_LOGIN_NAME);
	assert_int_equal(redis_login_next(&account, REDIS_LOGIN_SCRIPT),
	    REDIS_LOGIN_DONE);
	account.password = "pw"; /* without users: Redis 5 and before */
	account.password_len = 2;
	assert_int_equal(redis_login_next(&account, REDIS_LOGIN_AUTH),
	    REDIS_LOGIN_AUTH);
	assert_string_equal(words_of(&account, REDIS_LOGIN_AUTH), "AUTH pw");
	account.database = NULL;
	assert_int_equal(redis_login_next(&account, REDIS_LOGIN_SELECT),
	    REDIS_LOGIN_NAME);
	account = (struct redis_account){ .user = "nopass", .name = "redis" };
	assert_int_equal(redis_login_next(&account, REDIS_LOGIN_AUTH),
	    REDIS_LOGIN_AUTH);
}

static enum redis_login_verdict
judge(enum redis_login step, enum redis_kind kind, const char *text)
{
	const struct redis_answer answer = {
		.value = { .kind = kind, .text = text, .len = strlen(text) }
	};

	return (redis_login_judge(step, &answer));
}

static void
test_answers(void **state)
{
	(void)state;
	assert_int_equal(judge(REDIS_LOGIN_AUTH, REDIS_STATUS, "OK"),
	    REDIS_LOGIN_GOOD);
	assert_int_equal(judge(REDIS_LOGIN_AUTH, REDIS_ERROR,
			     "WRONGPASS invalid username-password pair"),
	    REDIS_LOGIN_REFUSED);
	assert_int_equal(judge(REDIS_LOGIN_SELECT, REDIS_ERROR,
			     "ERR DB index is out of range"),
	    REDIS_LOGIN_REFUSED);
	assert_int_equal(judge(REDIS_LOGIN_SCRIPT, REDIS_STRING, "0123"),
	    REDIS_LOGIN_GOOD);
	assert_int_equal(judge(REDIS_LOGIN_SCRIPT, REDIS_ERROR,
			     "NOPERM this user has no permissions"),
	    REDIS_LOGIN_REFUSED);

	/* The name is for people who look at CLIENT LIST, no more. */
	assert_int_equal(judge(REDIS_LOGIN_NAME, REDIS_ERROR,
			     "NOPERM this user has no permissions"),
	    REDIS_LOGIN_GOOD);
	assert_int_equal(judge(REDIS_LOGIN_NAME, REDIS_ERROR,
			     "ERR unknown command `CLIENT`"),
	    REDIS_LOGIN_GOOD);
	assert_int_equal(judge(REDIS_LOGIN_NAME, REDIS_ERROR,
			     "NOAUTH Authentication required."),
	    REDIS_LOGIN_REFUSED);

	assert_int_equal(judge(REDIS_LOGIN_AUTH, REDIS_STATUS, "PONG"),
	    REDIS_LOGIN_BROKEN);
	assert_int_equal(judge(REDIS_LOGIN_AUTH, REDIS_STRING, "OK"),
	    REDIS_LOGIN_BROKEN);
	assert_int_equal(judge(REDIS_LOGIN_SCRIPT, REDIS_STATUS, "OK"),
	    REDIS_LOGIN_BROKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_steps_in_order),
		cmocka_unit_test(test_steps_are_passed_over),
		cmocka_unit_test(test_answers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
