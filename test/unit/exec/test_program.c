/* Which files the kernel would run, and why it would not. */
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/lib/cmocka_all.h"

#include "handlers/exec/program.h"

#define CRLF "its lines end in CR LF, so that its first one names the program "
#define NAMED "the program that its first line names, "

static bool may_trace = true; /* else play a system that forbids it */
static char dir[64];
static char path[96];

/* Linked in place of ptrace(2) as our own objects call it. */
long __real_ptrace(int request, ...);
long __wrap_ptrace(int request, ...);
long
__wrap_ptrace(int request, ...)
{
	va_list ap;
	void *addr, *data;
	pid_t pid;

	va_start(ap, request);
	pid = va_arg(ap, pid_t);
	addr = va_arg(ap, void *);
	data = va_arg(ap, void *);
	va_end(ap);
	if (!may_trace) {
		errno = EPERM;
		return (-1);
	}
	return (__real_ptrace(request, pid, addr, data));
}

static int
setup(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/test_program.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/program", dir);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	may_trace = true;
	(void)unlink(path);
	return (rmdir(dir));
}

static void
write_program(const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(close(fd), 0);
}

/* A program of this machine, with some of its bytes replaced. */
static void
write_binary(const char *bytes, const char *by, size_t len)
{
	static char binary[1 << 20];
	int fd = open("/bin/true", O_RDONLY);
	ssize_t n = read(fd, binary, sizeof(binary));
	char *at = memmem(binary, (size_t)n, bytes, len);

	assert_true(n > 0);
	assert_int_equal(close(fd), 0);
	assert_non_null(at);
	memcpy(at, by, len);
	write_program(binary, (size_t)n);
}

static void
assert_runs(void)
{
	char why[PROGRAM_WHY_MAX] = "";

	assert_int_equal(program_try(path, why), 0);
	assert_string_equal(why, "");
}

static void
assert_refused(const char *expected)
{
	char why[PROGRAM_WHY_MAX] = "";

	assert_int_equal(program_try(path, why), -1);
	assert_string_equal(why, expected);
}

static void
assert_text_refused(const char *text, const char *expected)
{
	write_program(text, strlen(text));
	assert_refused(expected);
}

/* What runs is not run. */
static void
test_program_is_not_run(void **state)
{
	char text[160], made[96];

	(void)state;
	(void)snprintf(made, sizeof(made), "%s/made", dir);
	write_program(text,
	    (size_t)snprintf(text, sizeof(text), "#!/bin/sh\n: >%s\n", made));
	for (int i = 0; i < 20; i++)
		assert_runs();
	assert_int_equal(access(made, F_OK), -1);
	write_binary("ELF", "ELF", 3);
	assert_runs();
}

/* A first line that names nothing that runs. */
static void
test_program_needs_its_interpreter(void **state)
{
	char text[400];

	(void)state;
	assert_text_refused("#!/bin/sh\r\nexit 0\r\n",
	    CRLF "\"/bin/sh\\r\"; save it with LF only");
	assert_text_refused("#! /no/such/sh -e\n",
	    NAMED "/no/such/sh: there is none");
	assert_text_refused("#!/etc/passwd\n",
	    NAMED "/etc/passwd: not an executable file");
	assert_text_refused("#!\nexit 0\n",
	    "its first line names no program, or is too long");
	(void)snprintf(text, sizeof(text), "#!/%0300d\n", 0);
	write_program(text, strlen(text));
	assert_int_equal(program_try(path, text), -1);
}

/* What is no program at all. */
static void
test_program_needs_a_format(void **state)
{
	(void)state;
	assert_text_refused("", "it is empty");
	assert_text_refused("exit 0\n", "it has no #! line at its beginning");
	assert_text_refused("\xef\xbb\xbf#!/bin/sh\n",
	    "a byte order mark stands before its #!; save it without");
}

/*
 * valgrind ends a process whose execve(2) fails, so that the kernel cannot be
 * asked: what only the kernel knows is not tested then.
 */
static void
need_the_kernel(void)
{
	const char *preload = getenv("LD_PRELOAD");

	if (preload != NULL && strstr(preload, "vgpreload") != NULL)
		skip();
}

/* A program of another machine, or of another C library. */
static void
test_program_fits_the_system(void **state)
{
	char elf[20];
	int fd = open("/bin/true", O_RDONLY);

	(void)state;
	need_the_kernel();
	assert_int_equal(read(fd, elf, sizeof(elf)), sizeof(elf));
	assert_int_equal(close(fd), 0);
	elf[18] ^= 0x55; /* e_machine */
	write_program(elf, sizeof(elf));
	assert_refused("it was built for another kind of machine");
	write_binary("/ld-", "/no-", 4);
	assert_refused("the loader that it names is not there: it was built "
		       "for another system");
}

/* One that is just being written. */
static void
test_program_must_be_closed(void **state)
{
	int fd;

	(void)state;
	need_the_kernel();
	write_binary("ELF", "ELF", 3);
	fd = open(path, O_WRONLY);
	assert_refused("somebody is writing to it");
	assert_int_equal(close(fd), 0);
	assert_runs();
}

/* Where tracing is forbidden, what is certain is found all the same. */
static void
test_program_is_read_where_it_cannot_be_tried(void **state)
{
	(void)state;
	may_trace = false;
	assert_text_refused("#!/bin/sh\r\n",
	    CRLF "\"/bin/sh\\r\"; save it with LF only");
	assert_text_refused("#!/no/such/sh\n",
	    NAMED "/no/such/sh: there is none");
	assert_text_refused("", "it is empty");
	write_program("#!/bin/sh\n", 10);
	assert_runs();
	write_program("PK\3\4", 4); /* binfmt_misc may know it */
	assert_runs();
}

/* One that started us may have ignored SIGCHLD. */
static void
test_program_is_tried_though_sigchld_is_ignored(void **state)
{
	(void)state;
	(void)signal(SIGCHLD, SIG_IGN);
	write_program("#!/bin/sh\n", 10);
	assert_runs();
	assert_text_refused("exit 0\n", "it has no #! line at its beginning");
	(void)signal(SIGCHLD, SIG_DFL);
}

/* A folder of PATH that is closed to this user says nothing of the program. */
static void
test_program_is_looked_for_beyond_closed_folders(void **state)
{
	char reason[HANDLER_REASON_MAX], text[HANDLER_REASON_MAX];
	const char *found = NULL;
	struct arena memory = { 0 };
	int missing, there;
	uid_t user = geteuid();

	(void)state;
	assert_int_equal(chmod(dir, 0), 0);
	assert_int_equal(user == 0 ? seteuid(65534) : 0, 0);
	(void)snprintf(text, sizeof(text), "%s:/bin", dir);
	assert_int_equal(setenv("PATH", text, 1), 0);
	missing = program_find(&memory, "no-such-bell", &found, reason);
	there = program_find(&memory, "sh", &found, text);
	assert_int_equal(user == 0 ? seteuid(user) : 0, 0);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(missing, -1);
	assert_string_equal(reason, "no-such-bell: no such program in PATH");
	assert_int_equal(there, 0);
	assert_string_equal(found, "/bin/sh");
	arena_fini(&memory);
}

/* A path is named whole; one that is longer than a reason, by its end. */
static void
test_program_is_named_by_its_end(void **state)
{
	char reason[HANDLER_REASON_MAX], name[2 * HANDLER_REASON_MAX];
	const char *found = NULL;
	struct arena memory = { 0 };

	(void)state;
	memset(name, 'x', sizeof(name));
	memcpy(name, "/no/", 4);
	memcpy(name + 150, "/bell", sizeof("/bell"));
	assert_int_equal(program_find(&memory, name, &found, reason), -1);
	assert_memory_equal(reason, name, 155);
	assert_string_equal(reason + 155, ": No such file or directory");
	name[155] = 'x';
	memcpy(name + sizeof(name) - sizeof("/bell"), "/bell", sizeof("/bell"));
	assert_int_equal(program_find(&memory, name, &found, reason), -1);
	assert_memory_equal(reason, "...xxx", 6);
	assert_non_null(strstr(reason, "/bell: No such file or directory"));
	assert_int_equal(strlen(reason), HANDLER_REASON_MAX - 1);
	arena_fini(&memory);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_program_is_not_run),
		CASE(test_program_needs_its_interpreter),
		CASE(test_program_needs_a_format),
		CASE(test_program_fits_the_system),
		CASE(test_program_must_be_closed),
		CASE(test_program_is_read_where_it_cannot_be_tried),
		CASE(test_program_is_tried_though_sigchld_is_ignored),
		CASE(test_program_is_looked_for_beyond_closed_folders),
		CASE(test_program_is_named_by_its_end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
