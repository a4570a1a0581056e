#include "server/tls/tls_worker.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "server/tls/tls_mbedtls.h"

#define STACK_SIZE (512 * 1024)

/* Where processors are scarce the loop goes first: so much nicer is it. */
#define NICENESS 5

struct tls_worker {
	struct tls_worker_fns fns;
	pthread_t thread;
	sem_t given;        /* there is work, or the end */
	int fd;             /* written by the thread when the work is done */
	struct event *done; /* of it */
	atomic_bool is_done;
	atomic_bool stopping;
	bool started;

	/* The thread's from tls_worker_give() until is_done. */
	void *work; /* NULL: none */
	int64_t took_us;
};

static int64_t
thread_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

/* The thread. */
static void *
worker_main(void *arg)
{
	struct tls_worker *w = arg;
	int64_t begin_us;

	/* Of the thread alone, whatever setpriority(2) calls it. */
	(void)setpriority(PRIO_PROCESS, 0,
	    getpriority(PRIO_PROCESS, 0) + NICENESS);
	for (;;) {
		while (sem_wait(&w->given) == -1)
			;
		if (atomic_load(&w->stopping))
			return (NULL);
		begin_us = thread_us();
		w->fns.work(w->work);
		w->took_us = thread_us() - begin_us;
		atomic_store(&w->is_done, true);
		(void)eventfd_write(w->fd, 1); /* cannot fail: it was 0 */
	}
}

/* EV_READ: the thread is done. */
static void
worker_done_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_worker *w = arg;
	eventfd_t count;
	void *work;

	(void)what;
	if (eventfd_read(fd, &count) == -1 || !atomic_load(&w->is_done))
		return;
	work = w->work;
	w->work = NULL;
	w->fns.done(work, w->fns.arg);
}

/* Returns 0; -1: it does not run. */
static int
worker_start(struct tls_worker *w)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return (-1);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)sigfillset(&all); /* signals are for the loop */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, &attr, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	w->started = rc == 0;
	return (rc == 0 ? 0 : -1);
}

struct tls_worker *
tls_worker_new(struct event_base *base, const struct tls_worker_fns *fns)
{
	struct tls_worker *w;

	if (!TLS_HAS_LOCKS || (w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	w->fns = *fns;
	w->fd = -1;
	if (sem_init(&w->given, 0, 0) == -1) {
		free(w);
		return (NULL);
	}
	if ((w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) != -1)
		w->done = event_new(base, w->fd, EV_READ | EV_PERSIST,
		    worker_done_cb, w);
	if (w->done == NULL || event_add(w->done, NULL) == -1) {
		tls_worker_free(w);
		return (NULL);
	}
	return (w);
}

int
tls_worker_give(struct tls_worker *w, void *work)
{
	if (!w->started && worker_start(w) == -1)
		return (-1);
	w->work = work;
	atomic_store(&w->is_done, false);
	(void)sem_post(&w->given);
	return (0);
}

int64_t
tls_worker_took_us(const struct tls_worker *w)
{
	return (w->took_us);
}

void
tls_worker_free(struct tls_worker *w)
{
	if (w == NULL)
		return;
	if (w->started) {
		atomic_store(&w->stopping, true);
		(void)sem_post(&w->given);
		(void)pthread_join(w->thread, NULL);
	}
	if (w->done != NULL)
		event_free(w->done);
	if (w->fd != -1)
		close(w->fd);
	(void)sem_destroy(&w->given);
	free(w);
}
