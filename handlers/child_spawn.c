/*
 * The input is a sealed file in memory, and not a pipe: a pipe would end
 * when we die, and its reader would take that for the end of the body.
 * posix_spawn(3), and not fork(2): it shares our memory with the child
 * until that has become the program, so that it costs the same however much we
 * have, and is safe beside the store's threads.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "handlers/child_spawn.h"

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

/* What becomes of the descriptors in the child. Returns an errno. */
static int
set_actions(posix_spawn_file_actions_t *fa, const struct child_files *f)
{
	int rc;

	rc = posix_spawn_file_actions_adddup2(fa, f->in, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, f->out[1],
		    STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, f->out[1],
		    STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(fa,
		    STDERR_FILENO + 1);
	return (rc);
}

/* The group and the signals of the child. Returns an errno. */
static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int rc;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSIGMASK);
	if (rc == 0)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attr, &all);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(attr, &none);
	return (rc);
}

/* Start the process. Returns an errno. */
static int
spawn(const struct child_spec *spec, const struct child_files *f,
    pid_t *ret_pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int rc;

	if ((rc = posix_spawn_file_actions_init(&fa)) != 0)
		return (rc);
	if ((rc = posix_spawnattr_init(&attr)) != 0) {
		(void)posix_spawn_file_actions_destroy(&fa);
		return (rc);
	}
	if ((rc = set_actions(&fa, f)) == 0 &&
	    (rc = set_attributes(&attr)) == 0)
		rc = posix_spawn(ret_pid, spec->path, &fa, &attr, spec->argv,
		    spec->envp);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&fa);
	return (rc);
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
