#include "handlers/net/conn.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "handlers/handler.h"
#include "store/base/timeval.h"

#define PIECE_MAX 16384                /* read at once */
#define LAST_MAX ((size_t)1024 * 1024) /* read after a reset, at most */

struct conn {
	const struct conn_kind *kind;
	void *arg;
	struct bufferevent *bev;
	bool ready;
	char peer[DIAL_PEER_MAX];
	uint64_t written; /* into the output */
	uint64_t drained; /* from it, as it has left */

	/* With TLS, when the output was empty for the last time. */
	uint64_t before;     /* what was written by then: it has left */
	uint64_t tls_before; /* what had left by then, in the env's unit */
};

static uint64_t
tls_sent(const struct conn *c)
{
	const struct handler_env *env = c->kind->env;

	return (env->tls_sent(env->arg, c->bev));
}

/* -- Callbacks of the bufferevent -- */

/* evbuffer: something has been written, or has left. */
static void
conn_output_cb(struct evbuffer *out, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct conn *c = arg;

	(void)out;
	if (c->kind->tls != NULL && info->n_added > 0 && info->orig_size == 0) {
		c->before = c->written;
		c->tls_before = tls_sent(c);
	}
	c->written += info->n_added;
	c->drained += info->n_deleted;
}

/* bufferevent: bytes have come. */
static void
conn_read_cb(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	c->kind->calls->input(c->arg);
}

/*
 * It could not be written to. What the far side has sent before it closed may
 * say why, and is still in the socket; the bufferevent reads no more.
 */
static void
conn_read_last(struct conn *c)
{
	struct evbuffer *in = conn_input(c);
	evutil_socket_t fd = bufferevent_getfd(c->bev);

	(void)evbuffer_unfreeze(in, 0); /* as it is but for the bufferevent */
	while (evbuffer_get_length(in) < LAST_MAX &&
	       evbuffer_read(in, fd, PIECE_MAX) > 0)
		;
	(void)evbuffer_freeze(in, 0);
}

/* bufferevent: TLS is there; or the connection has ended. */
static void
conn_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;
	int error = errno;

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		c->ready = true;
		c->kind->calls->ready(c->arg);
		return;
	}
	if ((what & BEV_EVENT_EOF) != 0)
		error = 0;
	else if ((what & BEV_EVENT_TIMEOUT) != 0)
		error = ETIMEDOUT;
	else if ((what & BEV_EVENT_WRITING) != 0 && c->kind->tls == NULL)
		conn_read_last(c);
	c->kind->calls->lost(c->arg, error);
}

/* -- Its life -- */

struct conn *
conn_new(const struct conn_kind *kind, int fd, const char *peer, void *arg)
{
	const struct handler_env *env = kind->env;
	struct conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->bev = env->connect(env->arg, kind->tls, kind->host,
		 kind->port)) == NULL) {
		free(c);
		(void)close(fd);
		return (NULL);
	}
	c->kind = kind;
	c->arg = arg;
	c->ready = kind->tls == NULL;
	(void)snprintf(c->peer, sizeof(c->peer), "%s", peer);
	bufferevent_setcb(c->bev, conn_read_cb, NULL, conn_event_cb, c);
	if (bufferevent_setfd(c->bev, fd) == -1)
		(void)close(fd); /* then it fails at once */
	if (evbuffer_add_cb(bufferevent_get_output(c->bev), conn_output_cb,
		c) == NULL ||
	    bufferevent_enable(c->bev, EV_READ | EV_WRITE) == -1) {
		conn_free(c);
		return (NULL);
	}
	return (c);
}

void
conn_free(struct conn *c)
{
	const struct conn_kind *kind = c->kind;

	(void)evbuffer_remove_cb(bufferevent_get_output(c->bev), conn_output_cb,
	    c);
	if (kind->tls != NULL) /* there is somebody who expects it */
		kind->env->tls_leave(kind->env->arg, c->bev);
	bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	bufferevent_free(c->bev);
	free(c);
}

void
conn_flush(struct conn *c)
{
	const struct handler_env *env = c->kind->env;
	struct evbuffer *out = conn_output(c);

	if (c->kind->tls != NULL) {
		env->tls_flush(env->arg, c->bev);
		return;
	}
	(void)evbuffer_unfreeze(out, 1); /* as in conn_read_last() */
	while (evbuffer_write(out, bufferevent_getfd(c->bev)) > 0)
		;
	(void)evbuffer_freeze(out, 1);
}

void
conn_limit_silence(struct conn *c, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	bufferevent_set_timeouts(c->bev, ms > 0 ? &tv : NULL, NULL);
}

/* -- What can be asked of it -- */

const char *
conn_peer(const struct conn *c)
{
	return (c->peer);
}

bool
conn_is_ready(const struct conn *c)
{
	return (c->ready);
}

struct evbuffer *
conn_input(struct conn *c)
{
	return (bufferevent_get_input(c->bev));
}

struct evbuffer *
conn_output(struct conn *c)
{
	return (bufferevent_get_output(c->bev));
}

uint64_t
conn_mark(const struct conn *c)
{
	return (c->written);
}

bool
conn_has_left(const struct conn *c, uint64_t mark)
{
	if (c->kind->tls == NULL)
		return (c->drained > mark);
	if (c->drained == c->written) /* all has, and so the output is empty */
		return (c->written > mark);
	return (mark < c->before || tls_sent(c) > c->tls_before);
}

bool
conn_is_drained(const struct conn *c)
{
	return (c->drained == c->written);
}

const char *
conn_failure(const struct conn *c, int error)
{
	const struct handler_env *env = c->kind->env;
	const char *why = NULL;

	if (c->kind->tls != NULL)
		why = env->tls_failure(env->arg, c->bev);
	if (why == NULL && error != 0)
		why = strerror(error);
	return (why);
}

/* Has the far side neither closed nor sent anything? */
bool
conn_is_quiet(const struct conn *c)
{
	char byte;

	return (recv(bufferevent_getfd(c->bev), &byte, 1,
		    MSG_PEEK | MSG_DONTWAIT) == -1 &&
		(errno == EAGAIN || errno == EINTR));
}
