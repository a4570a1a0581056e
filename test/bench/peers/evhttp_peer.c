/*
 * evhttp_peer.c -- what evhttp alone costs: it answers 200 to every request,
 * with --verify FILE after having verified the body's signature. It stores
 * nothing. How far klikitd is behind it is what durability costs.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "server/auth/signature.h"

#define SECRET_MAX 512
#define SEGS_MAX 64

static const char received[] = "{\"status\":\"received\"}";
static const char refused[] = "{\"error\":\"invalid signature\"}";

static void
answer(struct evhttp_request *req, int code, const char *text)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", "application/json; charset=utf-8");
	(void)evbuffer_add(evhttp_request_get_output_buffer(req), text,
	    strlen(text));
	evhttp_send_reply(req, code, code == 200 ? "OK" : "Unauthorized", NULL);
}

/* evhttp: a request has come. */
static void
peer_plain_cb(struct evhttp_request *req, void *arg)
{
	(void)arg;
	answer(req, 200, received);
}

/* The same, with a key to verify it by. */
static void
peer_verify_cb(struct evhttp_request *req, void *arg)
{
	struct signature_key *key = arg;
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	struct evbuffer_iovec segs[SEGS_MAX];
	unsigned char mac[SIGNATURE_LEN], want[SIGNATURE_LEN];
	const char *header;
	int n;

	header = evhttp_find_header(evhttp_request_get_input_headers(req),
	    "x-klikit-signature");
	n = evbuffer_peek(body, -1, NULL, segs, SEGS_MAX);
	if (header == NULL || n > SEGS_MAX ||
	    signature_mac(key, segs, (size_t)n, mac) == -1 ||
	    signature_parse(header, want) == -1 || !signature_equal(mac, want))
		answer(req, 401, refused);
	else
		answer(req, 200, received);
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

int
main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base == NULL ? NULL : evhttp_new(base);
	struct signature_key *key = NULL;
	struct event *term = NULL;
	int rc = 1;

	if (argc == 3 && strcmp(argv[1], "--verify") == 0)
		key = read_key(argv[2]);
	if (http == NULL || (argc > 1 && key == NULL)) {
		(void)fputs("usage: evhttp_peer [--verify SECRET-FILE]\n",
		    stderr);
		goto out;
	}
	evhttp_set_gencb(http, key == NULL ? peer_plain_cb : peer_verify_cb,
	    key);
	term = evsignal_new(base, SIGTERM, peer_stop_cb, base);
	if (term == NULL || event_add(term, NULL) == -1 ||
	    peer_listen(http) == -1)
		goto out;
	rc = event_base_dispatch(base) == -1;
out:
	if (term != NULL)
		event_free(term);
	if (http != NULL)
		evhttp_free(http);
	if (base != NULL)
		event_base_free(base);
	signature_key_free(key);
	return (rc);
}
