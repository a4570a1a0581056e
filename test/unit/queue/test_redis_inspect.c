#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/redis_inspect.h"

static const struct redis_stream dedup = { .name = "orders", .dedup_ms = 1000 };
static const struct redis_stream plain = { .name = "orders" };

/* -- Questions -- */

static void
expect_question(enum redis_question question, const struct redis_stream *stream,
    const char *expected)
{
	void *bytes;
	size_t len;

	assert_int_equal(redis_question_make(question, stream, "abc", &bytes,
			     &len),
	    0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(bytes, expected, len);
	free(bytes);
}

static void
test_questions(void **state)
{
	(void)state;
	expect_question(REDIS_ASK_ROLE, &plain,
	    "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n");
	expect_question(REDIS_ASK_TYPE, &plain,
	    "*2\r\n$4\r\nTYPE\r\n$6\r\norders\r\n");
	expect_question(REDIS_ASK_MEMORY, &plain,
	    "*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n");
	expect_question(REDIS_ASK_DISK, &plain,
	    "*2\r\n$4\r\nINFO\r\n$11\r\npersistence\r\n");
	expect_question(REDIS_ASK_FSYNC, &plain,
	    "*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$11\r\nappendfsync\r\n");
}

/* What a job sends, but with an id that is always refused. */
static void
test_the_question_that_adds_nothing(void **state)
{
	(void)state;
	expect_question(REDIS_ASK_ADD, &plain,
	    "*5\r\n$4\r\nXADD\r\n$6\r\norders\r\n$3\r\n0-0\r\n$4\r\nbody\r\n"
	    "$0\r\n\r\n");
	expect_question(REDIS_ASK_ADD, &dedup,
	    "*9\r\n$7\r\nEVALSHA\r\n$3\r\nabc\r\n$1\r\n2\r\n$6\r\norders\r\n"
	    "$18\r\n{orders}:d::doctor\r\n$1\r\n1\r\n$3\r\n0-0\r\n"
	    "$4\r\nbody\r\n$0\r\n\r\n");
}

/* -- Answers -- */

static struct redis_finding
judge(enum redis_question question, const struct redis_stream *stream,
    enum redis_kind kind, const char *text)
{
	const struct redis_answer answer = {
		.value = { .kind = kind, .text = text, .len = strlen(text) }
	};
	struct redis_finding found = { .text = "" };

	redis_question_judge(question, stream, &answer, &found);
	assert_int_not_equal(strlen(found.text), 0);
	assert_int_equal(found.advice == NULL, found.level == HANDLER_FINE);
	return (found);
}

static void
test_role(void **state)
{
	(void)state;
	assert_int_equal(judge(REDIS_ASK_ROLE, &plain, REDIS_STRING,
			     "# Replication\r\nrole:master\r\n")
			     .level,
	    HANDLER_FINE);
	assert_int_equal(judge(REDIS_ASK_ROLE, &plain, REDIS_STRING,
			     "# Replication\r\nrole:slave\r\nx:1\r\n")
			     .level,
	    HANDLER_WRONG);
	assert_string_equal(judge(REDIS_ASK_ROLE, &plain, REDIS_STRING, "")
				.text,
	    "its role: it does not say");
}

static void
test_type(void **state)
{
	(void)state;
	assert_string_equal(judge(REDIS_ASK_TYPE, &plain, REDIS_STATUS,
				"stream")
				.text,
	    "stream orders is there");
	assert_string_equal(judge(REDIS_ASK_TYPE, &plain, REDIS_STATUS, "none")
				.text,
	    "stream orders is not there yet; the first entry makes it");
	assert_int_equal(judge(REDIS_ASK_TYPE, &plain, REDIS_STATUS, "list")
			     .level,
	    HANDLER_WRONG);
}

static void
test_right_to_add(void **state)
{
	(void)state;
	assert_string_equal(judge(REDIS_ASK_ADD, &dedup, REDIS_ERROR,
				"ERR The ID specified in XADD must be greater "
				"than 0-0 script: "
				"96ea, on @user_script:4.")
				.text,
	    "entries may be added");
	assert_int_equal(judge(REDIS_ASK_ADD, &dedup, REDIS_ERROR,
			     "NOPERM this user has no permissions")
			     .level,
	    HANDLER_WRONG);
	assert_int_equal(judge(REDIS_ASK_ADD, &dedup, REDIS_ERROR,
			     "OOM command not allowed")
			     .level,
	    HANDLER_DOUBTFUL);
	/* It took what every Redis refuses. */
	assert_int_equal(judge(REDIS_ASK_ADD, &plain, REDIS_STRING, "1-0")
			     .level,
	    HANDLER_DOUBTFUL);
}

static void
test_memory(void **state)
{
	static const struct {
		const char *info;
		const struct redis_stream *stream;
		enum handler_level level;
	} some[] = {
		{ "maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", &dedup,
		    HANDLER_FINE },
		{ "x:1\r\nmaxmemory:9\r\nmaxmemory_policy:noeviction\r\n",
		    &dedup, HANDLER_FINE },
		{ "maxmemory:9\r\nmaxmemory_policy:allkeys-lru\r\n", &plain,
		    HANDLER_DOUBTFUL },
		{ "maxmemory:9\r\nmaxmemory_policy:volatile-ttl\r\n", &dedup,
		    HANDLER_DOUBTFUL },
		{ "maxmemory:9\r\nmaxmemory_policy:volatile-ttl\r\n", &plain,
		    HANDLER_FINE },
		{ "# Memory\r\n", &plain, HANDLER_FINE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		assert_int_equal(judge(REDIS_ASK_MEMORY, some[i].stream,
				     REDIS_STRING, some[i].info)
				     .level,
		    some[i].level);
}

static struct redis_finding
judge_fsync(const char *value)
{
	const struct redis_answer answer = { .value = { .kind = REDIS_ARRAY },
		.items = { { .kind = REDIS_STRING, .text = "appendfsync" },
		    { .kind = REDIS_STRING,
			.text = value,
			.len = strlen(value) } },
		.nitems = 2 };
	struct redis_finding found = { .text = "" };

	redis_question_judge(REDIS_ASK_FSYNC, &plain, &answer, &found);
	return (found);
}

static void
test_disk(void **state)
{
	(void)state;
	assert_int_equal(judge(REDIS_ASK_DISK, &plain, REDIS_STRING,
			     "loading:0\r\naof_enabled:0\r\n")
			     .level,
	    HANDLER_DOUBTFUL);
	assert_string_equal(judge(REDIS_ASK_DISK, &plain, REDIS_STRING,
				"loading:0\r\naof_enabled:1\r\n")
				.text,
	    "it keeps an append-only file");
	assert_string_equal(judge(REDIS_ASK_DISK, &plain, REDIS_STRING, "")
				.text,
	    "the append-only file: it does not say");
	assert_int_equal(judge_fsync("always").level, HANDLER_FINE);
	assert_int_equal(judge_fsync("everysec").level, HANDLER_FINE);
	assert_int_equal(judge_fsync("no").level, HANDLER_DOUBTFUL);
	assert_string_equal(judge(REDIS_ASK_FSYNC, &plain, REDIS_ARRAY, "")
				.text,
	    "appendfsync: it does not say");
}

/* A user of few rights is a good one. */
static void
test_what_is_not_for_us_to_see(void **state)
{
	static const char error[] = "NOPERM this user has no permissions";

	(void)state;
	assert_string_equal(judge(REDIS_ASK_FSYNC, &plain, REDIS_ERROR, error)
				.text,
	    "appendfsync: not for this user to see");
	assert_int_equal(judge(REDIS_ASK_MEMORY, &plain, REDIS_ERROR, error)
			     .level,
	    HANDLER_FINE);
	assert_int_equal(judge(REDIS_ASK_TYPE, &plain, REDIS_ERROR, error)
			     .level,
	    HANDLER_FINE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_the_question_that_adds_nothing),
		cmocka_unit_test(test_role),
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_right_to_add),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_what_is_not_for_us_to_see),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
