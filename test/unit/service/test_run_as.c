#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/service/run_as.h"

static char reason[RUN_AS_REASON_MAX];

static void
test_a_user_is_found_by_its_name(void **state)
{
	struct run_as user;

	(void)state;
	assert_int_equal(run_as_find("nobody", &user, reason), 0);
	assert_string_equal(user.name, "nobody");
	assert_int_equal(user.uid, 65534);
	assert_true(user.ngroups >= 1);
}

static void
test_there_is_no_way_to_be_root(void **state)
{
	struct run_as user;

	(void)state;
	assert_int_equal(run_as_find("root", &user, reason), -1);
	assert_string_equal(reason, "root: has the power of root");
	assert_int_equal(run_as_find("no-such-user", &user, reason), -1);
	assert_string_equal(reason,
	    "no-such-user: no such user in /etc/passwd");
	assert_int_equal(run_as_find("", &user, reason), -1);
}

/* In a child, since there is no way back. Returns 0 if all was as it should. */
static int
become_nobody(void)
{
	struct run_as user;

	if (run_as_find("nobody", &user, reason) == -1 ||
	    run_as_become(&user, reason) == -1)
		return (1);
	if (getuid() != 65534 || geteuid() != 65534 || setuid(0) != -1 ||
	    seteuid(0) != -1 || open("/etc/shadow", O_RDONLY) != -1)
		return (2);
	return (0);
}

static void
test_root_becomes_another_user_for_good(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	if ((pid = fork()) == 0)
		_exit(become_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The thread asks as that user, and is root again. */
static void
test_root_can_ask_what_another_may_read(void **state)
{
	char path[] = "/tmp/run_as-XXXXXX";
	struct run_as user;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(run_as_find("nobody", &user, reason), 0);
	assert_int_not_equal(fd = mkstemp(path), -1);
	assert_false(run_as_can_read(&user, path));
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_true(run_as_can_read(&user, path));
	assert_int_equal(geteuid(), 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_not_equal(close(open(path, O_RDONLY)), -1);
	(void)close(fd);
	(void)unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_user_is_found_by_its_name),
		cmocka_unit_test(test_there_is_no_way_to_be_root),
		cmocka_unit_test(test_root_becomes_another_user_for_good),
		cmocka_unit_test(test_root_can_ask_what_another_may_read),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
