/*
 * http_extension.h -- the extensions behind a chunk's size.
 *
 * Pure: byte by byte, their form and nothing else (RFC 9112 section 7.1.1).
 * They mean nothing to us; but what has another form may mean something to
 * the next reader, such as the end of the line.
 */
#ifndef SERVER_HTTP_EXTENSION_H
#define SERVER_HTTP_EXTENSION_H

#include <stdbool.h>

enum http_extension {
	HTTP_EXTENSION_BEFORE,      /* blanks, then a ; */
	HTTP_EXTENSION_BEFORE_NAME, /* blanks, then its name */
	HTTP_EXTENSION_NAME,
	HTTP_EXTENSION_AFTER_NAME, /* blanks, then = or the next ; */
	HTTP_EXTENSION_BEFORE_VALUE,
	HTTP_EXTENSION_TOKEN,
	HTTP_EXTENSION_QUOTES,
	HTTP_EXTENSION_ESCAPED, /* the byte after a \ */
	HTTP_EXTENSION_CLOSED,  /* after its quotes */
	HTTP_EXTENSION_BAD
};

/* Where one more byte leads, from HTTP_EXTENSION_BEFORE on. */
enum http_extension http_extension_next(enum http_extension at,
    unsigned char c);

/* May the line end there? */
bool http_extension_may_end(enum http_extension at);

#endif /* SERVER_HTTP_EXTENSION_H */
