#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/service/sandbox.h"

#define ABSENT 77 /* what a child exits with where there is no Landlock */

static char home[PATH_MAX], path[PATH_MAX + 16];
static struct sandbox box;

static const char *
in_home(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	return (path);
}

static void
write_file(const char *name)
{
	int fd = open(in_home(name), O_WRONLY | O_CREAT, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
}

static int
set_up(void **state)
{
	char made[] = "/tmp/sandbox-XXXXXX";

	(void)state;
	memset(&box, 0, sizeof(box));
	if (mkdtemp(made) == NULL || realpath(made, home) == NULL ||
	    mkdir(in_home("own"), 0700) == -1 ||
	    mkdir(in_home("read"), 0700) == -1 ||
	    mkdir(in_home("other"), 0700) == -1)
		return (-1);
	write_file("own/file");
	write_file("read/file");
	write_file("other/file");
	return (symlink("../other/file", in_home("read/link")));
}

static int
tear_down(void **state)
{
	static const char *const files[] = { "own/file", "own/new", "read/file",
		"read/link", "other/file" };

	(void)state;
	sandbox_fini(&box);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(in_home(files[i]));
	(void)rmdir(in_home("own"));
	(void)rmdir(in_home("read"));
	(void)rmdir(in_home("other"));
	return (rmdir(home));
}

/* In a child, since there is no way back. */
static void
in_a_child(int (*what)(void))
{
	char reason[SANDBOX_REASON_MAX];
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		switch (sandbox_enter(&box, reason)) {
		case SANDBOX_OK:
			_exit(what());
		case SANDBOX_ABSENT:
			_exit(ABSENT);
		case SANDBOX_FAILED:
			break;
		}
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == ABSENT)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool
opens(const char *name, int flags)
{
	int fd = open(in_home(name), flags | O_CLOEXEC, 0600);

	if (fd != -1)
		(void)close(fd);
	return (fd != -1);
}

static int
look_at_uses(void)
{
	if (!opens("own/file", O_RDWR | O_TRUNC) ||
	    !opens("own/new", O_WRONLY | O_CREAT) ||
	    unlink(in_home("own/file")) == -1)
		return (1);
	if (!opens("read/file", O_RDONLY) || opens("read/file", O_WRONLY) ||
	    opens("read/new", O_WRONLY | O_CREAT) || errno != EACCES)
		return (2);
	if (opens("other/file", O_RDONLY) || errno != EACCES ||
	    opens("read/link", O_RDONLY))
		return (3);
	return (0);
}

static void
test_each_use_allows_what_it_says(void **state)
{
	(void)state;
	sandbox_allow_folder(&box, SANDBOX_WRITE, in_home("own/file"));
	sandbox_allow(&box, SANDBOX_READ, in_home("read"));
	sandbox_allow(&box, SANDBOX_READ, NULL);
	sandbox_allow(&box, SANDBOX_READ, in_home("missing"));
	in_a_child(look_at_uses);
}

static int
look_at_link(void)
{
	return (opens("read/link", O_RDONLY) && opens("other/file", O_RDONLY)
		    ? 0
		    : 1);
}

/* As certificates that are replaced by links to newer ones. */
static void
test_a_link_stands_for_what_it_leads_to(void **state)
{
	(void)state;
	sandbox_allow_folder(&box, SANDBOX_READ, in_home("read/link"));
	in_a_child(look_at_link);
}

static int
look_at_program(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return (errno == EACCES ? 0 : 1);
}

static void
test_no_program_is_started(void **state)
{
	(void)state;
	sandbox_allow(&box, SANDBOX_READ, "/usr");
	sandbox_allow(&box, SANDBOX_READ, "/bin");
	in_a_child(look_at_program);
}

/* The folder of a file right below the root would be everything. */
static void
test_the_root_is_never_a_folder(void **state)
{
	(void)state;
	sandbox_allow_folder(&box, SANDBOX_READ, "/etc");
	assert_int_equal(box.n, 1);
	assert_string_equal(box.list[0].path, "/etc");
}

static void
test_too_many_paths_are_a_failure(void **state)
{
	char reason[SANDBOX_REASON_MAX];

	(void)state;
	for (int i = 0; i <= SANDBOX_PATHS_MAX; i++)
		sandbox_allow(&box, SANDBOX_READ, "/etc");
	assert_true(box.failed);
	if (sandbox_enter(&box, reason) == SANDBOX_ABSENT)
		skip();
	assert_int_equal(sandbox_enter(&box, reason), SANDBOX_FAILED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_use_allows_what_it_says),
		CASE(test_a_link_stands_for_what_it_leads_to),
		CASE(test_no_program_is_started),
		CASE(test_the_root_is_never_a_folder),
		CASE(test_too_many_paths_are_a_failure),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
