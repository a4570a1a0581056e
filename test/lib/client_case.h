/*
 * client_case.h -- an HTTP client with a loop, name servers and a far side.
 */
#ifndef TEST_LIB_CLIENT_CASE_H
#define TEST_LIB_CLIENT_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "handlers/net/http_client.h"
#include "test/lib/far_side.h"

struct evdns_server_port;

struct client_case {
	struct handler_env env;
	struct far_side far;
	struct http_client *hc;
	unsigned nfds; /* before anything was opened */

	/* A name server: silent until it is told to speak. */
	struct evdns_server_port *names;
	bool speaks;
	unsigned nasked;      /* how often it was asked, answered or not */
	char resolv_conf[32]; /* which names it */

	/* What the connector was asked for last. */
	char host[64];
	unsigned port;
	unsigned ntls; /* of tls_open() and not of tls_close() yet */

	/* For the answers of the next requests; NULL: the client's. */
	char *room;
	size_t room_size;

	/* How the last request ended. */
	unsigned ndone;
	struct http_client_answer answer; /* its texts are in these: */
	char reason[HANDLER_REASON_MAX];
	char location[256];
	char body[HTTP_CLIENT_ANSWER_MAX + 1];
};

/* All of it, with a client of the far side; for cmocka. */
int client_setup(void **state);

/* Fails if a file or a connection is left. */
int client_teardown(void **state);

/* Use another client from now on. */
void client_use(struct client_case *c, const char *host, unsigned port,
    size_t max_idle);

/* The same by fake_tls.h; the far side must be told to shake hands. */
void client_use_tls(struct client_case *c, const char *host, unsigned port);

/* POST "hello" with a limit that is not reached; returns the call. */
struct http_client_call *client_post(struct client_case *c);

/* Send what the test made; its end is recorded. */
void client_send(struct client_case *c, const struct http_client_request *req);

/* POST len bytes with a limit. */
struct http_client_call *client_post_bytes(struct client_case *c, size_t len,
    int64_t timeout_ms);

/* Run the loop until n requests have ended. */
void client_wait(struct client_case *c, unsigned n);

/* Run the loop until the far side has read n requests. */
void client_wait_requests(struct client_case *c, unsigned n);

/* Run the loop until nothing is ready any more. */
void client_settle(struct client_case *c);

/* POST while the far side does so; wait for the end. */
void client_play(struct client_case *c, enum far_act act, const char *text);

/* The last request ended so. */
void assert_answered(const struct client_case *c, int status, const char *body);
void assert_failed(const struct client_case *c, enum http_client_end end,
    const char *reason);

#endif /* TEST_LIB_CLIENT_CASE_H */
