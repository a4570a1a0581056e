/* Only what servers under test send: a status line, a length, a body. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "load.h"

void
answer_init(struct answer *a)
{
	a->len = 0;
	a->head_len = 0;
	a->body_len = 0;
	a->code = 0;
	a->closes = false;
}

/* The value of a header, if line is that header; else NULL. */
static const char *
header_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return (NULL);
	line += len + 1;
	while (*line == ' ')
		line++;
	return (line);
}

/* Read the head, which is whole. Returns whether it can be used. */
static bool
answer_head(struct answer *a)
{
	const char *line, *value;
	bool length = false;

	if (strncmp(a->bytes, "HTTP/1.1 ", 9) != 0 &&
	    strncmp(a->bytes, "HTTP/1.0 ", 9) != 0)
		return (false);
	a->code = (unsigned)strtoul(a->bytes + 9, NULL, 10);
	for (line = strstr(a->bytes, "\r\n"); line != NULL && line[2] != '\r';
	     line = strstr(line + 2, "\r\n")) {
		if ((value = header_value(line + 2, "content-length")) !=
		    NULL) {
			length = isdigit((unsigned char)*value) != 0;
			a->body_len = strtoul(value, NULL, 10);
		} else if ((value = header_value(line + 2, "connection")) !=
			   NULL) {
			a->closes = strncasecmp(value, "close", 5) == 0;
		}
	}
	return (length && a->body_len <= ANSWER_BODY_MAX);
}

enum answer_rc
answer_look(struct answer *a)
{
	const char *end;

	a->bytes[a->len] = '\0';
	if (a->head_len == 0) {
		if ((end = strstr(a->bytes, "\r\n\r\n")) == NULL)
			return (a->len < ANSWER_HEAD_MAX ? ANSWER_MORE
							 : ANSWER_BAD);
		a->head_len = (size_t)(end - a->bytes) + 4;
		if (!answer_head(a))
			return (ANSWER_BAD);
	}
	if (a->len < a->head_len + a->body_len)
		return (ANSWER_MORE);
	return (a->len == a->head_len + a->body_len ? ANSWER_DONE : ANSWER_BAD);
}
