/*
 * passing_time.c -- time that a test lets pass in a running program.
 *
 * A library for LD_PRELOAD. All clocks are ahead of the kernel's by what stands
 * in a file that the test shares with it, named by PASSING_TIME: eight bytes,
 * in ns. It only grows. What sleeps in the kernel is not woken by that: the
 * test has to give the program something to do.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

static _Atomic int64_t *ahead_ns;

__attribute__((constructor)) static void
passing_time_begin(void)
{
	const char *path = getenv("PASSING_TIME");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p;

	if (fd == -1)
		return;
	p = mmap(NULL, sizeof(*ahead_ns), PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		ahead_ns = p;
	(void)close(fd);
}

static void
add_ns(struct timespec *ts, int64_t ns)
{
	ns += (int64_t)ts->tv_nsec;
	ts->tv_sec += (time_t)(ns / SECOND_NS);
	ts->tv_nsec = (long)(ns % SECOND_NS);
	if (ts->tv_nsec < 0) {
		ts->tv_nsec += (long)SECOND_NS;
		ts->tv_sec--;
	}
}

/* Of threads and processes it is no date, but what they have used. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && ahead_ns != NULL && id != CLOCK_PROCESS_CPUTIME_ID &&
	    id != CLOCK_THREAD_CPUTIME_ID)
		add_ns(ts, atomic_load(ahead_ns));
	return (rc);
}

time_t
time(time_t *ret)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (ret != NULL)
		*ret = ts.tv_sec;
	return (ts.tv_sec);
}

/* The kernel waits by its own clocks. */
int
pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
    const struct timespec *until)
{
	static int (*real)(pthread_cond_t *, pthread_mutex_t *,
	    const struct timespec *);
	struct timespec ts = *until;

	if (real == NULL) {
		*(void **)&real =
		    dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
		if (real == NULL) /* where there is only one */
			*(void **)&real =
			    dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	}
	if (ahead_ns != NULL)
		add_ns(&ts, -atomic_load(ahead_ns));
	return (real(cond, mutex, &ts));
}
