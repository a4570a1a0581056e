/*
 * evhttp_peer.c -- what the machine allows.
 *
 *   evhttp_peer                           answers 200 to every request
 *   evhttp_peer --verify SECRET           after having verified the signature
 *   evhttp_peer --append SECRET FILE      and when the body is synced in a file
 *
 * The first two store nothing; the last one is the limit of whoever loses
 * nothing: how far klikitd is behind it is what its tables cost.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "append_file.h"
#include "server/auth/signature.h"

#define SECRET_MAX 512
#define SEGS_MAX 64

static const char received[] = "{\"status\":\"received\"}";
static const char refused[] = "{\"error\":\"invalid signature\"}";

struct peer {
	struct event_base *base;
	struct evhttp *http;
	struct event *term;
	struct signature_key *key; /* NULL: nothing is verified */
	struct append_file *file;  /* NULL: nothing is stored */
};

static void
answer(struct evhttp_request *req, int code, const char *text)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", "application/json; charset=utf-8");
	(void)evbuffer_add(evhttp_request_get_output_buffer(req), text,
	    strlen(text));
	evhttp_send_reply(req, code, code == 200 ? "OK" : "Unauthorized", NULL);
}

/* Is the body signed with the key? */
static bool
is_authentic(struct evhttp_request *req, struct signature_key *key)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	struct evbuffer_iovec segs[SEGS_MAX];
	unsigned char mac[SIGNATURE_LEN], want[SIGNATURE_LEN];
	const char *header;
	int n;

	header = evhttp_find_header(evhttp_request_get_input_headers(req),
	    "x-klikit-signature");
	n = evbuffer_peek(body, -1, NULL, segs, SEGS_MAX);
	return (header != NULL && n <= SEGS_MAX &&
		signature_mac(key, segs, (size_t)n, mac) == 0 &&
		signature_parse(header, want) == 0 &&
		signature_equal(mac, want));
}

/* append_file: the body of that request is on the disk. */
static void
peer_synced_cb(void *arg)
{
	answer(arg, 200, received);
}

/* evhttp: a request has come. */
static void
peer_request_cb(struct evhttp_request *req, void *arg)
{
	const struct peer *peer = arg;

	if (peer->key != NULL && !is_authentic(req, peer->key))
		answer(req, 401, refused);
	else if (peer->file == NULL)
		answer(req, 200, received);
	else if (append_file_add(peer->file,
		     evhttp_request_get_input_buffer(req), req) == -1)
		answer(req, 503, "{}");
}

/* evsignal: TERM. */
static void
peer_stop_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)event_base_loopbreak(arg);
}

static struct signature_key *
read_key(const char *path)
{
	char secret[SECRET_MAX];
	size_t len;
	FILE *f;

	if ((f = fopen(path, "r")) == NULL)
		return (NULL);
	len = fread(secret, 1, sizeof(secret), f);
	(void)fclose(f);
	if (len > 0 && secret[len - 1] == '\n')
		len--;
	return (len == 0 ? NULL : signature_key_new(secret, len));
}

/* Listen on a port that the kernel chooses, and say so. Returns 0 or -1. */
static int
peer_listen(struct evhttp *http)
{
	struct evhttp_bound_socket *bound;
	struct sockaddr_in at = { 0 };
	socklen_t len = sizeof(at);

	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (bound == NULL || getsockname(evhttp_bound_socket_get_fd(bound),
				 (struct sockaddr *)&at, &len) == -1)
		return (-1);
	(void)printf("listening: http://127.0.0.1:%u\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	return (0);
}

/* As the command line says. Returns 0 or -1. */
static int
peer_open(struct peer *peer, int argc, char **argv)
{
	if (argc > 1 && (peer->key = read_key(argv[2])) == NULL)
		return (-1);
	if (argc == 4 && (peer->file = append_file_new(peer->base, argv[3],
			      peer_synced_cb)) == NULL)
		return (-1);
	evhttp_set_gencb(peer->http, peer_request_cb, peer);
	peer->term =
	    evsignal_new(peer->base, SIGTERM, peer_stop_cb, peer->base);
	if (peer->term == NULL || event_add(peer->term, NULL) == -1)
		return (-1);
	return (peer_listen(peer->http));
}

static void
peer_close(struct peer *peer)
{
	append_file_free(peer->file);
	if (peer->term != NULL)
		event_free(peer->term);
	if (peer->http != NULL)
		evhttp_free(peer->http);
	if (peer->base != NULL)
		event_base_free(peer->base);
	signature_key_free(peer->key);
}

int
main(int argc, char **argv)
{
	struct peer peer = { .base = event_base_new() };
	bool known = argc == 1 ||
		     (argc == 3 && strcmp(argv[1], "--verify") == 0) ||
		     (argc == 4 && strcmp(argv[1], "--append") == 0);
	int rc = 1;

	if (!known)
		(void)fputs("usage: evhttp_peer [--verify SECRET-FILE | "
			    "--append SECRET-FILE FILE]\n",
		    stderr);
	else if (peer.base != NULL &&
		 (peer.http = evhttp_new(peer.base)) != NULL &&
		 peer_open(&peer, argc, argv) == 0)
		rc = event_base_dispatch(peer.base) == -1;
	peer_close(&peer);
	return (rc);
}
