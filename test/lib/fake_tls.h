/*
 * fake_tls.h -- a bufferevent with a handshake, for clients that know no more
 * of TLS than that it comes first.
 *
 * The near side says FAKE_TLS_HELLO; the far one answers FAKE_TLS_YES, and
 * from then on bytes pass as they are, or FAKE_TLS_NO.
 */
#ifndef TEST_LIB_FAKE_TLS_H
#define TEST_LIB_FAKE_TLS_H

#include <stdint.h>

struct bufferevent;
struct event_base;

#define FAKE_TLS_HELLO "hello"
#define FAKE_TLS_YES "\1"
#define FAKE_TLS_NO "\2"
#define FAKE_TLS_REFUSED "it said no"
#define FAKE_TLS_CLOSED "it closed during the handshake"

/* As handler_env.connect() promises; NULL when out of memory. */
struct bufferevent *fake_tls_connect(struct event_base *base);

/* As those of handler_env. */
const char *fake_tls_failure(struct bufferevent *bev);
uint64_t fake_tls_sent(struct bufferevent *bev);
void fake_tls_flush(struct bufferevent *bev);
void fake_tls_leave(struct bufferevent *bev);

/* How often leave was taken so far. */
extern unsigned fake_tls_leaves;

#endif /* TEST_LIB_FAKE_TLS_H */
