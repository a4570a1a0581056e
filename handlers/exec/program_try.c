/*
 * program_try.c -- would the kernel run a program?
 *
 * It is asked: a child that is traced tries to become the program, and is
 * stopped by the kernel before the first instruction of it, and killed. Where
 * that is not allowed (seccomp, Yama, a tracer of ours) the file is read, and
 * only what is certain is held against it.
 */
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handlers/exec/program.h"

#define LINE_MAX_KERNEL 255 /* of a #! line, its two first bytes included */
#define NOT_ASKED (-1)      /* in place of an errno */

/* -- Asking the kernel -- */

/* The child: says into fd why it could not become the program. */
static void
try_in_child(const char *path, int fd)
{
	char *const argv[] = { (char *)path, NULL };
	char *const envp[] = { NULL };
	int error = NOT_ASKED;

	/* If we die it must die, too, before the program can begin. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0) {
		(void)execve(path, argv, envp);
		error = errno;
	}
	(void)!write(fd, &error, sizeof(error));
	_exit(0);
}

static bool
wait_child(pid_t pid, int *ret_status)
{
	pid_t rc;

	do
		rc = waitpid(pid, ret_status, 0);
	while (rc == -1 && errno == EINTR);
	return (rc == pid);
}

/*
 * Follow the child to its end. Returns whether it had become the program, of
 * which it ran nothing.
 */
static bool
follow_child(pid_t pid)
{
	const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	bool became = false;
	int status;

	while (wait_child(pid, &status) && WIFSTOPPED(status)) {
		became = status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
		if (became ||
		    ptrace(PTRACE_SETOPTIONS, pid, NULL, options) == -1 ||
		    ptrace(PTRACE_CONT, pid, NULL, NULL) == -1)
			(void)kill(pid, SIGKILL);
	}
	return (became);
}

/* Returns 0: it would run; an errno: it would not; NOT_ASKED. */
static int
ask_kernel(const char *path)
{
	int error = NOT_ASKED, fds[2];
	bool became;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return (NOT_ASKED);
	if ((pid = fork()) == 0)
		try_in_child(path, fds[1]);
	(void)close(fds[1]);
	became = pid != -1 && follow_child(pid);
	if (became || read(fds[0], &error, sizeof(error)) != sizeof(error))
		error = became ? 0 : NOT_ASKED;
	(void)close(fds[0]);
	return (error);
}

/* -- Reading the file -- */

/* What stands at the beginning of a file. */
struct start {
	size_t len;
	char bytes[LINE_MAX_KERNEL + 1];       /* and a NUL */
	char interpreter[LINE_MAX_KERNEL + 1]; /* of a #! line; else empty */
};

/* Returns 0, or an errno. */
static int
read_start(const char *path, struct start *ret_start)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *line, *end;
	ssize_t n;

	*ret_start = (struct start){ .len = 0 };
	if (fd == -1)
		return (errno);
	n = read(fd, ret_start->bytes, LINE_MAX_KERNEL);
	(void)close(fd);
	if (n == -1)
		return (EIO);
	ret_start->len = (size_t)n;
	if (n > 2 && memcmp(ret_start->bytes, "#!", 2) == 0) {
		line = ret_start->bytes + 2;
		line += strspn(line, " \t");
		end = line + strcspn(line, " \t\n");
		memcpy(ret_start->interpreter, line, (size_t)(end - line));
	}
	return (0);
}

static bool
begins(const struct start *start, const char *text)
{
	size_t len = strlen(text);

	return (start->len >= len && memcmp(start->bytes, text, len) == 0);
}

/* What is certain without asking. Returns 0, or an errno. */
static int
ask_file(const char *path)
{
	struct start start;
	struct statvfs vfs;

	if (statvfs(path, &vfs) == 0 && (vfs.f_flag & ST_NOEXEC) != 0)
		return (EACCES);
	if (read_start(path, &start) != 0)
		return (0); /* it may be run without being read */
	if (start.len == 0)
		return (ENOEXEC);
	if (start.interpreter[0] != '\0' &&
	    access(start.interpreter, X_OK) == -1)
		return (errno);
	return (0);
}

/* -- Saying why -- */

/* A file of its own could not be executed: because of the interpreter? */
static bool
explain_interpreter(const struct start *start, int error, char *reason)
{
	const char *name = start->interpreter;
	size_t len = strlen(name);

	if (len == 0 || access(name, X_OK) == 0)
		return (false);
	if (name[len - 1] == '\r')
		(void)snprintf(reason, PROGRAM_WHY_MAX,
		    "its lines end in CR LF, so that its first one names the "
		    "program \"%.*s\\r\"; save it with LF only",
		    (int)len - 1 < 60 ? (int)len - 1 : 60, name);
	else
		(void)snprintf(reason, PROGRAM_WHY_MAX,
		    "the program that its first line names, %.60s: %s", name,
		    error == ENOENT ? "there is none"
				    : "not an executable file");
	return (true);
}

/* The kernel knows no such format. */
static void
explain_format(const struct start *start, char *reason)
{
	const char *why = "it has no #! line at its beginning";

	if (start->len == 0)
		why = "it is empty";
	else if (begins(start, "\177ELF"))
		why = "it was built for another kind of machine";
	else if (begins(start, "\xef\xbb\xbf#!"))
		why = "a byte order mark stands before its #!; save it "
		      "without";
	else if (begins(start, "#!"))
		why = "its first line names no program, or is too long";
	(void)snprintf(reason, PROGRAM_WHY_MAX, "%s", why);
}

static void
explain(const char *path, int error, char *reason)
{
	struct start start;
	struct statvfs vfs;

	(void)read_start(path, &start);
	if (explain_interpreter(&start, error, reason))
		return;
	if (error == ENOEXEC)
		explain_format(&start, reason);
	else if (error == ENOENT && begins(&start, "\177ELF"))
		(void)snprintf(reason, PROGRAM_WHY_MAX,
		    "the loader that it names is not there: it was built for "
		    "another system");
	else if (error == EACCES && statvfs(path, &vfs) == 0 &&
		 (vfs.f_flag & ST_NOEXEC) != 0)
		(void)snprintf(reason, PROGRAM_WHY_MAX,
		    "its file system is mounted with noexec");
	else if (error == ETXTBSY)
		(void)snprintf(reason, PROGRAM_WHY_MAX,
		    "somebody is writing to it");
	else
		(void)snprintf(reason, PROGRAM_WHY_MAX, "%s", strerror(error));
}

int
program_try(const char *path, char reason[PROGRAM_WHY_MAX])
{
	int error = ask_kernel(path);

	if (error == NOT_ASKED)
		error = ask_file(path);
	if (error == 0)
		return (0);
	explain(path, error, reason);
	return (-1);
}
