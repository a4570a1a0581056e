/*
 * tls_case.h -- two engines on one loop, and connections between them.
 *
 * Whatever goes wrong fails the test.
 */
#ifndef TEST_LIB_TLS_CASE_H
#define TEST_LIB_TLS_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/tls/tls.h"

#define TIMEOUT_MS 60000 /* a handshake's, where it does not matter */
#define LIMIT_S 60       /* of anything awaited */

/* Two engines and their contexts on one loop. */
struct tls_case {
	struct event_base *base;
	struct tls_engine *server_engine, *client_engine;
	struct tls_context *server, *client;
	unsigned fewer;
};

/* An end of a connection. */
struct tls_end {
	struct tls_case *f;
	struct bufferevent *bev;
	bool connected, eof, failed, written;
	int error;
	char why[TLS_REASON_MAX];
	bool free_on_read; /* by itself, from the callback */
};

/* Certificates for all tests of a group: root, stranger, and leaves. */
int tls_case_group_setup(void **state);
int tls_case_group_teardown(void **state);

/* A struct tls_case for each test. */
int tls_case_setup(void **state);
int tls_case_teardown(void **state);

/* A path of the group's certificates: DIR/NAME.EXT, as test_path(). */
const char *tls_case_path(const char *name, const char *ext);

/* Contexts by the names of a pair and of a root. */
struct tls_context *tls_case_server(const char *name);
struct tls_context *tls_case_client(const char *root);

/* Lay e over bev, which it takes, on the socket fd. */
void tls_case_take(struct tls_end *e, struct tls_case *f,
    struct bufferevent *bev, int fd);
void tls_case_free(struct tls_end *e);

/* A server's end on a new socket, whose other one is returned. */
int tls_case_open_server(struct tls_case *f, struct tls_end *server);

/* Both ends; host is whom the client means. */
void tls_case_open(struct tls_case *f, struct tls_end *server,
    struct tls_end *client, const char *host);

/* Run the loop until the flag is set; until so much has come in. */
void tls_case_run_until(struct tls_case *f, const bool *flag);
void tls_case_run_until_read(struct tls_end *e, size_t len);

void tls_case_send(struct tls_end *e, const char *text);

/* Run the loop until this text has come, and take it. */
void tls_case_assert_read(struct tls_end *e, const char *text);

#endif /* TEST_LIB_TLS_CASE_H */
