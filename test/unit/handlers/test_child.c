/* child.c: processes that behave badly, seen through the handler. */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/exec/child.h"
#include "test/lib/exec_world.h"
#include "test/lib/valgrind.h"

#define LONG_MS 120000 /* what no test waits for */
#define BODY_LEN (1024 * 1024)
#define CROWD 20

static bool no_pidfd; /* play a kernel that has none */

/* Linked in place of syscall(2) as our own objects call it. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long
__wrap_syscall(long number, ...)
{
	va_list ap;
	long pid, flags;

	va_start(ap, number);
	pid = va_arg(ap, pid_t);
	flags = va_arg(ap, int);
	va_end(ap);
	if (no_pidfd && number == SYS_pidfd_open) {
		errno = ENOSYS;
		return (-1);
	}
	return (__real_syscall(number, pid, flags));
}

/* A body of a MiB, whose end can be told from its middle. */
static void
give_large_body(struct exec_world *w)
{
	static char body[BODY_LEN];

	memset(body, 'x', sizeof(body) - 4);
	memcpy(body + sizeof(body) - 4, "done", 4);
	w->ev.body = body;
	w->ev.body_len = sizeof(body);
}

/* -- Input -- */

/* A large body needs nobody to write it: a child can outlive us. */
static void
test_child_body_is_whole_from_the_start(void **state)
{
	struct exec_world *w = *state;
	struct handler_result result = { .code = 0 };
	siginfo_t si;

	give_large_body(w);
	exec_world_script(w, "test $(wc -c) = 1048576", LONG_MS);
	assert_int_equal(exec_world_begin(w, 0, &result), HANDLER_PENDING);
	/* The loop does not run meanwhile. */
	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
	exec_world_wait(w, 1);
	assert_int_equal(w->outcomes[0].verdict, HANDLER_DONE);
}

/* It is a file: opened anew it begins anew, and nobody can change it. */
static void
test_child_body_cannot_be_changed(void **state)
{
	struct exec_world *w = *state;

	give_large_body(w);
	exec_world_script(w,
	    "head -c 9 >/dev/null; "
	    "test $(wc -c </proc/self/fd/0) = 1048576 && "
	    "! echo no 2>/dev/null >&0 && "
	    "! truncate -s 1 /proc/self/fd/0 2>/dev/null && "
	    "tail -c 4",
	    LONG_MS);
	assert_string_equal(exec_world_run(w)->answer, "done");
}

/* An empty body is an empty file. */
static void
test_child_body_may_be_empty(void **state)
{
	static char none[1];
	struct exec_world *w = *state;

	w->ev.body = none;
	w->ev.body_len = 0;
	exec_world_script(w, "wc -c", LONG_MS);
	assert_string_equal(exec_world_run(w)->answer, "0\n");
}

/* A large body is read as fast as the child likes. */
static void
test_child_large_body_arrives_whole(void **state)
{
	struct exec_world *w = *state;

	give_large_body(w);
	exec_world_script(w, "wc -c", LONG_MS);
	assert_string_equal(exec_world_run(w)->answer, "1048576\n");
	exec_world_script(w, "tail -c 6", LONG_MS);
	assert_string_equal(exec_world_run(w)->answer, "xxdone");
}

/* One that reads nothing, or closes its input, ends as it likes. */
static void
test_child_need_not_read(void **state)
{
	struct exec_world *w = *state;

	give_large_body(w);
	exec_world_script(w, "exit 0", LONG_MS);
	assert_int_equal(exec_world_run(w)->verdict, HANDLER_DONE);
	exec_world_script(w, "exec <&-; sleep 0.05; exit 4", LONG_MS);
	assert_int_equal(exec_world_run(w)->code, 4);
	exec_world_script(w, "head -c 2; exit 0", LONG_MS);
	assert_string_equal(exec_world_run(w)->answer, "xx");
}

/* One that never reads blocks nobody, and its limit still counts. */
static void
test_child_that_never_reads_is_ended(void **state)
{
	struct exec_world *w = *state;

	give_large_body(w);
	exec_world_script(w, "exec sleep 1000", 100);
	assert_int_equal(exec_world_run(w)->code, 128 + SIGTERM);
}

/* -- Output -- */

/* Of output without end the beginning is kept. */
static void
test_child_endless_output_is_thrown_away(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	exec_world_script(w, "exec yes", 300);
	o = exec_world_run(w);
	assert_int_equal(o->verdict, HANDLER_RETRY);
	assert_int_equal(o->code, 128 + SIGTERM);
	assert_int_equal(o->answer_len, 1024);
	assert_memory_equal(o->answer, "y\ny\n", 4);
	exec_world_script(w, "head -c 3000000 /dev/zero; echo end", LONG_MS);
	o = exec_world_run(w);
	assert_int_equal(o->verdict, HANDLER_DONE);
	assert_int_equal(o->answer_len, 1024);
}

/* One that closes its output is waited for all the same. */
static void
test_child_without_output_is_awaited(void **state)
{
	struct exec_world *w = *state;

	exec_world_script(w, "exec >&- 2>&-; sleep 0.05; exit 5", LONG_MS);
	assert_int_equal(exec_world_run(w)->code, 5);
}

/* -- Groups -- */

/* What a child leaves behind with its output open delays nothing. */
static void
test_child_is_done_though_others_hold_its_pipes(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	exec_world_adopt();
	exec_world_script(w, "sleep 1000 & echo $!; exit 0", LONG_MS);
	o = exec_world_run(w);
	assert_int_equal(o->verdict, HANDLER_DONE);
	assert_int_equal(kill((pid_t)atoi(o->answer), SIGKILL), 0);
	exec_world_await_death(o->answer);
}

/* Who ignores TERM is killed. */
static void
test_child_that_ignores_term_is_killed(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	exec_world_script(w, "trap '' TERM; sleep 1000; sleep 1000", 1000);
	o = exec_world_run(w);
	assert_int_equal(o->verdict, HANDLER_RETRY);
	assert_true(o->unknown);
	assert_int_equal(o->code, 128 + SIGKILL);
}

/* Its group has the time between TERM and KILL to tidy up. */
static void
test_child_group_may_tidy_up(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	exec_world_script(w,
	    "(trap 'sleep 0.3; echo tidy; exit' TERM;"
	    " while :; do sleep 0.01; done) & wait",
	    1000);
	o = exec_world_run(w);
	assert_non_null(strstr(o->answer, "tidy\n"));
	assert_int_equal(o->code, 128 + SIGTERM);
}

/* What is left of the group then dies too. */
static void
test_child_group_is_killed_at_the_limit(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;

	exec_world_adopt();
	exec_world_script(w, "(trap '' TERM; exec sleep 1000) & echo $!; wait",
	    1000);
	o = exec_world_run(w);
	assert_int_equal(o->code, 128 + SIGTERM);
	exec_world_await_death(o->answer);
}

/* Each leads a group of its own, in the working directory as it is. */
static void
test_child_leads_its_group(void **state)
{
	struct exec_world *w = *state;

	exec_world_script(w, "set -- $(cat /proc/$$/stat); [ $5 = $$ ]",
	    LONG_MS);
	assert_int_equal(exec_world_run(w)->verdict, HANDLER_DONE);
}

/* -- What is not handed down -- */

/* No descriptor of ours, not even one that was left open on purpose. */
static void
test_child_has_three_descriptors(void **state)
{
	const char *const argv[] = { "/bin/ls", "/proc/self/fd", NULL };
	struct exec_world *w = *state;
	int fd = dup2(STDERR_FILENO, 57);

	assert_int_equal(fd, 57);
	exec_world_open(w, argv, LONG_MS);
	/* 3 is ls looking. */
	assert_string_equal(exec_world_run(w)->answer, "0\n1\n2\n3\n");
	assert_int_equal(close(fd), 0);
}

/* No signal is blocked or ignored, but 32 and 33, which are the C library's. */
static void
test_child_has_default_signals(void **state)
{
	const char *const argv[] = { "/bin/grep", "^Sig[BI]",
		"/proc/self/status", NULL };
	struct exec_world *w = *state;
	unsigned long long blocked, ignored;
	sigset_t set, saved;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, &saved);
	exec_world_open(w, argv, LONG_MS);
	assert_int_equal(sscanf(exec_world_run(w)->answer,
			     "SigBlk: %llx SigIgn: %llx", &blocked, &ignored),
	    2);
	assert_int_equal(blocked, 0);
	assert_int_equal(ignored & ~0x180000000ULL, 0);
	(void)sigprocmask(SIG_SETMASK, &saved, NULL);
}

/* It gets the limit on open files that we had, and no other hard one. */
static void
test_child_has_the_limit_on_files_it_is_given(void **state)
{
	struct exec_world *w = *state;
	struct rlimit limit;
	char wanted[64];

	if (under_valgrind())
		skip();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	(void)snprintf(wanted, sizeof(wanted), "123\n%llu\n",
	    (unsigned long long)limit.rlim_max);
	w->env.child_files = 123;
	exec_world_script(w, "ulimit -Sn; ulimit -Hn", LONG_MS);
	assert_string_equal(exec_world_run(w)->answer, wanted);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_not_equal(limit.rlim_cur, 123);
}

/* It works without standard descriptors of our own. */
static void
test_child_pipes_are_no_standard_descriptors(void **state)
{
	struct exec_world *w = *state;
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);

	exec_world_script(w, "cat; echo end >&2", LONG_MS);
	assert_int_equal(close(STDIN_FILENO), 0);
	assert_string_equal(exec_world_run(w)->answer, "{\"orders\":[]}end\n");
	if (saved != -1) {
		assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
		assert_int_equal(close(saved), 0);
	}
}

/* -- Several, and owners that leave -- */

/* Twenty run at once: each waits until all are there. */
static void
test_child_twenty_run_at_once(void **state)
{
	char path[] = "/tmp/test_child.XXXXXX", script[256];
	struct exec_world *w = *state;
	struct handler_result res;
	int fd;

	assert_true((fd = mkstemp(path)) != -1);
	(void)snprintf(script, sizeof(script),
	    "echo x >>%s; until [ $(wc -l <%s) -eq %d ]; do sleep 0.02; done",
	    path, path, CROWD);
	give_large_body(w);
	exec_world_script(w, script, LONG_MS);
	for (size_t i = 1; i <= CROWD; i++)
		assert_int_equal(exec_world_begin(w, i, &res), HANDLER_PENDING);
	exec_world_wait(w, CROWD);
	for (size_t i = 0; i < CROWD; i++)
		assert_int_equal(w->outcomes[i].verdict, HANDLER_DONE);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
}

/* A cancelled one is dead at once, reaped by the loop, and tells nothing. */
static void
test_child_cancelled_is_reaped_in_silence(void **state)
{
	struct exec_world *w = *state;
	struct handler_result res;

	give_large_body(w);
	exec_world_script(w, "trap '' TERM; sleep 1000", LONG_MS);
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_PENDING);
	assert_int_equal(exec_world_begin(w, 2, &res), HANDLER_PENDING);
	w->h->type->cancel(w->h, (struct handler_call *)1);
	w->h->type->cancel(w->h, (struct handler_call *)2);
	/* Ends when nothing is awaited any more. */
	assert_int_not_equal(event_base_dispatch(w->base), -1);
	assert_int_equal(w->noutcomes, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Closing after cancelling reaps without the loop: see the tear-down. */
static void
test_child_cancelled_is_reaped_by_close(void **state)
{
	struct exec_world *w = *state;
	struct handler_result res;

	exec_world_script(w, "trap '' TERM; sleep 1000", LONG_MS);
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_PENDING);
	w->h->type->cancel(w->h, (struct handler_call *)1);
}

/* Who started us may have ignored SIGCHLD: statuses come all the same. */
static void
test_child_statuses_come_though_sigchld_was_ignored(void **state)
{
	struct exec_world *w = *state;

	(void)signal(SIGCHLD, SIG_IGN);
	exec_world_script(w, "exit 6", LONG_MS);
	assert_int_equal(exec_world_run(w)->code, 6);
}

/* A status that somebody else took leaves the outcome unknown. */
static void
test_child_lost_status_is_unknown(void **state)
{
	struct exec_world *w = *state;
	const struct exec_outcome *o;
	struct handler_result res;

	exec_world_script(w, "exit 0", LONG_MS);
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_PENDING);
	assert_true(waitpid(-1, NULL, 0) > 0);
	exec_world_wait(w, 1);
	o = &w->outcomes[0];
	assert_int_equal(o->verdict, HANDLER_RETRY);
	assert_true(o->unknown);
	assert_string_equal(o->reason, "exit status lost");
}

/* Without pidfds SIGCHLD tells the same, of several too. */
static void
test_child_needs_no_pidfd(void **state)
{
	struct exec_world *w = *state;
	struct handler_result res;

	no_pidfd = true;
	exec_world_script(w, "exit 7", LONG_MS);
	for (size_t i = 1; i <= 5; i++)
		assert_int_equal(exec_world_begin(w, i, &res), HANDLER_PENDING);
	exec_world_wait(w, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(w->outcomes[i].code, 7);
	exec_world_script(w, "exec sleep 1000", LONG_MS);
	assert_int_equal(exec_world_begin(w, 6, &res), HANDLER_PENDING);
	assert_int_equal(exec_world_begin(w, 7, &res), HANDLER_PENDING);
	w->h->type->cancel(w->h, (struct handler_call *)6);
	assert_int_not_equal(event_base_loop(w->base, EVLOOP_NONBLOCK), -1);
	w->h->type->cancel(w->h, (struct handler_call *)7);
	w->h->type->close(w->h);
	w->h = NULL;
	no_pidfd = false;
	assert_int_equal(w->noutcomes, 5);
}

/* A child of ours that child_start() does not know: dead, not reaped. */
static pid_t
make_stranger(void)
{
	pid_t pid = fork();
	siginfo_t si;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(9);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	return (pid);
}

static bool
is_reaped(pid_t pid)
{
	siginfo_t si;

	return (
	    waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == -1 &&
	    errno == ECHILD);
}

/* Children that nobody here started are reaped, ours keep their status. */
static void
test_child_strangers_are_reaped(void **state)
{
	struct exec_world *w = *state;
	struct handler_result res;
	pid_t stranger;
	siginfo_t si;

	stranger = make_stranger();
	child_reap_strangers();
	assert_true(is_reaped(stranger));
	exec_world_script(w, "exit 6", LONG_MS);
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_PENDING);
	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
	stranger = make_stranger();
	child_reap_strangers(); /* the kernel shows ours first */
	exec_world_wait(w, 1);
	assert_int_equal(w->outcomes[0].code, 6);
	assert_true(is_reaped(stranger));
}

/* A loop that was late does not take one that ended in time for a late one. */
static void
test_child_noticed_late_was_in_time(void **state)
{
	const struct timespec late = { .tv_nsec = 500000000 };
	struct exec_world *w = *state;
	struct handler_result res;
	siginfo_t si;

	no_pidfd = true; /* then timers run before signals do */
	exec_world_script(w, "sleep 0.1; exit 0", 400);
	assert_int_equal(exec_world_begin(w, 1, &res), HANDLER_PENDING);
	no_pidfd = false;
	assert_int_not_equal(event_base_loop(w->base, EVLOOP_NONBLOCK), -1);
	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
	assert_int_equal(nanosleep(&late, NULL), 0);
	exec_world_wait(w, 1);
	assert_int_equal(w->outcomes[0].verdict, HANDLER_DONE);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, exec_world_setup,                \
	    exec_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_child_body_is_whole_from_the_start),
		TEST(test_child_body_cannot_be_changed),
		TEST(test_child_body_may_be_empty),
		TEST(test_child_large_body_arrives_whole),
		TEST(test_child_need_not_read),
		TEST(test_child_that_never_reads_is_ended),
		TEST(test_child_endless_output_is_thrown_away),
		TEST(test_child_without_output_is_awaited),
		TEST(test_child_is_done_though_others_hold_its_pipes),
		TEST(test_child_that_ignores_term_is_killed),
		TEST(test_child_group_may_tidy_up),
		TEST(test_child_group_is_killed_at_the_limit),
		TEST(test_child_leads_its_group),
		TEST(test_child_has_three_descriptors),
		TEST(test_child_has_default_signals),
		TEST(test_child_has_the_limit_on_files_it_is_given),
		TEST(test_child_pipes_are_no_standard_descriptors),
		TEST(test_child_twenty_run_at_once),
		TEST(test_child_cancelled_is_reaped_in_silence),
		TEST(test_child_cancelled_is_reaped_by_close),
		TEST(test_child_statuses_come_though_sigchld_was_ignored),
		TEST(test_child_lost_status_is_unknown),
		TEST(test_child_strangers_are_reaped),
		TEST(test_child_needs_no_pidfd),
		TEST(test_child_noticed_late_was_in_time),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
