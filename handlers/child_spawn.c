/*
 * posix_spawn(3), and not fork(2): it shares our memory with the child until
 * that has become the program, so that it costs the same however much we have,
 * and is safe beside the store's threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "handlers/child_spawn.h"

/* What the child gets, and what stays here; -1 once closed. */
struct child_pipes {
	int in[2], out[2];
};

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/* A pipe none of whose ends is a standard descriptor. */
static int
open_pipe(int fds[2])
{
	int fd;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return (-1);
	for (int i = 0; i < 2; i++) {
		if (fds[i] > STDERR_FILENO)
			continue;
		fd = fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fd == -1)
			return (-1);
		(void)close(fds[i]);
		fds[i] = fd;
	}
	return (0);
}

static void
close_pipes(struct child_pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&p->in[i]);
		close_fd(&p->out[i]);
	}
}

static int
open_pipes(struct child_pipes *p)
{
	*p = (struct child_pipes){ { -1, -1 }, { -1, -1 } };
	if (open_pipe(p->in) == 0 && open_pipe(p->out) == 0 &&
	    fcntl(p->in[1], F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(p->out[0], F_SETFL, O_NONBLOCK) == 0)
		return (0);
	close_pipes(p);
	return (-1);
}

/* What becomes of the descriptors in the child. Returns an errno. */
static int
set_actions(posix_spawn_file_actions_t *fa, const struct child_pipes *p)
{
	int rc;

	rc = posix_spawn_file_actions_adddup2(fa, p->in[0], STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, p->out[1],
		    STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, p->out[1],
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
spawn(const struct child_spec *spec, const struct child_pipes *p,
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
	if ((rc = set_actions(&fa, p)) == 0 &&
	    (rc = set_attributes(&attr)) == 0)
		rc = posix_spawn(ret_pid, spec->path, &fa, &attr, spec->argv,
		    spec->envp);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&fa);
	return (rc);
}

int
child_spawn(const struct child_spec *spec, pid_t *ret_pid, int *ret_in,
    int *ret_out)
{
	struct child_pipes p;
	int rc;

	if (open_pipes(&p) == -1)
		return (-1);
	if ((rc = spawn(spec, &p, ret_pid)) == 0) {
		*ret_in = p.in[1];
		*ret_out = p.out[0];
		p.in[1] = p.out[0] = -1;
	}
	close_pipes(&p);
	errno = rc;
	return (rc == 0 ? 0 : -1);
}
