#include "append_file.h"

#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#define AT_ONCE 256 /* pieces of one writev() */

struct piece {
	STAILQ_ENTRY(piece) next;
	void *arg;
	size_t len;
	unsigned char bytes[];
};
STAILQ_HEAD(pieces, piece);

struct append_file {
	int fd;
	int wake; /* eventfd: some are synced */
	struct event *woken;
	void (*synced)(void *arg);
	pthread_t thread;
	bool threaded;

	/* The thread's and the loop's; under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct pieces waiting;
	struct pieces done;
	bool ending;
};

/* The file cannot be written: nothing that is measured would be true. */
static void
fail(const char *what)
{
	perror(what);
	abort();
}

/* Write up to AT_ONCE of them. Returns the first that was not. */
static const struct piece *
write_some(int fd, const struct piece *p)
{
	struct iovec iov[AT_ONCE];
	size_t total = 0;
	int n = 0;

	for (; p != NULL && n < AT_ONCE; p = STAILQ_NEXT(p, next)) {
		iov[n].iov_base = (void *)(uintptr_t)p->bytes;
		iov[n++].iov_len = p->len;
		total += p->len;
	}
	if (writev(fd, iov, n) != (ssize_t)total)
		fail("writev");
	return (p);
}

static void
write_all(int fd, const struct pieces *batch)
{
	const struct piece *p = STAILQ_FIRST(batch);

	while (p != NULL)
		p = write_some(fd, p);
	if (fdatasync(fd) == -1)
		fail("fdatasync");
}

static void
wake_loop(struct append_file *f)
{
	const uint64_t one = 1;

	if (write(f->wake, &one, sizeof(one)) != sizeof(one))
		fail("eventfd");
}

static void *
append_thread(void *arg)
{
	struct append_file *f = arg;
	struct pieces batch = STAILQ_HEAD_INITIALIZER(batch);

	(void)pthread_mutex_lock(&f->lock);
	while (!f->ending) {
		if (STAILQ_EMPTY(&f->waiting)) {
			(void)pthread_cond_wait(&f->more, &f->lock);
			continue;
		}
		STAILQ_CONCAT(&batch, &f->waiting);
		(void)pthread_mutex_unlock(&f->lock);
		write_all(f->fd, &batch);
		(void)pthread_mutex_lock(&f->lock);
		STAILQ_CONCAT(&f->done, &batch);
		wake_loop(f);
	}
	(void)pthread_mutex_unlock(&f->lock);
	return (NULL);
}

/* The thread has synced some. */
static void
append_woken_cb(evutil_socket_t fd, short what, void *arg)
{
	struct append_file *f = arg;
	struct pieces done = STAILQ_HEAD_INITIALIZER(done);
	struct piece *p;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	(void)pthread_mutex_lock(&f->lock);
	STAILQ_CONCAT(&done, &f->done);
	(void)pthread_mutex_unlock(&f->lock);
	while ((p = STAILQ_FIRST(&done)) != NULL) {
		STAILQ_REMOVE_HEAD(&done, next);
		f->synced(p->arg);
		free(p);
	}
}

struct append_file *
append_file_new(struct event_base *base, const char *path,
    void (*synced)(void *arg))
{
	struct append_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return (NULL);
	f->synced = synced;
	STAILQ_INIT(&f->waiting);
	STAILQ_INIT(&f->done);
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->more, NULL);
	f->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->woken =
	    event_new(base, f->wake, EV_READ | EV_PERSIST, append_woken_cb, f);
	f->threaded = f->fd != -1 && f->wake != -1 && f->woken != NULL &&
		      event_add(f->woken, NULL) == 0 &&
		      pthread_create(&f->thread, NULL, append_thread, f) == 0;
	if (!f->threaded) {
		append_file_free(f);
		return (NULL);
	}
	return (f);
}

int
append_file_add(struct append_file *f, struct evbuffer *bytes, void *arg)
{
	size_t len = evbuffer_get_length(bytes);
	struct piece *p = malloc(sizeof(*p) + len);

	if (p == NULL)
		return (-1);
	p->arg = arg;
	p->len = len;
	(void)evbuffer_remove(bytes, p->bytes, len);
	(void)pthread_mutex_lock(&f->lock);
	STAILQ_INSERT_TAIL(&f->waiting, p, next);
	(void)pthread_cond_signal(&f->more);
	(void)pthread_mutex_unlock(&f->lock);
	return (0);
}

static void
free_all(struct pieces *pieces)
{
	struct piece *p;

	while ((p = STAILQ_FIRST(pieces)) != NULL) {
		STAILQ_REMOVE_HEAD(pieces, next);
		free(p);
	}
}

void
append_file_free(struct append_file *f)
{
	if (f == NULL)
		return;
	if (f->threaded) {
		(void)pthread_mutex_lock(&f->lock);
		f->ending = true;
		(void)pthread_cond_signal(&f->more);
		(void)pthread_mutex_unlock(&f->lock);
		(void)pthread_join(f->thread, NULL);
	}
	if (f->woken != NULL)
		event_free(f->woken);
	if (f->wake != -1)
		(void)close(f->wake);
	if (f->fd != -1)
		(void)close(f->fd);
	free_all(&f->waiting);
	free_all(&f->done);
	(void)pthread_cond_destroy(&f->more);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}
