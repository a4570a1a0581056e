/*
 * A connection is either waiting for its time (to send, or to connect again)
 * or busy with a request. Whatever an answer takes is counted from the moment
 * before the request's writev.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include "load.h"

#define EVENTS_MAX 256
#define REOPEN_US 10000
#define CONNECT_TRIES 100
#define SENT_AGAIN_LATER 503

int64_t
load_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

/* -- The list of those that wait -- */

static void
conn_wait(struct conn *c, int64_t due_us)
{
	struct conn_list *list = &c->load->waiting;
	struct conn *before = TAILQ_LAST(list, conn_list);

	c->due_us = due_us;
	c->waiting = true;
	while (before != NULL && before->due_us > due_us)
		before = TAILQ_PREV(before, conn_list, next);
	if (before == NULL)
		TAILQ_INSERT_HEAD(list, c, next);
	else
		TAILQ_INSERT_AFTER(list, before, c, next);
}

static void
conn_unwait(struct conn *c)
{
	if (c->waiting)
		TAILQ_REMOVE(&c->load->waiting, c, next);
	c->waiting = false;
}

/* -- Opening and closing -- */

static void
conn_close(struct conn *c)
{
	conn_unwait(c);
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	c->load->nbusy -= c->busy;
	c->busy = false;
	c->writing = false;
}

/* Connect, which on the loopback does not block. Returns the fd, or -1. */
static int
connect_to(const struct sockaddr_in *to)
{
	int fd, one = 1;

	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return (-1);
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == -1) {
		(void)close(fd);
		return (-1);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return (fd);
}

static int
conn_open(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	if ((c->fd = connect_to(&c->load->opt->to)) == -1)
		return (-1);
	if (epoll_ctl(c->load->epoll, EPOLL_CTL_ADD, c->fd, &ev) == -1) {
		(void)close(c->fd);
		c->fd = -1;
		return (-1);
	}
	return (0);
}

/* -- Sending -- */

static void
conn_want(struct conn *c, bool writing)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	if (c->writing == writing)
		return;
	if (writing)
		ev.events |= EPOLLOUT;
	c->writing = writing;
	(void)epoll_ctl(c->load->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

/* It broke in the midst of something. */
static void
conn_cut(struct conn *c)
{
	struct load *l = c->load;

	l->all.cut++;
	conn_close(c);
	if (l->opt->reopen && !l->stopping)
		conn_wait(c, load_now_us() + REOPEN_US);
}

/* Send what is left. */
static void
conn_send(struct conn *c)
{
	struct iovec *left = c->parcel.left;
	const size_t nleft = sizeof(c->parcel.left) / sizeof(left[0]);
	struct msghdr msg = { .msg_iov = left, .msg_iovlen = nleft };
	size_t sum = 0;
	ssize_t n;

	n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1) {
		if (errno == EAGAIN || errno == EINTR)
			conn_want(c, true);
		else
			conn_cut(c);
		return;
	}
	for (size_t i = 0; i < nleft; i++) {
		size_t took =
		    left[i].iov_len < (size_t)n ? left[i].iov_len : (size_t)n;

		if (took > 0)
			left[i].iov_base = (char *)left[i].iov_base + took;
		left[i].iov_len -= took;
		n -= (ssize_t)took;
		sum += left[i].iov_len;
	}
	conn_want(c, sum > 0);
}

static void
conn_request(struct conn *c)
{
	struct load *l = c->load;

	c->n = l->next++;
	if (parcels_fill(&l->parcels, c->n, &c->parcel) == -1) {
		conn_cut(c);
		return;
	}
	answer_init(&c->answer);
	c->busy = true;
	l->nbusy++;
	c->sent_us = load_now_us();
	conn_send(c);
}

/* Is there nothing more to be sent? */
static bool
sent_all(struct load *l)
{
	if (l->opt->nrequests != 0 && l->next >= l->opt->nrequests)
		l->stopping = true;
	return (l->stopping);
}

/* Send the next request, if there is one, or when its time has come. */
static void
conn_next(struct conn *c)
{
	struct load *l = c->load;

	if (sent_all(l))
		return;
	if (l->opt->think_us > 0)
		conn_wait(c, load_now_us() + l->opt->think_us);
	else
		conn_request(c);
}

/* -- Answers -- */

static bool
as_expected(const struct conn *c)
{
	const char *text = c->load->opt->expect_text;

	return (c->answer.code == c->load->opt->expect_code &&
		(text == NULL || strstr(c->answer.bytes + c->answer.head_len,
				     text) != NULL));
}

static void
note_bad(struct load *l, const struct answer *a)
{
	size_t len = a->len < sizeof(l->first_bad) - 1
			 ? a->len
			 : sizeof(l->first_bad) - 1;

	if (l->all.unexpected++ > 0)
		return;
	memcpy(l->first_bad, a->bytes, len);
	l->first_bad[len] = '\0';
}

static void
note_id(struct load *l, uint64_t n)
{
	char id[ID_LEN];

	parcels_id(&l->parcels, n, id);
	(void)fprintf(l->ids, "%.*s\n", ID_LEN, id);
}

static void
conn_answered(struct conn *c)
{
	struct load *l = c->load;
	int64_t now_us = load_now_us();
	bool good = as_expected(c);

	c->busy = false;
	l->nbusy--;
	l->all.answered++;
	if (!good && l->opt->reopen && c->answer.code == SENT_AGAIN_LATER)
		l->all.later++;
	else if (!good)
		note_bad(l, &c->answer);
	else if (l->ids != NULL)
		note_id(l, c->n);
	if (c->sent_us >= l->counted_from_us && !l->over) {
		l->counted.answered++;
		l->counted.unexpected += !good;
		hist_add(&l->hist, (uint64_t)(now_us - c->sent_us));
	}
	if (c->answer.closes) {
		conn_close(c);
		if (conn_open(c) == -1) {
			conn_cut(c);
			return;
		}
	}
	conn_next(c);
}

static void
conn_receive(struct conn *c)
{
	struct answer *a = &c->answer;
	ssize_t n;

	n = recv(c->fd, a->bytes + a->len, sizeof(a->bytes) - 1 - a->len,
	    MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !c->busy) { /* gone, or talking out of turn */
		conn_cut(c);
		return;
	}
	a->len += (size_t)n;
	switch (answer_look(a)) {
	case ANSWER_MORE:
		break;
	case ANSWER_DONE:
		conn_answered(c);
		break;
	case ANSWER_BAD:
		note_bad(c->load, a);
		conn_cut(c);
		break;
	}
}

/* -- All of them -- */

int
conns_open(struct load *l)
{
	l->conns = calloc(l->opt->nconns, sizeof(*l->conns));
	if (l->conns == NULL)
		return (-1);
	TAILQ_INIT(&l->waiting);
	for (unsigned i = 0; i < l->opt->nconns; i++) {
		l->conns[i].load = l;
		l->conns[i].fd = -1;
	}
	for (unsigned i = 0; i < l->opt->nconns; i++)
		if (conn_open(&l->conns[i]) == -1) {
			(void)fprintf(stderr, "load: cannot connect: %s\n",
			    strerror(errno));
			return (-1);
		}
	for (unsigned i = 0; i < l->opt->nconns && !sent_all(l); i++)
		conn_request(&l->conns[i]);
	return (0);
}

/* Those that wait have their turn; one that is closed connects again. */
static void
conns_due(struct load *l, int64_t now_us)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&l->waiting)) != NULL && c->due_us <= now_us) {
		conn_unwait(c);
		if (sent_all(l))
			continue;
		if (c->fd == -1 && conn_open(c) == -1) {
			l->all.refused++;
			conn_wait(c, now_us + REOPEN_US);
			continue;
		}
		conn_request(c);
	}
}

/* How long to wait for the sockets, in ms. */
static int
conns_timeout(const struct load *l, int64_t now_us, int64_t until_us)
{
	const struct conn *c = TAILQ_FIRST(&l->waiting);

	if (c != NULL && c->due_us < until_us)
		until_us = c->due_us;
	if (until_us <= now_us)
		return (0);
	return ((int)((until_us - now_us + 999) / 1000));
}

int
conns_turn(struct load *l, int64_t until_us)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t now_us = load_now_us();
	int n;

	n = epoll_wait(l->epoll, events, EVENTS_MAX,
	    conns_timeout(l, now_us, until_us));
	if (n == -1 && errno != EINTR)
		return (-1);
	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;

		if (c->fd != -1 && (events[i].events & EPOLLOUT))
			conn_send(c);
		if (c->fd != -1 && (events[i].events & ~(unsigned)EPOLLOUT))
			conn_receive(c);
	}
	conns_due(l, load_now_us());
	return (0);
}

void
conns_close(struct load *l)
{
	for (unsigned i = 0; l->conns != NULL && i < l->opt->nconns; i++)
		conn_close(&l->conns[i]);
	free(l->conns);
}

int *
idle_open(const struct options *opt)
{
	struct timespec pause = { 0, REOPEN_US * 1000 };
	unsigned tries = 0;
	int *fds;

	if ((fds = calloc(opt->nidle + 1, sizeof(*fds))) == NULL)
		return (NULL);
	for (unsigned i = 0; i < opt->nidle; i++) {
		while ((fds[i] = connect_to(&opt->to)) == -1 &&
		       tries++ < CONNECT_TRIES)
			(void)nanosleep(&pause, NULL);
		if (fds[i] == -1) {
			(void)fprintf(stderr,
			    "load: cannot open idle connection %u: %s\n", i,
			    strerror(errno));
			idle_close(fds, i);
			return (NULL);
		}
	}
	return (fds);
}

unsigned
idle_count(const int *fds, unsigned n)
{
	unsigned open = 0;
	char c;

	for (unsigned i = 0; i < n; i++)
		open += recv(fds[i], &c, 1, MSG_DONTWAIT | MSG_PEEK) == -1 &&
			errno == EAGAIN;
	return (open);
}

void
idle_close(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		(void)close(fds[i]);
	free(fds);
}
