/*
 * http_reader.h -- the strictness that evhttp lacks.
 *
 * Pure: the bytes of a connection in, as they arrive, verdict out. It follows
 * the framing of HTTP/1.1 requests (RFC 9112) beside evhttp and refuses what
 * two readers could read differently: that is how requests are smuggled.
 *
 * evhttp gets less than came. Of a body in chunks only the data is kept: the
 * sizes, extensions and trailer fields around it mean nothing here. So do empty
 * lines before a request, which evhttp would take for one, and a tab before a
 * value, which it would take for a part of it: a blank stands there instead.
 *
 * Refused: lines that do not end in CRLF, folded lines, NUL and other control
 * bytes, a request line of other than three parts with one blank between,
 * a target that is neither a path nor a whole URI (an asterisk with OPTIONS
 * only, no fragment),
 * header names that are no tokens (so also a blank before the colon), more than
 * 100 fields, those of the trailer among them,
 * Content-Length that is not digits only, or stands twice, or beside
 * Transfer-Encoding; Transfer-Encoding other than exactly "chunked" (501 for
 * codings that are not known), or with HTTP/1.0; a body with HEAD or TRACE,
 * where evhttp reads none; chunk sizes that are not hex digits only,
 * more chunks than anybody needs, extensions of another form than RFC 9112 has;
 * a trailer that names one of
 * the headers named here; no Host in HTTP/1.1, several, or one that is no
 * host; an HTTP version other than 1.0 and 1.1; klikit's headers standing
 * twice; more than a few empty lines; CONNECT (405); a body that is, or will
 * be, too large (413); where a length is needed, a request with POST, PUT or
 * PATCH and none at all (411).
 */
#ifndef SERVER_HTTP_READER_H
#define SERVER_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/http_chunks.h"
#include "server/http/http_forwarded.h"

#define HTTP_HEAD_MAX (16 * 1024)   /* request line and headers */
#define HTTP_FIELDS_MAX 100         /* in head and trailer together */
#define HTTP_TRAILER_MAX (4 * 1024) /* fields after the last chunk */
#define HTTP_EMPTY_LINES_MAX 4      /* before a request */
#define HTTP_LINE_MAX 256           /* of a value that is looked at */

enum http_read_rc {
	HTTP_READ_MORE,    /* all read so far is sound; not finished */
	HTTP_READ_CHUNKED, /* a head ended; what follows is in chunks */
	HTTP_READ_DONE,    /* a request ended; what follows is the next */
	/* To be answered so; reads no further. */
	HTTP_READ_BAD,       /* 400 */
	HTTP_READ_FORBIDDEN, /* 403 */
	HTTP_READ_METHOD,    /* 405 */
	HTTP_READ_LENGTH,    /* 411 */
	HTTP_READ_TOO_LARGE, /* 413 */
	HTTP_READ_CODING,    /* 501 */
	HTTP_READ_NO_MEMORY  /* 503; never by http_reader_read() */
};

/* Who wants to know of a head before its body comes. */
struct http_head_watch {
	/* What its fields say of the client; NULL: they are not looked at. */
	struct http_forwarded *named;
	const struct networks *trusted;

	/* It has ended. May the request come in? Else it is answered 403. */
	bool (*ended)(void *arg, bool health);
	void *arg;
};

/* The path whose requests are of health: a balancer asks for it. */
#define HTTP_HEALTH_PATH "/healthz"

/*
 * The state of one connection. Open only so that it can be embedded: all
 * fields are private to http_reader.c.
 */
struct http_reader {
	uint64_t max_body;
	bool needs_length;
	const struct http_head_watch *watch; /* NULL: nobody */
	int state;
	enum http_read_rc failed; /* MORE while sound */
	const char *reason;
	uint64_t left; /* bytes of body or chunk still to come */
	size_t head_len;
	size_t trailer_len;
	unsigned nfields;
	unsigned empty_lines;
	unsigned seen; /* which of the headers of interest */
	unsigned flags;
	uint64_t length; /* Content-Length */
	size_t line_len;
	/* Between head and trailer there is no line. */
	union {
		unsigned char line[HTTP_LINE_MAX]; /* its start */
		struct http_chunks chunks;
	};
};

/*
 * Before the first byte. A larger body is refused; needs_length: so is a POST,
 * PUT or PATCH without a length, which else has no body.
 */
void http_reader_init(struct http_reader *r, uint64_t max_body,
    bool needs_length);

/* Have watch, which is kept, know of heads from now on; NULL: nobody. */
void http_reader_watch(struct http_reader *r,
    const struct http_head_watch *watch);

/* Has the head of the current request ended, and not the request? */
bool http_reader_has_head(const struct http_reader *r);

/*
 * Read on, at most to the end of the current request, or of its head if a body
 * in chunks follows. *ret_used is how many of the len bytes were read; those
 * of them that are kept have been moved to the front, and *ret_kept is how
 * many they are: from HTTP_READ_CHUNKED to HTTP_READ_DONE they are data
 * of the body, else they are to be read by evhttp as they stand. After a
 * refusal every further call gives the same answer.
 */
enum http_read_rc http_reader_read(struct http_reader *r, void *bytes,
    size_t len, size_t *ret_used, size_t *ret_kept);

/* Has the current request begun? Empty lines before it do not count. */
bool http_reader_begun(const struct http_reader *r);

/* How much of a body, or of its chunk, is still to come; 0: not known. */
uint64_t http_reader_rest(const struct http_reader *r);

/* Is what follows a body in chunks, or the rest of it? */
bool http_reader_in_chunks(const struct http_reader *r);

/* What evhttp has allocated at most for the current request's head so far. */
size_t http_reader_held(const struct http_reader *r);

/* Why it was refused, in a few words; static; NULL while sound. */
const char *http_reader_reason(const struct http_reader *r);

#endif /* SERVER_HTTP_READER_H */
