#include "server/http/http_extension.h"

#include "server/http/http_field.h"

static bool
is_blank(unsigned char c)
{
	return (c == ' ' || c == '\t');
}

static bool
is_quotable(unsigned char c)
{
	return ((c >= 0x20 && c != 0x7f) || c == '\t');
}

/* A byte of the token that is read in this state, or the first one of it. */
static enum http_extension
next_token(enum http_extension before, enum http_extension in, unsigned char c)
{
	if (is_blank(c))
		return (before);
	return (http_field_is_token(c) ? in : HTTP_EXTENSION_BAD);
}

enum http_extension
http_extension_next(enum http_extension at, unsigned char c)
{
	switch (at) {
	case HTTP_EXTENSION_TOKEN:
		if (http_field_is_token(c))
			return (at);
		break;
	case HTTP_EXTENSION_BEFORE:
	case HTTP_EXTENSION_CLOSED:
		break;
	case HTTP_EXTENSION_BEFORE_NAME:
		return (next_token(at, HTTP_EXTENSION_NAME, c));
	case HTTP_EXTENSION_NAME:
	case HTTP_EXTENSION_AFTER_NAME:
		if (at == HTTP_EXTENSION_NAME && http_field_is_token(c))
			return (at);
		if (c == '=')
			return (HTTP_EXTENSION_BEFORE_VALUE);
		if (is_blank(c))
			return (HTTP_EXTENSION_AFTER_NAME);
		break;
	case HTTP_EXTENSION_BEFORE_VALUE:
		if (c == '"')
			return (HTTP_EXTENSION_QUOTES);
		return (next_token(at, HTTP_EXTENSION_TOKEN, c));
	case HTTP_EXTENSION_QUOTES:
		if (c == '"')
			return (HTTP_EXTENSION_CLOSED);
		if (c == '\\')
			return (HTTP_EXTENSION_ESCAPED);
		return (is_quotable(c) ? at : HTTP_EXTENSION_BAD);
	case HTTP_EXTENSION_ESCAPED:
		return (is_quotable(c) ? HTTP_EXTENSION_QUOTES
				       : HTTP_EXTENSION_BAD);
	case HTTP_EXTENSION_BAD:
		return (at);
	}
	/* One has ended, or none has begun. */
	if (c == ';')
		return (HTTP_EXTENSION_BEFORE_NAME);
	return (is_blank(c) ? HTTP_EXTENSION_BEFORE : HTTP_EXTENSION_BAD);
}

bool
http_extension_may_end(enum http_extension at)
{
	return (at == HTTP_EXTENSION_NAME || at == HTTP_EXTENSION_TOKEN ||
		at == HTTP_EXTENSION_CLOSED);
}
