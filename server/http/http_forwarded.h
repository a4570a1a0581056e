/*
 * http_forwarded.h -- for whom a trusted proxy asks, by its header fields.
 *
 * Owns:    the reading of Forwarded (RFC 7239) and X-Forwarded-For, byte by
 *          byte as they come, of several fields as well; the walk from the
 *          proxy back to the client; the rule when both fields are there.
 * Touches: nothing. Pure; bounded whatever comes.
 *
 * Each proxy adds at the end from whom it got the request. So the list is
 * walked from its end, past the trusted proxies, to the first address that is
 * not: that is the client, and what stands before it anybody can have written.
 * What cannot be read, "unknown" and hidden names (_abc) end the walk as well,
 * and then nobody knows who the client is; so does a list that breaks off. If
 * all are trusted the first one is the client.
 *
 * A proxy writes one of the two fields, and lets the other through as it came:
 * from anybody. If both are there and name different addresses, or one of them
 * none, nobody knows which of them is the proxy's: neither is believed.
 */
#ifndef SERVER_HTTP_FORWARDED_H
#define SERVER_HTTP_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/address.h"

struct networks;

enum http_forwarded_field {
	HTTP_FORWARDED_RFC7239,
	HTTP_FORWARDED_X /* X-Forwarded-For */
};
#define HTTP_FORWARDED_NFIELDS 2

/* Longest text of a node that is an address. */
#define HTTP_FORWARDED_NODE_MAX 64

/* Of one head. Open to be embedded; private to http_forwarded.c. */
struct http_forwarded {
	struct address found[HTTP_FORWARDED_NFIELDS];
	bool seen[HTTP_FORWARDED_NFIELDS];   /* and not empty */
	bool broken[HTTP_FORWARDED_NFIELDS]; /* the walk ended too early */
	enum http_forwarded_field field;     /* that is read */
	int state;
	bool any;     /* something stands in this element */
	bool bad;     /* it cannot be read */
	bool has_for; /* that parameter has begun in it */
	bool is_for;  /* the parameter that is read is that one */
	size_t name_len;
	size_t node_len;
	char node[HTTP_FORWARDED_NODE_MAX];
};

/* A head begins. */
void http_forwarded_begin(struct http_forwarded *f);

/* Is a field of that name one of the two, in whatever case? */
bool http_forwarded_is(const char *name, size_t len,
    enum http_forwarded_field *ret_field);

/* The value of such a field begins; part of it; it ends. */
void http_forwarded_open(struct http_forwarded *f,
    enum http_forwarded_field field);
void http_forwarded_read(struct http_forwarded *f,
    const struct networks *trusted, const char *bytes, size_t len);
void http_forwarded_close(struct http_forwarded *f,
    const struct networks *trusted);

/* The same of a whole value. */
void http_forwarded_add(struct http_forwarded *f,
    const struct networks *trusted, enum http_forwarded_field field,
    const char *value);

enum http_forwarded_rc {
	HTTP_FORWARDED_NONE, /* there is no such field: the proxy itself asks */
	HTTP_FORWARDED_CLIENT, /* this address does */
	HTTP_FORWARDED_UNKNOWN /* nobody knows; see above */
};

/*
 * Who asks, when the head has ended. Of HTTP_FORWARDED_CLIENT the address is
 * written, with port 0; of HTTP_FORWARDED_UNKNOWN that of the last proxy that
 * is known, if any is, else nothing.
 */
enum http_forwarded_rc http_forwarded_client(const struct http_forwarded *f,
    struct address *ret_client);

#endif /* SERVER_HTTP_FORWARDED_H */
