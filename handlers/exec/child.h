/*
 * child.h -- programs run beside the loop.
 *
 * Owns:    child processes, each the leader of a process group of its own,
 *          their pipes, their time limits, and the beginning of what they
 *          print.
 * Touches: the loop, which is never blocked by a child: not by one that reads
 *          nothing, writes without end, or will not die. The program must
 *          ignore SIGPIPE, and must not ignore SIGCHLD.
 */
#ifndef HANDLERS_CHILD_H
#define HANDLERS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct child;      /* opaque; a process */
struct child_pool; /* opaque; those started for one owner */

#define CHILD_OUTPUT_MAX 1024 /* bytes kept of what it prints */

/* What to run; all borrowed for the call of child_start(). */
struct child_spec {
	const char *path;  /* as execve(2) takes it: no search, no shell */
	char *const *argv; /* NULL at the end, as is envp */
	char *const *envp; /* the whole of its environment */
	const void *input; /* its standard input: whole, even if we die */
	size_t input_len;
	/*
	 * When that has passed the group gets TERM, and 2 s later KILL: at
	 * once if by then nobody holds the output open any more.
	 */
	int64_t limit_ms;
	uint64_t files_max; /* its soft RLIMIT_NOFILE; 0: as ours */
};

/* How a child ended; valid for the call of child_fn. */
struct child_end {
	bool limited;       /* it was asked to end, as its time was up */
	bool lost;          /* somebody else took its status: there is none */
	int status;         /* as of waitpid(2) */
	const char *output; /* what it printed, on either of the two: */
	size_t output_len;  /* the first CHILD_OUTPUT_MAX bytes */
};

/* Exactly once, from the loop, when the child has been reaped. */
typedef void child_fn(const struct child_end *end, void *arg);

/* Keeps base. NULL when out of memory. */
struct child_pool *child_pool_new(struct event_base *base);

/*
 * Start a child with the working directory as it is, default signal
 * dispositions, no signal blocked, and no descriptor but its standard ones.
 * Returns it, to be named to child_cancel() until done() has run. NULL, with
 * errno, if it cannot be started; then done() never runs.
 *
 * Output that processes it left behind might still print is waited for only
 * a moment after it has ended.
 */
struct child *child_start(struct child_pool *pool,
    const struct child_spec *spec, child_fn *done, void *arg);

/* KILL the group at once; done() will not run. The pool reaps it. */
void child_cancel(struct child *c);

/*
 * Cancel those that are left and reap them: waits until they are dead, but
 * at most a second for one that the kernel does not let die. Accepts NULL.
 */
void child_pool_free(struct child_pool *pool);

/*
 * Reap all children of this process that are dead and that child_start() did
 * not start: as PID 1 of a container, or as a subreaper, we get those whose
 * parents have died, and with exec(2) those of who we were before. One that is
 * hidden behind a dead child of ours is reaped after it. To be called whenever
 * SIGCHLD comes, from the thread that runs the pools.
 */
void child_reap_strangers(void);

#endif /* HANDLERS_CHILD_H */
