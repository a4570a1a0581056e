/* exec.c: what a program gets, and what its end means. */
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/lib/cmocka_all.h"
#include "handlers/registry.h"
#include "test/lib/exec_world.h"
#include "test/lib/heap.h"
#include "test/lib/valgrind.h"

#define LONG_MS 120000 /* what no test waits for */

/* -- Verdicts -- */

static const struct exec_outcome *
run_script(struct exec_world *w, const char *script)
{
	exec_world_script(w, script, LONG_MS);
	return (exec_world_run(w));
}

/* Exit 0 is done, with what was printed, on either descriptor. */
static void
test_exec_zero_is_done(void **state)
{
	const struct exec_outcome *o;

	o = run_script(*state, "echo rung; echo twice >&2");
	assert_int_equal(o->verdict, HANDLER_DONE);
	assert_int_equal(o->code, 0);
	assert_false(o->unknown);
	assert_string_equal(o->answer, "rung\ntwice\n");
	o = run_script(*state, "exit 0");
	assert_int_equal(o->verdict, HANDLER_DONE);
	assert_int_equal(o->answer_len, 0);
}

/* EX_TEMPFAIL is tried again; it is known not to have been done. */
static void
test_exec_75_is_retried(void **state)
{
	const struct exec_outcome *o;

	o = run_script(*state, "echo; echo 'no paper'; echo more; exit 75");
	assert_int_equal(o->verdict, HANDLER_RETRY);
	assert_int_equal(o->code, 75);
	assert_false(o->unknown);
	assert_int_equal(o->fault, HANDLER_FAULT_JOB);
	assert_string_equal(o->reason, "exit 75");
	assert_string_equal(o->detail, "no paper");
	assert_string_equal(o->answer, "\nno paper\nmore\n");
}

/* Any other status is dead; the first line is no part of the reason. */
static void
test_exec_other_statuses_are_dead(void **state)
{
	const struct exec_outcome *o;

	o = run_script(*state, "exit 3");
	assert_int_equal(o->verdict, HANDLER_DEAD);
	assert_int_equal(o->code, 3);
	assert_string_equal(o->reason, "exit 3");
	o = run_script(*state, "printf 'no\\tsuch\\033 item' >&2; exit 255");
	assert_int_equal(o->verdict, HANDLER_DEAD);
	assert_int_equal(o->code, 255);
	assert_string_equal(o->reason, "exit 255");
	assert_string_equal(o->detail, "no such  item");
}

/* A reason that is cut is not cut inside a character. */
static void
test_exec_reason_keeps_whole_characters(void **state)
{
	const struct exec_outcome *o;
	char want[HANDLER_REASON_MAX];

	/* 254 letters, then one of two bytes that does not fit any more. */
	o = run_script(*state, "printf '%0254d\\303\\251 and so on' 0; exit 1");
	memset(want, '0', 254);
	want[254] = '\0';
	assert_string_equal(o->detail, want);
}

/* A signal is tried again, and nobody knows how far it came. */
static void
test_exec_signal_is_retried_as_unknown(void **state)
{
	const struct exec_outcome *o;

	o = run_script(*state, "echo printing; kill -SEGV $$");
	assert_int_equal(o->verdict, HANDLER_RETRY);
	assert_true(o->unknown);
	assert_int_equal(o->fault, HANDLER_FAULT_JOB);
	assert_int_equal(o->code, 128 + SIGSEGV);
	assert_non_null(strstr(o->reason, "signal 11 ("));
	assert_string_equal(o->detail, "printing");
}

/* So is one that takes too long; TERM ends it. */
static void
test_exec_time_limit_is_retried_as_unknown(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	exec_world_script(w, "exec sleep 1000", 100);
	o = exec_world_run(w);
	assert_int_equal(o->verdict, HANDLER_RETRY);
	assert_true(o->unknown);
	assert_int_equal(o->fault, HANDLER_FAULT_UNCLEAR);
	assert_int_equal(o->code, 128 + SIGTERM);
	assert_string_equal(o->reason, "time limit of 100 ms exceeded");
}

/* One that says at TERM that all is well is not believed. */
static void
test_exec_done_after_the_limit_is_unknown(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	exec_world_script(w,
	    "exec 2>/dev/null; trap 'echo bye; exit 0' TERM; while :; do sleep "
	    "0.01; done",
	    1000);
	o = exec_world_run(w);
	assert_int_equal(o->verdict, HANDLER_RETRY);
	assert_true(o->unknown);
	assert_int_equal(o->code, 0);
	assert_string_equal(o->reason, "time limit of 1000 ms exceeded");
	assert_string_equal(o->detail, "bye");
}

/* A body that was purged cannot be handed on any more. */
static void
test_exec_purged_body_is_dead(void **state)
{
	struct exec_world *w = *state;
	struct handler_result res;

	exec_world_script(w, "exit 0", LONG_MS);
	w->ev.body = NULL;
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_DEAD);
	assert_string_equal(res.reason, "the body was purged");
}

/* -- What it gets -- */

/* The body comes byte for byte, and then the end. */
static void
test_exec_body_is_its_input(void **state)
{
	static char body[] = "\0\r\n\377{\"a\":1}  ";
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	w->ev.body = body;
	w->ev.body_len = sizeof(body) - 1;
	exec_world_script(w, "cat", LONG_MS);
	o = exec_world_run(w);
	assert_int_equal(o->answer_len, sizeof(body) - 1);
	assert_memory_equal(o->answer, body, sizeof(body) - 1);
}

/* The environment is this, exactly: no secret of ours is in it. */
static void
test_exec_environment_is_exact(void **state)
{
	const char *const argv[] = { "env", NULL };
	struct exec_world *w = *state;

	assert_int_equal(setenv("KLIKIT_WEBHOOK_SECRET", "s3cret", 1), 0);
	assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
	assert_int_equal(setenv("HOME", "/root", 1), 0);
	assert_int_equal(setenv("LANG", "C.UTF-8", 1), 0);
	assert_int_equal(unsetenv("TZ"), 0);
	exec_world_open(w, argv, LONG_MS);
	assert_string_equal(exec_world_run(w)->answer,
	    "PATH=/usr/bin:/bin\nHOME=/root\nLANG=C.UTF-8\n"
	    "KLIKIT_EVENT_ID=evt-1\n"
	    "KLIKIT_EVENT_TYPE=klikit.order.created.v2\n"
	    "KLIKIT_BRAND_ID=910\nKLIKIT_BRANCH_ID=2041\nKLIKIT_SCOPE=\n"
	    "KLIKIT_ATTEMPT=3\n");

	assert_int_equal(unsetenv("HOME"), 0);
	assert_int_equal(setenv("TZ", "Asia/Dubai", 1), 0);
	w->ev.brand = w->ev.branch = NULL;
	w->ev.scope = "sandbox";
	w->place = 3;
	assert_string_equal(exec_world_run(w)->answer,
	    "PATH=/usr/bin:/bin\nLANG=C.UTF-8\nTZ=Asia/Dubai\n"
	    "KLIKIT_EVENT_ID=evt-1\n"
	    "KLIKIT_EVENT_TYPE=klikit.order.created.v2\n"
	    "KLIKIT_BRAND_ID=\nKLIKIT_BRANCH_ID=\n"
	    "KLIKIT_SCOPE=sandbox\nKLIKIT_ATTEMPT=3\n"
	    "KLIKIT_ORDER_ID=7585308\nKLIKIT_ORDER_PLACE=3\n");

	w->place = 4; /* no order's: an alarm of it is not one of all orders */
	w->guards = 12;
	assert_non_null(strstr(exec_world_run(w)->answer,
	    "KLIKIT_ORDER_ID=\nKLIKIT_ORDER_PLACE=4\nKLIKIT_ALARM=12\n"));
}

/* Words reach the program as they stand: no shell takes them apart. */
static void
test_exec_words_are_not_interpreted(void **state)
{
	const char *const argv[] = { "printf", "[%s]", "a b", "$HOME;*", "",
		NULL };
	struct exec_world *w = *state;

	exec_world_open(w, argv, LONG_MS);
	assert_string_equal(exec_world_run(w)->answer, "[a b][$HOME;*][]");
}

/* -- Programs that are not there -- */

static void
assert_open_fails(struct exec_world *w, const char *const *argv,
    const char *want)
{
	char reason[HANDLER_REASON_MAX] = "";

	assert_null(exec_world_try(w, argv, LONG_MS, reason));
	assert_string_equal(reason, want);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A command that cannot be run is told when the handler is opened. */
static void
test_exec_open_says_what_cannot_run(void **state)
{
	struct exec_world *w = *state;

	assert_int_equal(setenv("PATH", "/nowhere:/usr/bin:/bin", 1), 0);
	assert_open_fails(w, WORDS(""), ": its name is empty");
	assert_open_fails(w, WORDS("no-such-bell", "--loud"),
	    "no-such-bell: no such program in PATH");
	assert_open_fails(w, WORDS("/nowhere/bell"),
	    "/nowhere/bell: No such file or directory");
	assert_open_fails(w, WORDS("/etc/passwd"),
	    "/etc/passwd: not an executable file");
	assert_open_fails(w, WORDS("/usr"), "/usr: not an executable file");
	handler_exec.close(NULL);
}

/* PATH is searched as execvp(3) does, an empty directory being this one. */
static void
test_exec_path_is_searched(void **state)
{
	char dir[] = "/tmp/test_exec.XXXXXX", here[PATH_MAX];
	struct exec_world *w = *state;
	FILE *file;

	assert_non_null(getcwd(here, sizeof(here)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_non_null(file = fopen("bell-here", "w"));
	fprintf(file, "#!/bin/sh\necho $0; pwd -P\n");
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("PATH", "/usr/bin:", 1), 0);
	assert_open_fails(w, WORDS("bell-here"),
	    "bell-here: not an executable file");
	assert_int_equal(chmod("bell-here", 0700), 0);

	exec_world_open(w, WORDS("bell-here"), LONG_MS);
	assert_memory_equal(exec_world_run(w)->answer, "./bell-here\n/", 13);
	assert_non_null(strstr(w->outcomes[0].answer, dir + 5));
	exec_world_open(w, WORDS("./bell-here"), LONG_MS);
	assert_int_equal(exec_world_run(w)->verdict, HANDLER_DONE);

	assert_int_equal(unlink("bell-here"), 0);
	assert_int_equal(chdir(here), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* What goes away after that may come back: tried again. */
static void
test_exec_vanished_program_is_retried(void **state)
{
	char path[] = "/tmp/test_exec.XXXXXX";
	struct exec_world *w = *state;
	struct handler_result res;
	int fd;

	if (under_valgrind())
		skip();
	assert_true((fd = mkstemp(path)) != -1);
	assert_int_equal(write(fd, "#!/bin/true\n", 12), 12);
	assert_int_equal(fchmod(fd, 0700), 0);
	assert_int_equal(close(fd), 0);
	exec_world_open(w, WORDS(path), LONG_MS);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_RETRY);
	assert_non_null(strstr(res.reason, ": No such file or directory"));
	assert_false(res.unknown);
}

/* What the kernel will never take is dead. */
static void
test_exec_too_long_a_variable_is_dead(void **state)
{
	struct exec_world *w = *state;
	struct handler_result res;
	char *text;

	if (under_valgrind())
		skip();
	assert_non_null(text = malloc(200001));
	memset(text, 'x', 200000);
	text[200000] = '\0';
	w->ev.event_id = text;
	exec_world_script(w, "exit 0", LONG_MS);
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_DEAD);
	assert_non_null(strstr(res.reason, "cannot start /bin/sh: "));
	free(text);
}

/* Without memory nothing is left behind, and it is tried again. */
static void
test_exec_failing_memory_is_retried(void **state)
{
	struct exec_world *w = *state;
	static char body[200000];
	char reason[HANDLER_REASON_MAX];
	struct handler_result res;
	struct handler_instance *h;
	size_t n;

	for (n = 0;; n++) {
		heap_fail(n, 1);
		h = exec_world_try(w, WORDS("true"), LONG_MS, reason);
		if (heap_heal() == 1)
			break;
		assert_null(h);
		assert_non_null(strstr(reason, "emory"));
	}
	assert_true(n > 2);
	h->type->close(h);

	w->ev.body = body;
	w->ev.body_len = sizeof(body);
	exec_world_script(w, "exec sleep 1000", LONG_MS);
	for (n = 0;; n++) {
		enum handler_verdict verdict;

		heap_fail(n, 1);
		verdict = exec_world_begin(w, 1, &res);
		if (heap_heal() == 1)
			break;
		assert_int_equal(verdict, HANDLER_RETRY);
		assert_non_null(strstr(res.reason, "emory"));
	}
	assert_true(n > 2);
	w->h->type->cancel(w->h, (struct handler_call *)1);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, exec_world_setup,                \
	    exec_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exec_zero_is_done),
		TEST(test_exec_75_is_retried),
		TEST(test_exec_other_statuses_are_dead),
		TEST(test_exec_reason_keeps_whole_characters),
		TEST(test_exec_signal_is_retried_as_unknown),
		TEST(test_exec_time_limit_is_retried_as_unknown),
		TEST(test_exec_done_after_the_limit_is_unknown),
		TEST(test_exec_purged_body_is_dead),
		TEST(test_exec_body_is_its_input),
		TEST(test_exec_environment_is_exact),
		TEST(test_exec_words_are_not_interpreted),
		TEST(test_exec_open_says_what_cannot_run),
		TEST(test_exec_path_is_searched),
		TEST(test_exec_vanished_program_is_retried),
		TEST(test_exec_too_long_a_variable_is_dead),
		TEST(test_exec_failing_memory_is_retried),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
