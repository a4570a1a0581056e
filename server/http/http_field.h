/*
 * http_field.h -- the values of the header fields that say where a request is
 * for and how its body comes.
 *
 * Pure: text in, verdict out. The blanks around a value are dropped before,
 * and its letters are in lower case.
 */
#ifndef SERVER_HTTP_FIELD_H
#define SERVER_HTTP_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* A character of a token, RFC 9110 section 5.6.2. */
bool http_field_is_token(unsigned char c);

/* A blank or a tab; a byte of a value; a letter in lower case. */
static inline bool
http_field_is_blank(unsigned char c)
{
	return (c == ' ' || c == '\t');
}

static inline bool
http_field_is_value(unsigned char c)
{
	return ((c >= 0x20 && c != 0x7f) || c == '\t');
}

static inline unsigned char
http_field_lower(unsigned char c)
{
	return (c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c);
}

/*
 * Is it a host, with a port or without: a name, an IPv4 address or an IPv6
 * one in brackets (RFC 9110 section 7.2)? Empty is none: no http URI has an
 * empty host. Nor is what has a comma, though a name may have one: two hosts
 * that a proxy has joined look so.
 */
bool http_field_is_host(const char *text, size_t len);

enum http_codings {
	HTTP_CODINGS_CHUNKED, /* this alone */
	HTTP_CODINGS_UNKNOWN, /* a list with others, chunked at most its end */
	HTTP_CODINGS_BAD      /* no list, or one whose body has no clear end */
};

/* What a Transfer-Encoding asks for (RFC 9112 section 6.1). */
enum http_codings http_field_codings(const char *text, size_t len);

#endif /* SERVER_HTTP_FIELD_H */
