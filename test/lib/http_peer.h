/*
 * http_peer.h -- the listener under test, and clients of it.
 *
 * A real loop and real sockets, all in one thread; ingest and the queue of
 * refusals are played here, so that an outcome comes when a test wants it.
 * Whatever goes wrong fails the test.
 */
#ifndef TEST_LIB_HTTP_PEER_H
#define TEST_LIB_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/auth/secrets.h"
#include "server/http/http.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/ingest.h"

struct bufferevent;

#define PENDING_MAX 4

/* In place of the real one: what it was given, and what it is to say. */
struct ingest {
	enum ingest_rc verdict; /* of ingest_submit() */
	struct {
		ingest_done_fn *done;
		void *arg;
		void *body;
		size_t len;
	} pending[PENDING_MAX];
	size_t npending;
	char event_id[64];
	char peer[64];
	int64_t answered; /* the last event */
	unsigned nanswered;
};

/* In place of the real one: the last refusal. */
struct diagnosis_queue {
	unsigned n;
	enum reject_cause cause;
	char headers[8192];
	size_t body_len;
	size_t size;
};

struct http_case {
	struct event_base *base;
	struct ingest in;
	struct diagnosis_queue diag;
	struct secrets *sec;
	struct http *http;
	unsigned port;
	unsigned drained;
};

/* A client. */
struct peer {
	struct http_case *f;
	struct bufferevent *bev;
	bool eof;
};

/* A listener for each test; for cmocka. */
int peer_setup(void **state);
int peer_teardown(void **state);

/* Let the oldest delivery have its outcome. */
void peer_commit(struct http_case *f, enum ingest_rc rc, int64_t event);

/* Run the loop until something has happened. */
void peer_turn(struct http_case *f);

/* Run the loop until n deliveries are with ingest. */
void peer_wait_pending(struct http_case *f, size_t n);

/* Run the loop until n connections are open. */
void peer_wait_connections(struct http_case *f, size_t n);

void peer_open(struct peer *c, struct http_case *f);
void peer_close(struct peer *c);
void peer_send(struct peer *c, const char *text);

/* Send a signed delivery; signature, if not NULL, replaces the right one. */
void peer_post(struct peer *c, const char *id, const char *body,
    const char *signature);

/* Run the loop until the client has got the text; forget all up to it. */
void peer_wait(struct peer *c, const char *text);

/* Run the loop until the connection is closed; nothing more may come. */
void peer_wait_eof(struct peer *c);

#endif /* TEST_LIB_HTTP_PEER_H */
