/*
 * http_request.h -- the strictness that evhttp lacks.
 *
 * Pure: the bytes of a connection in, as they arrive, verdict out. It follows
 * the framing of HTTP/1.1 requests (RFC 9112) beside evhttp and refuses what
 * two readers could read differently: that is how requests are smuggled.
 *
 * Refused: lines that do not end in CRLF, folded lines, NUL and other control
 * bytes, a request line of other than three parts with one blank between,
 * header names that are no tokens (so also a blank before the colon),
 * Content-Length that is not digits only, or stands twice, or beside
 * Transfer-Encoding; Transfer-Encoding other than exactly "chunked", or with
 * HTTP/1.0; a body with HEAD or TRACE, where evhttp reads none; chunk sizes
 * that are not hex digits only (extensions too: evhttp cannot read them); a
 * trailer that names one of the headers named here; no Host in HTTP/1.1, or
 * several; an HTTP version other than 1.0 and 1.1; klikit's headers standing
 * twice; a request with POST, PUT or PATCH and no length at all (411).
 */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX (16 * 1024)   /* request line and headers */
#define HTTP_CHUNK_LINE_MAX 256     /* a chunk's size, leading zeros too */
#define HTTP_TRAILER_MAX (4 * 1024) /* fields after the last chunk */

enum http_request_rc {
	HTTP_REQUEST_MORE,  /* all read so far is sound; not finished */
	HTTP_REQUEST_DONE,  /* a request ended; what follows is the next one */
	HTTP_REQUEST_BAD,   /* to be answered 400; reads no further */
	HTTP_REQUEST_LENGTH /* to be answered 411; reads no further */
};

/*
 * The state of one connection. Open only so that it can be embedded: all
 * fields are private to http_request.c.
 */
struct http_request {
	int state;
	enum http_request_rc failed; /* MORE while sound */
	const char *reason;
	uint64_t left;   /* bytes of body or chunk still to come */
	size_t head_len; /* of the head, the chunk line or the trailer */
	unsigned seen;   /* which of the headers of interest */
	unsigned flags;
	uint64_t length; /* Content-Length */
	size_t line_len;
	unsigned char line[HTTP_CHUNK_LINE_MAX]; /* start of the current line */
};

void http_request_init(struct http_request *r);

/*
 * Read on, at most to the end of the current request. *ret_used is how many
 * of the len bytes were read. After BAD or LENGTH every further call gives
 * the same answer.
 */
enum http_request_rc http_request_read(struct http_request *r,
    const void *bytes, size_t len, size_t *ret_used);

/* Has the current request begun, with at least one byte? */
bool http_request_begun(const struct http_request *r);

/* How much of the current request's body is still to come; 0: not known. */
uint64_t http_request_rest(const struct http_request *r);

/* Why it was refused, in a few words; static; NULL while sound. */
const char *http_request_reason(const struct http_request *r);

#endif /* SERVER_HTTP_REQUEST_H */
