#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/redis_verdict.h"

enum what {
	LATER,  /* tried again, for all jobs of the handler */
	MOVES,  /* the same, on another connection */
	PAUSES, /* until somebody has put it right */
	DEAD,
	UNKNOWN
};

/* As servers wrote them. */
static const struct {
	const char *error;
	enum what what;
	const char *reason; /* begins so */
} rows[] = {
	{ "LOADING Redis is loading the dataset in memory", LATER,
	    "kitchen answered LOADING: it is still reading its data" },
	{ "BUSY Redis is busy running a script. You can only call SCRIPT KILL",
	    LATER, "kitchen answered BUSY: it is busy with somebody's script" },
	{ "OOM command not allowed when used memory > 'maxmemory'.", LATER,
	    "kitchen answered OOM: its memory is full; raise maxmemory" },
	{ "OOM command not allowed when used memory > 'maxmemory'. script: "
	  "96ea57531f3ce161f4c1fdb8fb0dffd67cfcf82a, on @user_script:3.",
	    LATER, "kitchen answered OOM: " },
	{ "ERR Error running script (call to f_96ea57531f3ce161f4c1fdb8fb0dff"
	  "d67cfcf82a): @user_script:3: @user_script: 3: -OOM command not "
	  "allowed when used memory > 'maxmemory'. ",
	    LATER, "kitchen answered OOM: " },
	{ "MISCONF Redis is configured to save RDB snapshots, but it's "
	  "currently unable to persist to disk.",
	    LATER, "kitchen answered MISCONF: it cannot write its data" },
	{ "READONLY You can't write against a read only replica.", MOVES,
	    "kitchen answered READONLY: it is a replica; url has to name" },
	{ "MASTERDOWN Link with MASTER is down", MOVES,
	    "kitchen answered MASTERDOWN: " },
	{ "NOREPLICAS Not enough good replicas to write.", LATER,
	    "kitchen answered NOREPLICAS: " },
	{ "CLUSTERDOWN Hash slot not served", LATER,
	    "kitchen answered CLUSTERDOWN: " },
	{ "TRYAGAIN Multiple keys request during rehashing of slot", LATER,
	    "kitchen answered TRYAGAIN: " },
	{ "EXECABORT Transaction discarded because of previous errors.", LATER,
	    "kitchen answered EXECABORT: " },
	{ "NOSCRIPT No matching script. Please use EVAL.", LATER,
	    "kitchen answered NOSCRIPT: " },
	{ "ERR max number of clients reached", LATER,
	    "kitchen answered ERR: it has too many clients" },

	{ "NOAUTH Authentication required.", PAUSES,
	    "kitchen answered NOAUTH: it asks for a password; set" },
	{ "WRONGPASS invalid username-password pair or user is disabled.",
	    PAUSES, "kitchen answered WRONGPASS: wrong user or password" },
	{ "ERR invalid password", PAUSES,
	    "kitchen answered ERR: wrong password" },
	{ "ERR AUTH <password> called without any password configured for the "
	  "default user. Are you sure your configuration is correct?",
	    PAUSES, "kitchen answered ERR: it has no password; take" },
	{ "ERR Client sent AUTH, but no password is set", PAUSES,
	    "kitchen answered ERR: it has no password; take" },
	{ "ERR wrong number of arguments for 'auth' command", PAUSES,
	    "kitchen answered ERR: it is too old for users" },
	{ "DENIED Redis is running in protected mode because", PAUSES,
	    "kitchen answered DENIED: it is in protected mode" },
	{ "NOPERM this user has no permissions to run the 'evalsha' command",
	    PAUSES, "kitchen answered NOPERM: no right to add" },
	{ "ERR The user executing the script can't run this command or "
	  "subcommand script: 96ea57531f3ce161f4c1fdb8fb0dffd67cfcf82a, on "
	  "@user_script:4.",
	    PAUSES, "kitchen answered ERR: no right to add" },

	{ "WRONGTYPE Operation against a key holding the wrong kind of value",
	    PAUSES, "kitchen answered WRONGTYPE: the key is there and is no" },
	{ "ERR Error running script (call to f_96ea57531f3ce161f4c1fdb8fb0dff"
	  "d67cfcf82a): @user_script:4: WRONGTYPE Operation against a key",
	    PAUSES, "kitchen answered WRONGTYPE: " },
	{ "CROSSSLOT Keys in request don't hash to the same slot", PAUSES,
	    "kitchen answered CROSSSLOT: " },
	{ "MOVED 3999 127.0.0.1:6381", PAUSES,
	    "kitchen answered MOVED: its cluster has the stream elsewhere" },
	{ "ASK 3999 127.0.0.1:6381", PAUSES, "kitchen answered ASK: " },
	{ "ERR DB index is out of range", PAUSES,
	    "kitchen answered ERR: it has no such database" },
	{ "ERR SELECT is not allowed in cluster mode", PAUSES,
	    "kitchen answered ERR: a cluster has database 0 only" },
	{ "ERR invalid DB index", PAUSES,
	    "kitchen answered ERR: it has no such database" },
	{ "ERR unknown command `EVALSHA`, with args beginning with: ", PAUSES,
	    "kitchen answered ERR: it lacks a command" },
	{ "ERR Error running script (call to f_0): @user_script:4: "
	  "@user_script: 4: Unknown Redis command called from Lua script ",
	    UNKNOWN, "kitchen answered an error that klikitd does not know" },
	{ "ERR Unknown Redis command called from script script: 96ea, on "
	  "@user_script:4.",
	    PAUSES, "kitchen answered ERR: it lacks a command" },
	{ "ERR The stream has exhausted the last possible ID, unable to add "
	  "more items",
	    PAUSES, "kitchen answered ERR: the stream takes no more" },

	{ "ERR Protocol error: invalid bulk length", DEAD,
	    "kitchen answered ERR: the body is larger than its proto-max" },
	{ "ERR string exceeds maximum allowed size (proto-max-bulk-len)", DEAD,
	    "kitchen answered ERR: the body is too large" },
	{ "ERR Elements are too large to be stored", DEAD,
	    "kitchen answered ERR: the body is too large" },

	{ "BUSYKEY Target key name already exists.", UNKNOWN,
	    "kitchen answered an error that klikitd does not know" },
	{ "ERR syntax error", UNKNOWN,
	    "kitchen answered an error that klikitd does not know" },
	{ "", UNKNOWN, "kitchen answered an error that klikitd does not know" },
};

static void
test_each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct redis_ruling *ruling =
		    redis_ruling_of(rows[i].error);
		struct handler_result result = { .code = 0 };
		enum what what = rows[i].what;

		redis_verdict(ruling, "kitchen", rows[i].error, &result);
		if (strncmp(result.reason, rows[i].reason,
			strlen(rows[i].reason)) != 0)
			assert_string_equal(result.reason, rows[i].reason);
		assert_int_equal(result.verdict,
		    what == DEAD ? HANDLER_DEAD : HANDLER_RETRY);
		assert_int_equal(result.pause, what == PAUSES);
		assert_int_equal(result.fault, what == DEAD || what == UNKNOWN
						   ? HANDLER_FAULT_JOB
						   : HANDLER_FAULT_DOWN);
		assert_false(result.unknown); /* it was answered */
		if (what == MOVES)
			assert_true(ruling->reconnect);
		assert_memory_equal(result.detail, rows[i].error,
		    strlen(rows[i].error));
	}
}

/* What came from outside stands in the detail alone, and is one line there. */
static void
test_only_our_words_are_a_reason(void **state)
{
	struct handler_result result = { .code = 0 };
	static const char error[] = "ERR secret\r\n\x1b[31m";

	(void)state;
	redis_verdict(redis_ruling_of(error), "kitchen", error, &result);
	assert_null(strstr(result.reason, "secret"));
	assert_string_equal(result.detail, "ERR secret???[31m");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row),
		cmocka_unit_test(test_only_our_words_are_a_reason),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
