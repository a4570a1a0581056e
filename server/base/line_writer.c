/*
 * One thread adds and one writes, so two counters that only grow are all they
 * share: added and written. What a signal's handler calls takes no lock.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/base/line_writer.h"

/* Of a line that is longer than a pipe takes at once the writes may mix. */
#define PIECE_MAX ((size_t)PIPE_BUF)
#define RETRY_S 1 /* for what could not be reported */

/* Of the thread; ORPHAN: when it ends it frees all, for nobody waits for it. */
enum life { RUNNING, ENDED, ORPHAN };

struct line_writer {
	int fd;
	line_report_fn *report;
	pthread_t thread;
	sem_t work;            /* there is something to write, or the end */
	atomic_bool asleep;    /* it waits for work */
	atomic_bool stopping;  /* write what there is, then end */
	atomic_int life;       /* enum life */
	atomic_size_t added;   /* bytes, ever */
	atomic_size_t written; /* the same; lines that were given up count */
	atomic_ullong dropped; /* lines, ever */
	atomic_ullong unsaid;  /* of them, no line has reported them yet */
	atomic_int error;      /* of the last write that failed */
	bool cut;              /* the last write ended in mid-line */
	char ring[LINE_WRITER_RING];
};

static void
drop(struct line_writer *w, uint64_t n, int error)
{
	atomic_store(&w->error, error);
	atomic_fetch_add(&w->dropped, n);
	atomic_fetch_add(&w->unsaid, n);
}

/* -- The thread that adds -- */

static void
wake(struct line_writer *w)
{
	if (atomic_exchange(&w->asleep, false))
		(void)sem_post(&w->work);
}

/* Bytes that fit. */
static size_t
room(const struct line_writer *w)
{
	return (LINE_WRITER_RING -
		(atomic_load(&w->added) - atomic_load(&w->written)));
}

static void
put(struct line_writer *w, const char *bytes, size_t len)
{
	size_t added = atomic_load(&w->added), at = added % LINE_WRITER_RING;
	size_t first =
	    len < LINE_WRITER_RING - at ? len : LINE_WRITER_RING - at;

	memcpy(w->ring + at, bytes, first);
	memcpy(w->ring, bytes + first, len - first);
	atomic_store(&w->added, added + len);
}

void
line_writer_add(struct line_writer *w, const char *lines, size_t len,
    unsigned n)
{
	char report[LINE_WRITER_REPORT_MAX];
	uint64_t unsaid;

	if (room(w) < len + LINE_WRITER_REPORT_MAX) {
		drop(w, n, 0);
		return;
	}
	/* A failure is reported by the other thread, when it is over. */
	if (atomic_load(&w->error) == 0 &&
	    (unsaid = atomic_exchange(&w->unsaid, 0)) > 0)
		put(w, report, w->report(unsaid, 0, report));
	put(w, lines, len);
	wake(w);
}

uint64_t
line_writer_dropped(const struct line_writer *w)
{
	return (atomic_load(&w->dropped));
}

/* -- The thread that writes -- */

static uint64_t
count_lines(const char *text, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return (n);
}

/* Write all of it; waits as long as that takes. Returns an errno; 0: done. */
static int
write_out(struct line_writer *w, const char *text, size_t len)
{
	struct pollfd room_again = { w->fd, POLLOUT, 0 };
	ssize_t n;

	if (w->cut && (n = write(w->fd, "\n", 1)) == 1)
		w->cut = false;
	while (len > 0) {
		n = write(w->fd, text, len);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
			w->cut = len > 0;
		} else if (n == 0)
			return (EIO);
		else if (errno == EAGAIN)
			(void)poll(&room_again, 1, -1);
		else if (errno != EINTR)
			return (errno);
	}
	return (0);
}

/* Copy whole lines that wait, as many as go out at once; 0: none. */
static size_t
take(const struct line_writer *w, char *piece, size_t max)
{
	size_t written = atomic_load(&w->written);
	size_t n = atomic_load(&w->added) - written, end = 0;

	for (size_t i = 0; i < n && i < max; i++) {
		piece[i] = w->ring[(written + i) % LINE_WRITER_RING];
		if (piece[i] != '\n')
			continue;
		if (end > 0 && i >= PIECE_MAX)
			break;
		end = i + 1;
	}
	return (end == 0 && n > max ? max : end);
}

/* Say how many were dropped, if any were. False: it cannot be written. */
static bool
say_dropped(struct line_writer *w)
{
	char report[LINE_WRITER_REPORT_MAX];
	uint64_t n = atomic_exchange(&w->unsaid, 0);
	size_t len;
	int error;

	if (n == 0)
		return (true);
	len = w->report(n, atomic_load(&w->error), report);
	if ((error = write_out(w, report, len)) != 0) {
		atomic_store(&w->error, error);
		atomic_fetch_add(&w->unsaid, n);
		return (false);
	}
	atomic_store(&w->error, 0);
	return (true);
}

/*
 * All that waits is written, or was not to be. After a failure what is missing
 * is reported before the next line: while that fails, so does the line.
 */
static void
write_ring(struct line_writer *w)
{
	char piece[4 * PIECE_MAX];
	size_t len;
	int error;

	while ((len = take(w, piece, sizeof(piece))) > 0) {
		if ((error = atomic_load(&w->error)) == 0 || say_dropped(w))
			error = write_out(w, piece, len);
		if (error != 0)
			drop(w, count_lines(piece, len), error);
		atomic_fetch_add(&w->written, len);
	}
}

/* Until there is work; or, if a report is due, for a while at most. */
static void
sleep_until_work(struct line_writer *w, bool due)
{
	struct timespec until;

	atomic_store(&w->asleep, true);
	if (atomic_load(&w->added) == atomic_load(&w->written) &&
	    !atomic_load(&w->stopping)) {
		if (!due) {
			while (sem_wait(&w->work) == -1 && errno == EINTR)
				;
			return;
		}
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += RETRY_S;
		if (sem_timedwait(&w->work, &until) == 0)
			return;
	}
	/* Who has seen it asleep has posted, or is about to. */
	if (!atomic_exchange(&w->asleep, false))
		while (sem_wait(&w->work) == -1 && errno == EINTR)
			;
}

static void
destroy(struct line_writer *w)
{
	(void)sem_destroy(&w->work);
	free(w);
}

static void *
line_writer_run(void *arg)
{
	struct line_writer *w = arg;
	bool said;

	for (;;) {
		bool stopping = atomic_load(&w->stopping);

		write_ring(w);
		said = say_dropped(w);
		if (stopping)
			break;
		sleep_until_work(w, !said);
	}
	if (atomic_exchange(&w->life, ENDED) == ORPHAN)
		destroy(w);
	return (NULL);
}

/* -- Beginning and end -- */

struct line_writer *
line_writer_new(int fd, line_report_fn *report)
{
	struct line_writer *w;
	sigset_t all, old;
	int rc;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	w->fd = fd;
	w->report = report;
	if (sem_init(&w->work, 0, 0) == -1) {
		free(w);
		return (NULL);
	}
	/* Signals are for others; SIGPIPE then is an error of the write. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, line_writer_run, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		destroy(w);
		return (NULL);
	}
	return (w);
}

/* Wait until done(w); false: it takes too long. */
static bool
wait_until(struct line_writer *w, bool (*done)(const struct line_writer *w))
{
	static const struct timespec pause = { 0, 1000000 };
	size_t before = 0, now;

	for (int ms = 0, all_ms = 0; !done(w); ms++, all_ms++) {
		if (ms >= LINE_WRITER_STALL_MS || all_ms >= LINE_WRITER_END_MS)
			return (false);
		(void)nanosleep(&pause, NULL);
		now = atomic_load(&w->written);
		if (now != before)
			ms = 0;
		before = now;
	}
	return (true);
}

static bool
all_written(const struct line_writer *w)
{
	return (atomic_load(&w->written) == atomic_load(&w->added));
}

static bool
has_ended(const struct line_writer *w)
{
	return (atomic_load(&w->life) == ENDED);
}

void
line_writer_wait(struct line_writer *w)
{
	if (pthread_equal(pthread_self(), w->thread))
		return; /* it is what has crashed */
	(void)wait_until(w, all_written);
}

bool
line_writer_free(struct line_writer *w)
{
	pthread_t thread;

	if (w == NULL)
		return (true);
	thread = w->thread;
	atomic_store(&w->stopping, true);
	wake(w);
	if (!wait_until(w, has_ended) &&
	    atomic_exchange(&w->life, ORPHAN) == RUNNING) {
		(void)pthread_detach(thread);
		return (false);
	}
	(void)pthread_join(thread, NULL);
	destroy(w);
	return (true);
}
