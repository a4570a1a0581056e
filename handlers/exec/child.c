/*
 *   runs --time is up--> TERM --2 s--> KILL
 *     \                   |             /
 *      +-------> it is dead, not reaped yet ---> output ends, or is waited
 *                                                for no longer: reaped
 *
 * A child is reaped last, because until then its group's number cannot come
 * to mean somebody else's processes.
 */
#include <sys/queue.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "handlers/exec/child.h"
#include "handlers/exec/child_spawn.h"
#include "store/base/timeval.h"

#define KILL_AFTER_MS 2000 /* from TERM to KILL */
#define EOF_WAIT_MS 200    /* for output, after the child is dead */
#define REAP_WAIT_MS 1000  /* when the pool is freed */
#define READ_MAX 65536     /* in one turn of the loop */

struct child {
	TAILQ_ENTRY(child) next;     /* of its pool's */
	TAILQ_ENTRY(child) next_own; /* of all */
	struct child_pool *pool;
	child_fn *done; /* NULL: cancelled, only to be reaped */
	void *arg;
	pid_t pid;
	int pidfd;             /* -1: the kernel has none */
	int out_fd;            /* our end; -1 once closed */
	struct event *exit_ev; /* pidfd, else SIGCHLD */
	struct event *out_ev;
	struct event *timer;
	bool limited; /* TERM was sent */
	bool killed;  /* KILL was sent */
	bool dead;    /* not reaped yet */
	char output[CHILD_OUTPUT_MAX];
	size_t output_len;
};

struct child_pool {
	struct event_base *base;
	TAILQ_HEAD(, child) children;
};

/*
 * Of all pools: the kernel, too, has one list of them for the process, in
 * which they stand beside children that nobody here has started.
 */
static TAILQ_HEAD(, child) own = TAILQ_HEAD_INITIALIZER(own);
static bool strangers_wait; /* behind one of ours that is not reaped yet */

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static void
drop_event(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

/* -- The end -- */

static void
close_output(struct child *c)
{
	drop_event(&c->out_ev);
	close_fd(&c->out_fd);
}

static void
child_free(struct child *c)
{
	if (c == NULL)
		return;
	close_output(c);
	drop_event(&c->timer);
	drop_event(&c->exit_ev);
	close_fd(&c->pidfd);
	free(c);
}

static void
child_arm(struct child *c, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	(void)evtimer_add(c->timer, &tv);
}

/* Reap a child that is dead, and report it to its owner. */
static void
child_finish(struct child *c)
{
	struct child_end end = {
		.limited = c->limited,
		.output = c->output,
		.output_len = c->output_len,
	};

	if (c->limited) /* what it left behind had its time as well */
		(void)kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &end.status, 0) == -1) {
		if (errno != EINTR) {
			end.lost = true;
			break;
		}
	}
	TAILQ_REMOVE(&c->pool->children, c, next);
	TAILQ_REMOVE(&own, c, next_own);
	if (strangers_wait)
		child_reap_strangers();
	if (c->done != NULL)
		c->done(&end, c->arg);
	child_free(c); /* the owner may have freed the pool */
}

/* Has it died? Then it is not reaped yet; a lost one counts as dead. */
static bool
child_died(const struct child *c)
{
	siginfo_t si = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) == -1)
		return (errno == ECHILD);
	return (si.si_pid != 0);
}

/* It is dead: reap it now, or when its output has ended. */
static void
child_bury(struct child *c)
{
	c->dead = true;
	(void)event_del(c->exit_ev);
	if (c->done == NULL || c->out_fd == -1)
		child_finish(c);
	else if (!c->limited || c->killed)
		child_arm(c, EOF_WAIT_MS);
}

/* event: the pidfd is readable; or evsignal: some child has died. */
static void
child_exit_cb(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (child_died(c))
		child_bury(c);
}

/* evtimer: its time is up, or the time to die, or that for its output. */
static void
child_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (c->dead) {
		child_finish(c);
	} else if (!c->limited) {
		if (child_died(c)) { /* in time; it was not noticed yet */
			child_bury(c);
			return;
		}
		c->limited = true;
		(void)kill(-c->pid, SIGTERM);
		child_arm(c, KILL_AFTER_MS);
	} else {
		c->killed = true;
		(void)kill(-c->pid, SIGKILL);
	}
}

/* -- Output -- */

/* event: the child has printed something, or nobody can any more. */
static void
child_output_cb(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	char buf[READ_MAX];
	size_t room = sizeof(c->output) - c->output_len;
	ssize_t n;

	(void)what;
	if ((n = read(fd, buf, sizeof(buf))) > 0) {
		if ((size_t)n < room)
			room = (size_t)n;
		memcpy(c->output + c->output_len, buf, room);
		c->output_len += room;
		return;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	close_output(c);
	if (c->dead)
		child_finish(c);
}

/* -- Starting -- */

/* Have the loop notice when it dies. Returns 0; -1 when out of memory. */
static int
child_watch(struct child *c)
{
	struct event_base *base = c->pool->base;

	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd != -1)
		c->exit_ev = event_new(base, c->pidfd, EV_READ | EV_PERSIST,
		    child_exit_cb, c);
	else
		c->exit_ev = evsignal_new(base, SIGCHLD, child_exit_cb, c);
	if (c->exit_ev == NULL || event_add(c->exit_ev, NULL) == -1)
		return (-1);
	if (c->pidfd == -1) /* it may have died before we listened */
		event_active(c->exit_ev, EV_SIGNAL, 1);
	return (0);
}

/* Everything that may fail once the process runs. */
static int
child_begin(struct child *c, const struct child_spec *spec)
{
	struct event_base *base = c->pool->base;

	if ((c->timer = evtimer_new(base, child_timer_cb, c)) == NULL ||
	    (c->out_ev = event_new(base, c->out_fd, EV_READ | EV_PERSIST,
		 child_output_cb, c)) == NULL ||
	    event_add(c->out_ev, NULL) == -1 || child_watch(c) == -1)
		return (-1);
	child_arm(c, spec->limit_ms);
	return (0);
}

struct child *
child_start(struct child_pool *pool, const struct child_spec *spec,
    child_fn *done, void *arg)
{
	struct child *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		errno = ENOMEM;
		return (NULL);
	}
	c->pool = pool;
	c->done = done;
	c->arg = arg;
	c->pidfd = c->out_fd = -1;
	if (child_spawn(spec, &c->pid, &c->out_fd) == -1) {
		free(c);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&pool->children, c, next);
	TAILQ_INSERT_TAIL(&own, c, next_own);
	if (child_begin(c, spec) == 0)
		return (c);
	child_cancel(c);
	errno = ENOMEM;
	return (NULL);
}

/* -- Owners that leave -- */

void
child_cancel(struct child *c)
{
	c->done = NULL;
	(void)kill(-c->pid, SIGKILL);
	close_output(c);
	drop_event(&c->timer);
	if (c->dead || child_died(c))
		child_finish(c);
}

struct child_pool *
child_pool_new(struct event_base *base)
{
	struct child_pool *pool;

	if ((pool = calloc(1, sizeof(*pool))) == NULL)
		return (NULL);
	pool->base = base;
	TAILQ_INIT(&pool->children);
	return (pool);
}

void
child_pool_free(struct child_pool *pool)
{
	struct child *c;
	int wait_ms = REAP_WAIT_MS;
	struct pollfd pfd;
	int n;

	if (pool == NULL)
		return;
	TAILQ_FOREACH (c, &pool->children, next) {
		c->done = NULL;
		(void)kill(-c->pid, SIGKILL);
	}
	while ((c = TAILQ_FIRST(&pool->children)) != NULL) {
		pfd = (struct pollfd){ .fd = c->pidfd, .events = POLLIN };
		do
			n = c->pidfd == -1 ? 1 : poll(&pfd, 1, wait_ms);
		while (n == -1 && errno == EINTR);
		if (n == 1) {
			child_finish(c);
			continue;
		}
		wait_ms = 0;
		TAILQ_REMOVE(&pool->children, c, next);
		TAILQ_REMOVE(&own, c, next_own); /* a stranger from now on */
		child_free(c);
	}
	free(pool);
}

/* -- Children that nobody here has started -- */

static bool
is_own(pid_t pid)
{
	const struct child *c;

	TAILQ_FOREACH (c, &own, next_own) {
		if (c->pid == pid)
			return (true);
	}
	return (false);
}

void
child_reap_strangers(void)
{
	siginfo_t si;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    si.si_pid == 0) {
			strangers_wait = false;
			return;
		}
		/* The kernel shows one only, and this one keeps its status. */
		strangers_wait = is_own(si.si_pid);
		if (strangers_wait)
			return;
		(void)waitpid(si.si_pid, NULL, WNOHANG);
	}
}
