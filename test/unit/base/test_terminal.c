#include <sys/ioctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "server/base/terminal.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/fake_clock.h"

/* In a child, which may have a terminal of its own. Returns what is wrong. */
static const char *
follow_terminal(int master, const char *slave)
{
	struct event_base *base = event_base_new();
	struct terminal *t;
	int fd;

	(void)signal(SIGHUP, SIG_DFL);
	if (setsid() == -1 || (fd = open(slave, O_RDWR)) == -1 ||
	    ioctl(fd, TIOCSCTTY, 0) == -1 || (t = terminal_new(base)) == NULL)
		return ("no terminal");
	(void)signal(SIGHUP, SIG_IGN);
	if (terminal_has_left(t))
		return ("left before it was closed");
	if (write(master, "typed\n", 6) != 6 ||
	    event_base_loop(base, EVLOOP_ONCE) == -1 || terminal_has_left(t))
		return ("left by what was typed");
	(void)close(master);
	if (!terminal_has_left(t))
		return ("not left, though the event has not run yet");
	if (event_base_loop(base, EVLOOP_ONCE) == -1 || !terminal_has_left(t))
		return ("not left when it was closed");
	fake_clock_pass_ms(9000);
	if (!terminal_has_left(t))
		return ("not left a moment after");
	fake_clock_pass_ms(2000);
	if (terminal_has_left(t))
		return ("a HUP long after does not come of it");
	terminal_free(t);
	event_base_free(base);
	return (NULL);
}

/* Closed, it has left; and only for a moment that is why HUP comes. */
static void
test_terminal_leaves_when_it_is_closed(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), status = -1, ours[2];
	const char *wrong;
	char c;
	pid_t pid;

	(void)state;
	assert_int_not_equal(master, -1);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	fake_clock_reset();
	assert_int_equal(pipe(ours), 0); /* until our copy is closed */
	if ((pid = fork()) == 0) {
		(void)close(ours[1]);
		if (read(ours[0], &c, 1) != 0)
			_exit(2);
		if ((wrong = follow_terminal(master, ptsname(master))) != NULL)
			(void)fprintf(stderr, "%s\n", wrong);
		_exit(wrong == NULL ? 0 : 1);
	}
	(void)close(master);
	(void)close(ours[0]);
	(void)close(ours[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Without a terminal, HUP means what it means to a service. */
static void
test_terminal_that_is_none_never_leaves(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		struct event_base *base = event_base_new();
		struct terminal *t;

		if (setsid() == -1 || (t = terminal_new(base)) == NULL)
			_exit(2);
		status = terminal_has_left(t) ? 1 : 0;
		terminal_free(t);
		event_base_free(base);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal_leaves_when_it_is_closed),
		cmocka_unit_test(test_terminal_that_is_none_never_leaves),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
