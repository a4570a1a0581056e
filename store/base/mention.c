#include "store/base/mention.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
is_word(unsigned char c)
{
	return (isalnum(c) != 0 || c >= 0x80);
}

/* Does id stand in text by itself? A sign beside it does not matter. */
static bool
stands_in(const char *text, size_t len, const char *id)
{
	size_t n = strlen(id);
	const char *end = text + len;
	const char *at = text;

	while ((at = memmem(at, (size_t)(end - at), id, n)) != NULL) {
		bool before = at > text && is_word((unsigned char)at[-1]) &&
			      is_word((unsigned char)id[0]);
		bool behind = at + n < end && is_word((unsigned char)at[n]) &&
			      is_word((unsigned char)id[n - 1]);

		if (!before && !behind)
			return (true);
		at++;
	}
	return (false);
}

/* The value of n hex digits at p; -1 if these are none. */
static long
hex_value(const char *p, size_t left, size_t n)
{
	long value = 0;

	if (left < n)
		return (-1);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (isxdigit(c) == 0)
			return (-1);
		value =
		    value * 16 + (isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return (value);
}

static char *
put_utf8(char *p, unsigned long c)
{
	if (c < 0x80) {
		*p++ = (char)c;
	} else if (c < 0x800) {
		*p++ = (char)(0xc0 | c >> 6);
		*p++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*p++ = (char)(0xe0 | c >> 12);
		*p++ = (char)(0x80 | (c >> 6 & 0x3f));
		*p++ = (char)(0x80 | (c & 0x3f));
	} else {
		*p++ = (char)(0xf0 | c >> 18);
		*p++ = (char)(0x80 | (c >> 12 & 0x3f));
		*p++ = (char)(0x80 | (c >> 6 & 0x3f));
		*p++ = (char)(0x80 | (c & 0x3f));
	}
	return (p);
}

/* Undo the escape of JSON at *p, which is past its backslash. */
static char *
put_escape(char *out, const char **p, const char *end)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *known;
	long c, low;

	if (**p != 'u' ||
	    (c = hex_value(*p + 1, (size_t)(end - *p - 1), 4)) == -1) {
		known = strchr(from, **p);
		*out++ = known != NULL && **p != '\0' ? to[known - from] : **p;
		(*p)++;
		return (out);
	}
	*p += 5;
	if (c >= 0xd800 && c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' &&
	    (*p)[1] == 'u' && (low = hex_value(*p + 2, 4, 4)) >= 0xdc00 &&
	    low < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*p += 6;
	}
	return (put_utf8(out, (unsigned long)c));
}

/* Undo all escapes; nothing grows by that. Returns the length. */
static size_t
undo_escapes(const char *text, size_t len, char *ret_text)
{
	const char *end = text + len;
	char *out = ret_text;
	long c;

	for (const char *p = text; p < end;) {
		if (*p == '\\' && p + 1 < end) {
			p++;
			out = put_escape(out, &p, end);
		} else if (*p == '%' && (c = hex_value(p + 1,
					     (size_t)(end - p - 1), 2)) != -1) {
			*out++ = (char)c;
			p += 3;
		} else {
			*out++ = *p++;
		}
	}
	return ((size_t)(out - ret_text));
}

bool
mention_finds(const void *text, size_t len, const char *id)
{
	bool found;
	char *plain;

	if (stands_in(text, len, id))
		return (true);
	if (memchr(text, '\\', len) == NULL && memchr(text, '%', len) == NULL)
		return (false);
	if ((plain = malloc(len)) == NULL)
		return (true);
	found = stands_in(plain, undo_escapes(text, len, plain), id);
	free(plain);
	return (found);
}
