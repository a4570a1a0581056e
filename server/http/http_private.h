/*
 * http_private.h -- a listener as a whole: for http.c, and for its tests.
 *
 * What its parts are and do stands in their headers: each takes its own struct
 * and no other, and reports to http.c.
 */
#ifndef SERVER_HTTP_PRIVATE_H
#define SERVER_HTTP_PRIVATE_H

#include "server/http/http.h"
#include "server/http/http_conn.h"
#include "server/http/http_listen.h"
#include "server/http/http_room.h"
#include "server/http/http_tls.h"

/* Those of proxies begin with a PROXY header. */
enum http_side_kind { HTTP_PLAIN, HTTP_TLS, HTTP_PROXY_PLAIN, HTTP_PROXY_TLS };
#define HTTP_NSIDES 4

struct http {
	struct event_base *base;
	struct http_options opt;
	struct http_route *routes;
	size_t nroutes;
	bool (*admit)(struct http_request *r, const struct http_route *route,
	    void *arg);
	void *admit_arg;
	struct http_side sides[HTTP_NSIDES]; /* by enum http_side_kind */
	struct http_conns conns;
	struct http_room room;
	struct http_listen listen;
	struct http_tls tls;
	uint64_t requests;
	struct event *drained;
	void (*done)(void *arg); /* of a drain; NULL: none, or it has run */
	void *done_arg;
};

#endif /* SERVER_HTTP_PRIVATE_H */
