/*
 * http_proxy.h -- connections that begin with a PROXY header.
 *
 * Owns:    the bytes of a header that has not come whole.
 * Touches: the input in which it comes, below TLS if there is any; the guard,
 *          which ends what is wrong; the asker, who hears of the client.
 *
 * Only a trusted proxy may speak there. Of a plain connection the header has to
 * come within the time of a request, of one with TLS within that of a
 * handshake.
 */
#ifndef SERVER_HTTP_PROXY_H
#define SERVER_HTTP_PROXY_H

struct bufferevent;
struct evbuffer;
struct evbuffer_cb_entry;
struct http_asker;
struct http_guard;
struct http_proxy_bytes;

/* One connection's; to be embedded; all zero: no header is awaited. */
struct http_proxy {
	struct bufferevent *bev;
	struct http_guard *guard;
	struct http_asker *asker;
	struct http_proxy_bytes *got; /* NULL: it has come, or never will */
	struct evbuffer *below;       /* input below TLS; NULL: without */
	struct evbuffer_cb_entry *below_cb;
};

/*
 * Nothing but the header is to be read of bev first. Keeps all until fini. On
 * any failure the connection is ended.
 */
void http_proxy_await(struct http_proxy *p, struct bufferevent *bev,
    struct http_guard *guard, struct http_asker *asker);

/* The connection is about to be closed. */
void http_proxy_fini(struct http_proxy *p);

#endif /* SERVER_HTTP_PROXY_H */
