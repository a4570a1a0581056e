#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "handlers/body/json_token.h"

/* Where the text is written; too much for it only sets full. */
struct sink {
	char *at;
	size_t left;
	bool full;
};

static void
sink_put(struct sink *out, const char *bytes, size_t len)
{
	if (len > out->left) {
		out->full = true;
		return;
	}
	memcpy(out->at, bytes, len);
	out->at += len;
	out->left -= len;
}

/*
 * The length of the UTF-8 sequence at p (RFC 3629: no overlong form, no
 * surrogate, nothing over U+10FFFF), or 0 if it is none. A NUL ends the text,
 * so that no byte past it is read.
 */
static size_t
utf8_len(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;
	unsigned char low = 0x80, high = 0xbf; /* of the second byte */
	size_t len;

	if (s[0] < 0x80)
		return (1);
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return (0);
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	switch (s[0]) {
	case 0xe0:
		low = 0xa0;
		break;
	case 0xed:
		high = 0x9f;
		break;
	case 0xf0:
		low = 0x90;
		break;
	case 0xf4:
		high = 0x8f;
		break;
	}
	if (s[1] < low || s[1] > high)
		return (0);
	for (size_t i = 2; i < len; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return (0);
	}
	return (len);
}

/* The value of four hex digits. */
static uint32_t
read_hex4(const char *p)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i];

		value = value * 16 + (c & 15u) + (c > '9' ? 9u : 0u);
	}
	return (value);
}

static void
put_utf8(struct sink *out, uint32_t c)
{
	char bytes[4];
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

	for (size_t i = len - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	bytes[0] = (char)(lead[len] | c);
	sink_put(out, bytes, len);
}

/*
 * Decode what follows "\u" at p. Returns where the text goes on, or NULL if
 * this names no character that text may have.
 */
static const char *
decode_unicode(const char *p, struct sink *out)
{
	uint32_t c = read_hex4(p), low;

	p += 4;
	if (c == 0 || (c >= 0xdc00 && c <= 0xdfff))
		return (NULL);
	if (c >= 0xd800 && c <= 0xdbff) {
		if (p[0] != '\\' || p[1] != 'u')
			return (NULL);
		low = read_hex4(p + 2);
		if (low < 0xdc00 || low > 0xdfff)
			return (NULL);
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	put_utf8(out, c);
	return (p);
}

/*
 * Decode the string at p, which is past its first quote. Returns 0, or -1 if
 * it has no clean text. Goes on when out is full: whether the text is clean
 * decides in which form it has to fit.
 */
static int
decode_string(const char *p, struct sink *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	size_t len;

	while (*p != '"') {
		if (*p == '\\' && p[1] == 'u') {
			if ((p = decode_unicode(p + 2, out)) == NULL)
				return (-1);
		} else if (*p == '\\') {
			sink_put(out, values + (strchr(names, p[1]) - names),
			    1);
			p += 2;
		} else {
			if ((len = utf8_len(p)) == 0)
				return (-1);
			sink_put(out, p, len);
			p += len;
		}
	}
	return (0);
}

/* The token itself, with '?' for what is not UTF-8. */
static void
copy_token(const char *p, const char *end, struct sink *out)
{
	size_t len;

	while (p < end && !out->full) {
		len = utf8_len(p);
		sink_put(out, len == 0 ? "?" : p, len == 0 ? 1 : len);
		p += len == 0 ? 1 : len;
	}
}

/* Where the string ends whose first quote is before p. */
static const char *
string_end(const char *p)
{
	for (p += strcspn(p, "\"\\"); *p == '\\'; p += strcspn(p, "\"\\"))
		p += 2;
	return (p + 1);
}

const char *
json_token_end(const char *token)
{
	const char *p = token;
	size_t depth = 0;

	do {
		if (*p == '"') {
			p = string_end(p + 1);
			continue;
		}
		if (*p == '[' || *p == '{')
			depth++;
		else if (*p == ']' || *p == '}')
			depth--;
		else if (depth == 0)
			return (p + strcspn(p, ",]} \t\r\n"));
		p++;
	} while (depth > 0);
	return (p);
}

int
json_token_text(const char *token, size_t len, size_t size, char *ret_text)
{
	struct sink out = { ret_text, size - 1, false };
	bool string = token[0] == '"';

	assert(size > 0 && size <= INT_MAX);
	if (!string && token[0] != '-' && (token[0] < '0' || token[0] > '9'))
		return (-1);
	if (!string || decode_string(token + 1, &out) == -1) {
		out = (struct sink){ ret_text, size - 1, false };
		copy_token(token, token + len, &out);
	}
	if (out.full)
		return (-1);
	*out.at = '\0';
	return ((int)(out.at - ret_text));
}
