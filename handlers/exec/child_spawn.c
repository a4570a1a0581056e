/*
 * The input is a sealed file in memory, and not a pipe: a pipe would end
 * when we die, and its reader would take that for the end of the body.
 * vfork(2), and not fork(2): it shares our memory with the child until that has
 * become the program, so that it costs the same however much we have, and is
 * safe beside the store's threads. And not posix_spawn(3), which does the same,
 * but leaves the child our limit on open files.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "handlers/exec/child_spawn.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3; some systems insist on it */
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* What the child gets, and what stays here; -1 once closed. */
struct child_files {
	int in, out[2];
};

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/* No standard descriptor: those are replaced in the child. Returns 0, or -1. */
static int
move_up(int *fd)
{
	int up;

	if (*fd > STDERR_FILENO)
		return (0);
	if ((up = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) == -1)
		return (-1);
	(void)close(*fd);
	*fd = up;
	return (0);
}

static int
write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, bytes, len)) == -1 && errno != EINTR)
			return (-1);
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return (0);
}

/* A file in memory that holds the input, for ever as it is now. */
static int
open_input(const struct child_spec *spec, int *ret_fd)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	*ret_fd = memfd_create("klikit-body", flags | MFD_NOEXEC_SEAL);
	if (*ret_fd == -1 && errno == EINVAL)
		*ret_fd = memfd_create("klikit-body", flags);
	if (*ret_fd == -1 || move_up(ret_fd) == -1 ||
	    write_all(*ret_fd, spec->input, spec->input_len) == -1 ||
	    fcntl(*ret_fd, F_ADD_SEALS, SEALS) == -1 ||
	    lseek(*ret_fd, 0, SEEK_SET) == -1)
		return (-1);
	return (0);
}

static void
close_files(struct child_files *f)
{
	close_fd(&f->in);
	close_fd(&f->out[0]);
	close_fd(&f->out[1]);
}

static int
open_files(const struct child_spec *spec, struct child_files *f)
{
	int error;

	*f = (struct child_files){ -1, { -1, -1 } };
	if (open_input(spec, &f->in) == 0 && pipe2(f->out, O_CLOEXEC) == 0 &&
	    move_up(&f->out[0]) == 0 && move_up(&f->out[1]) == 0 &&
	    fcntl(f->out[0], F_SETFL, O_NONBLOCK) == 0)
		return (0);
	error = errno;
	close_files(f);
	errno = error;
	return (-1);
}

/* What the child is to become. It shares our memory until it has. */
struct birth {
	const struct child_spec *spec;
	const struct child_files *files;
	/* Why it could not be started; 0: it was. The child writes it. */
	volatile int error;
};

/* Every signal does what it does by default, and none is blocked. */
static int
reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signum = 1; signum < NSIG; signum++)
		(void)sigaction(signum, &sa, NULL); /* KILL: refused */
	(void)sigemptyset(&none);
	return (sigprocmask(SIG_SETMASK, &none, NULL));
}

static int
limit_files(uint64_t files_max)
{
	struct rlimit limit;

	if (files_max == 0)
		return (0);
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return (-1);
	if (files_max < limit.rlim_cur)
		limit.rlim_cur = files_max;
	return (setrlimit(RLIMIT_NOFILE, &limit));
}

/*
 * In the child: change what the kernel knows of it, and nothing in memory,
 * which is ours too. Does not return.
 */
static void
become(struct birth *b)
{
	if (setpgid(0, 0) == 0 && dup2(b->files->in, STDIN_FILENO) != -1 &&
	    dup2(b->files->out[1], STDOUT_FILENO) != -1 &&
	    dup2(b->files->out[1], STDERR_FILENO) != -1) {
		closefrom(STDERR_FILENO + 1);
		if (limit_files(b->spec->files_max) == 0 &&
		    reset_signals() == 0)
			(void)execve(b->spec->path, b->spec->argv,
			    b->spec->envp);
	}
	b->error = errno;
	_exit(127);
}

/* Apart, so that nothing of the caller's stands where the child may write. */
__attribute__((noinline)) static pid_t
give_birth(struct birth *b)
{
	pid_t pid = vfork();

	if (pid == 0)
		become(b);
	return (pid);
}

/* Start the process. Returns an errno. */
static int
spawn(const struct child_spec *spec, const struct child_files *f,
    pid_t *ret_pid)
{
	struct birth b = { .spec = spec, .files = f };
	sigset_t all, old;
	pid_t pid;
	int error;

	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = give_birth(&b);
	error = pid == -1 ? errno : b.error;
	/* Where vfork() is fork(), as under valgrind, it may not be so far. */
	if (pid != -1)
		(void)setpgid(pid, pid);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pid != -1 && error != 0)
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
	*ret_pid = pid;
	return (error);
}

int
child_spawn(const struct child_spec *spec, pid_t *ret_pid, int *ret_out)
{
	struct child_files f;
	int rc;

	if (open_files(spec, &f) == -1)
		return (-1);
	if ((rc = spawn(spec, &f, ret_pid)) == 0) {
		*ret_out = f.out[0];
		f.out[0] = -1;
	}
	close_files(&f);
	errno = rc;
	return (rc == 0 ? 0 : -1);
}
