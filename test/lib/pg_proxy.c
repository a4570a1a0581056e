/*
 * The messages are those of the manual's chapter "Frontend/Backend Protocol",
 * version 3: a letter, four bytes of length, and that. Only what a client sends
 * first has no letter.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/pg_proxy.h"

#define LINKS_MAX 64
#define HEAD 5

struct pg_proxy {
	char url[512]; /* of the server; "": none */
	char host[64];
	char port[16];
	int listener;
	int own_port;
	int stop_fd; /* readable: all threads end */
	pthread_t thread;

	pthread_mutex_t mutex; /* of what follows */
	enum pg_trick trick;
	char text[64];
	char sqlstate[8];
	unsigned played;
	bool away;
	struct link *links[LINKS_MAX];
	size_t nlinks;
};

struct bytes {
	unsigned char *data;
	size_t len, room;
};

/* One direction: what has come, and what is to be passed on. */
struct flow {
	int from, to;
	struct bytes in, out;
};

struct link {
	struct pg_proxy *p;
	pthread_t thread;
	int client, server;
	struct flow up, down;
	bool started; /* the first message, without a letter, is through */
	bool silent, hides, warns, ended;
	/* Which answers to what the proxy itself has asked are to be dropped:
	 * counted since the last ReadyForQuery. */
	unsigned parses, binds, parsed, bound, drop_parse, drop_bind;
};

/* -- Bytes -- */

static void
bytes_room(struct bytes *b, size_t more)
{
	if (b->room - b->len >= more)
		return;
	b->room = 2 * b->room + more;
	if ((b->data = realloc(b->data, b->room)) == NULL)
		abort();
}

static void
bytes_add(struct bytes *b, const void *data, size_t len)
{
	bytes_room(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void
bytes_drop(struct bytes *b, size_t len)
{
	b->len -= len;
	if (len > 0)
		memmove(b->data, b->data + len, b->len);
}

static size_t
four(const unsigned char *p)
{
	return (
	    (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
}

/* A message of that letter; a text may hold NULs. */
static void
put_message(struct bytes *out, char letter, const char *data, size_t len)
{
	unsigned char head[HEAD] = { (unsigned char)letter };
	uint32_t n = htonl((uint32_t)len + 4);

	memcpy(head + 1, &n, 4);
	bytes_add(out, head, sizeof(head));
	bytes_add(out, data, len);
}

/* -- Tricks -- */

/* The trick for this message, if it is its turn. */
static enum pg_trick
trick_take(struct pg_proxy *p, const unsigned char *msg, size_t len,
    char ret_sqlstate[8])
{
	enum pg_trick trick = PG_TRICK_NONE;

	(void)pthread_mutex_lock(&p->mutex);
	if (p->trick != PG_TRICK_NONE &&
	    memmem(msg, len, p->text, strlen(p->text)) != NULL) {
		trick = p->trick;
		p->trick = PG_TRICK_NONE;
		p->played++;
		memcpy(ret_sqlstate, p->sqlstate, sizeof(p->sqlstate));
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return (trick);
}

/* Have the server fail for real, so that all that follows fails, too. */
static void
link_raise(struct link *l, const char *sqlstate)
{
	static const char bind[8] = ""; /* unnamed, without values */
	static const char execute[5] = "";
	char parse[128] = "";
	int len;

	len = snprintf(parse + 1, sizeof(parse) - 1,
	    "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '%s', "
	    "MESSAGE = 'a trick'; END $$",
	    sqlstate);
	put_message(&l->up.out, 'P', parse, (size_t)len + 4);
	put_message(&l->up.out, 'B', bind, sizeof(bind));
	put_message(&l->up.out, 'E', execute, sizeof(execute));
	l->drop_parse = ++l->parses;
	l->drop_bind = ++l->binds;
}

/* A client's message. Is it to be passed on? */
static bool
link_up(struct link *l, const unsigned char *msg, size_t len)
{
	char sqlstate[8];

	if (!l->silent) {
		switch (trick_take(l->p, msg, len, sqlstate)) {
		case PG_TRICK_NONE:
			break;
		case PG_TRICK_SILENCE:
			l->silent = true;
			break;
		case PG_TRICK_CUT:
			l->ended = true;
			return (false);
		case PG_TRICK_CUT_ANSWER:
			l->hides = true;
			break;
		case PG_TRICK_WARN:
			l->warns = true;
			break;
		case PG_TRICK_RAISE:
			link_raise(l, sqlstate);
			break;
		}
	}
	l->parses += msg[0] == 'P';
	l->binds += msg[0] == 'B';
	return (!l->silent);
}

/* As the server warns of a COMMIT whose standby did not answer. */
static void
link_warn(struct link *l)
{
	static const char warning[] = "SWARNING\0VWARNING\0C01000\0"
				      "Mcanceling wait for synchronous "
				      "replication due to user request\0";

	put_message(&l->down.out, 'N', warning, sizeof(warning));
	l->warns = false;
}

/* A message of the server's. Is it to be passed on? */
static bool
link_down(struct link *l, const unsigned char *msg)
{
	bool drop = l->silent || l->hides;

	switch (msg[0]) {
	case '1': /* ParseComplete */
		drop = drop || ++l->parsed == l->drop_parse;
		break;
	case '2': /* BindComplete */
		drop = drop || ++l->bound == l->drop_bind;
		break;
	case 'C': /* CommandComplete */
		if (l->warns)
			link_warn(l);
		break;
	case 'Z': /* ReadyForQuery */
		l->parses = l->binds = l->parsed = l->bound = 0;
		l->drop_parse = l->drop_bind = 0;
		if (l->hides)
			l->ended = true;
		break;
	default:
		break;
	}
	return (!drop);
}

/* -- Passing on -- */

/* All whole messages of what has come. */
static void
flow_pass(struct link *l, struct flow *f)
{
	bool is_up = f == &l->up, first, pass;
	const unsigned char *at;
	size_t done = 0, len;

	while (!l->ended) {
		at = f->in.data + done;
		first = is_up && !l->started;
		if (f->in.len - done < (first ? 4u : (unsigned)HEAD))
			break;
		len = first ? four(at) : 1 + four(at + 1);
		if (f->in.len - done < len)
			break;
		if (first)
			pass = l->started = true;
		else
			pass = is_up ? link_up(l, at, len) : link_down(l, at);
		if (pass)
			bytes_add(&f->out, at, len);
		done += len;
	}
	bytes_drop(&f->in, done);
}

static void
flow_read(struct link *l, struct flow *f)
{
	ssize_t n;

	bytes_room(&f->in, 65536);
	n = recv(f->from, f->in.data + f->in.len, 65536, MSG_DONTWAIT);
	if (n == 0 || (n == -1 && errno != EAGAIN))
		l->ended = true;
	if (n <= 0)
		return;
	f->in.len += (size_t)n;
	if (l->server == -1) /* it listens, and that is all */
		f->in.len = 0;
	flow_pass(l, f);
}

static void
flow_write(struct link *l, struct flow *f)
{
	ssize_t n =
	    send(f->to, f->out.data, f->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		bytes_drop(&f->out, (size_t)n);
	else if (errno != EAGAIN)
		l->ended = true;
}

/* Of the socket to which that one leads. */
static short
flow_events(const struct flow *writes)
{
	return (writes->out.len > 0 ? POLLIN | POLLOUT : POLLIN);
}

static void *
link_main(void *arg)
{
	struct link *l = arg;
	struct pollfd fds[3] = {
		{ .fd = l->client },
		{ .fd = l->server },
		{ .fd = l->p->stop_fd, .events = POLLIN },
	};

	while (!l->ended) {
		fds[0].events = flow_events(&l->down);
		fds[1].events = flow_events(&l->up);
		if (l->silent) /* it does not even read */
			fds[0].fd = fds[1].fd = -1;
		if (poll(fds, 3, -1) == -1)
			continue;
		if (fds[2].revents != 0)
			break;
		if ((fds[0].revents & ~POLLOUT) != 0)
			flow_read(l, &l->up);
		if ((fds[1].revents & ~POLLOUT) != 0 && !l->ended)
			flow_read(l, &l->down);
		if (l->up.out.len > 0 && !l->ended)
			flow_write(l, &l->up);
		if (l->down.out.len > 0 && !l->ended)
			flow_write(l, &l->down);
	}
	(void)shutdown(l->client, SHUT_RDWR);
	if (l->server != -1)
		(void)shutdown(l->server, SHUT_RDWR);
	return (NULL);
}

/* -- Connections -- */

static int
connect_to(const struct pg_proxy *p)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_port = htons((uint16_t)atoi(p->port));
	if (inet_pton(AF_INET, p->host, &sin.sin_addr) != 1)
		abort();
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return (fd);
	(void)close(fd);
	return (-1);
}

static void
proxy_accept(struct pg_proxy *p)
{
	int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	int server = -1;
	struct link *l;

	if (client == -1)
		return;
	(void)pthread_mutex_lock(&p->mutex);
	if (p->away || p->nlinks == LINKS_MAX ||
	    (p->url[0] != '\0' && (server = connect_to(p)) == -1)) {
		(void)close(client);
		(void)pthread_mutex_unlock(&p->mutex);
		return;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL)
		abort();
	l->p = p;
	l->client = l->up.from = l->down.to = client;
	l->server = l->up.to = l->down.from = server;
	p->links[p->nlinks++] = l;
	if (pthread_create(&l->thread, NULL, link_main, l) != 0)
		abort();
	(void)pthread_mutex_unlock(&p->mutex);
}

static void *
proxy_main(void *arg)
{
	struct pg_proxy *p = arg;
	struct pollfd fds[2] = {
		{ .fd = p->listener, .events = POLLIN },
		{ .fd = p->stop_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) == -1)
			continue;
		if (fds[1].revents != 0)
			return (NULL);
		proxy_accept(p);
	}
}

/* -- Life -- */

static void
proxy_target(struct pg_proxy *p, const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	assert_non_null(options);
	for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
		if (strcmp(o->keyword, "host") == 0)
			(void)snprintf(p->host, sizeof(p->host), "%s", o->val);
		if (strcmp(o->keyword, "port") == 0)
			(void)snprintf(p->port, sizeof(p->port), "%s", o->val);
	}
	PQconninfoFree(options);
	(void)snprintf(p->url, sizeof(p->url), "%s", url);
}

struct pg_proxy *
pg_proxy_new(const char *url)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct pg_proxy *p = calloc(1, sizeof(*p));
	socklen_t len = sizeof(sin);

	assert_non_null(p);
	if (url != NULL)
		proxy_target(p, url);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_true(p->listener != -1 && p->stop_fd != -1);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(listen(p->listener, 16), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&sin,
			     &len),
	    0);
	p->own_port = ntohs(sin.sin_port);
	assert_int_equal(pthread_mutex_init(&p->mutex, NULL), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, proxy_main, p), 0);
	return (p);
}

void
pg_proxy_url(const struct pg_proxy *p, char *ret_url, size_t room)
{
	const char *user = strstr(p->url, "://"), *at, *path;

	user = user != NULL ? user + 3 : "";
	at = strchr(user, '@');
	path = strchr(user, '/');
	assert_in_range(snprintf(ret_url, room,
			    "postgres://%.*s127.0.0.1:%d%s?sslmode=disable"
			    "&gssencmode=disable",
			    at != NULL ? (int)(at + 1 - user) : 0, user,
			    p->own_port, path != NULL ? path : "/"),
	    1, room - 1);
}

void
pg_proxy_play(struct pg_proxy *p, enum pg_trick trick, const char *text,
    const char *sqlstate)
{
	(void)pthread_mutex_lock(&p->mutex);
	(void)snprintf(p->text, sizeof(p->text), "%s", text);
	(void)snprintf(p->sqlstate, sizeof(p->sqlstate), "%s",
	    sqlstate != NULL ? sqlstate : "");
	p->trick = trick;
	(void)pthread_mutex_unlock(&p->mutex);
}

unsigned
pg_proxy_played(struct pg_proxy *p)
{
	unsigned played;

	(void)pthread_mutex_lock(&p->mutex);
	played = p->played;
	(void)pthread_mutex_unlock(&p->mutex);
	return (played);
}

void
pg_proxy_away(struct pg_proxy *p, int away)
{
	(void)pthread_mutex_lock(&p->mutex);
	p->away = away != 0;
	for (size_t i = 0; p->away && i < p->nlinks; i++) {
		(void)shutdown(p->links[i]->client, SHUT_RDWR);
		if (p->links[i]->server != -1)
			(void)shutdown(p->links[i]->server, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&p->mutex);
}

void
pg_proxy_free(struct pg_proxy *p)
{
	struct link *l;

	if (p == NULL)
		return;
	(void)eventfd_write(p->stop_fd, 1);
	(void)pthread_join(p->thread, NULL);
	for (size_t i = 0; i < p->nlinks; i++) {
		l = p->links[i];
		(void)pthread_join(l->thread, NULL);
		(void)close(l->client);
		if (l->server != -1)
			(void)close(l->server);
		free(l->up.in.data);
		free(l->up.out.data);
		free(l->down.in.data);
		free(l->down.out.data);
		free(l);
	}
	(void)close(p->listener);
	(void)close(p->stop_fd);
	(void)pthread_mutex_destroy(&p->mutex);
	free(p);
}
