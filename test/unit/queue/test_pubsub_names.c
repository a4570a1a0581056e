#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/pubsub_names.h"

static int
check(key_check_fn *fn, const char *text)
{
	char value[512], reason[KEY_REASON_MAX] = "", *p = value;
	int rc;

	(void)strcpy(value, text);
	rc = fn(&p, NULL, reason);
	assert_int_equal(rc == -1, reason[0] != '\0');
	return (rc);
}

static void
test_projects_are_named_by_googles_rules(void **state)
{
	static const char *const good[] = { "", "my-restaurant", "abcdef",
		"a1---b", "123456789012", "example.com:my-project",
		"abcdefghijklmnopqrstuvwxyz1234" };
	static const char *const bad[] = { "abcde", "1abcdef", "Abcdef",
		"abcdef-", "ab_cdef", "abcdefghijklmnopqrstuvwxyz12345",
		"projects/abcdef", ":abcdef", "example.com:", "ex ample",
		"abcdef\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(check(pubsub_check_project, good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(pubsub_check_project, bad[i]), -1);
}

static void
test_topics_are_named_by_googles_rules(void **state)
{
	static const char *const good[] = { "orders", "abc", "A-1_b.c~d+e%20",
		"go-og" };
	static const char *const bad[] = { "", "ab", "1abc", "a b c", "goog",
		"google-orders", "Googly", "a/b/c", "projects/p/topics/orders",
		"ord\xc3\xa9rs", "-abc" };
	char tall[PUBSUB_TOPIC_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(check(pubsub_check_topic, good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(pubsub_check_topic, bad[i]), -1);
	memset(tall, 'a', sizeof(tall));
	tall[PUBSUB_TOPIC_MAX + 1] = '\0';
	assert_int_equal(check(pubsub_check_topic, tall), -1);
	tall[PUBSUB_TOPIC_MAX] = '\0';
	assert_int_equal(check(pubsub_check_topic, tall), 0);
}

static void
test_a_path_holds_the_names_and_what_is_done(void **state)
{
	char path[PUBSUB_PATH_MAX], topic[PUBSUB_TOPIC_MAX + 1];
	char project[PUBSUB_PROJECT_MAX + 1];

	(void)state;
	pubsub_path("my-restaurant", "orders", ":publish", path);
	assert_string_equal(path,
	    "/v1/projects/my-restaurant/topics/orders:publish");
	pubsub_path("example.com:abcdef", "a+b%c~", "", path);
	assert_string_equal(path,
	    "/v1/projects/example.com%3Aabcdef/topics/a%2Bb%25c~");
	/* The longest fits. */
	memset(topic, '%', sizeof(topic) - 1);
	topic[sizeof(topic) - 1] = '\0';
	memset(project, ':', sizeof(project) - 1);
	project[sizeof(project) - 1] = '\0';
	pubsub_path(project, topic, "/subscriptions?pageSize=1", path);
	assert_true(strlen(path) < sizeof(path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_projects_are_named_by_googles_rules),
		cmocka_unit_test(test_topics_are_named_by_googles_rules),
		cmocka_unit_test(test_a_path_holds_the_names_and_what_is_done),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
