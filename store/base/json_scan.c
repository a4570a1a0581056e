#include "store/base/json_scan.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "store/base/hex.h"
#include "store/base/utf8.h"

/* -- Ends, without a check -- */

const char *
json_scan_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return (p);
}

const char *
json_scan_string(const char *p, const char *end)
{
	const char *from = p + 1, *quote, *before;

	for (;; from = quote + 1) {
		quote = memchr(from, '"', (size_t)(end - from));
		if (quote == NULL)
			return (NULL);
		/* Backslashes in pairs stand for themselves. */
		before = quote;
		while (before > from && before[-1] == '\\')
			before--;
		if ((quote - before) % 2 == 0)
			return (quote + 1);
	}
}

/* Past a number or a word. */
static const char *
skip_word(const char *p, const char *end)
{
	while (p < end && strchr(",]} \t\r\n", *p) == NULL)
		p++;
	return (p);
}

const char *
json_scan_value(const char *p, const char *end)
{
	size_t depth = 0;

	do {
		if (p == end)
			return (end);
		if (*p == '"') {
			if ((p = json_scan_string(p, end)) == NULL)
				return (end);
			continue;
		}
		if (*p == '[' || *p == '{') {
			depth++;
		} else if (*p == ']' || *p == '}') {
			if (depth == 0)
				return (p);
			depth--;
		} else if (depth == 0) {
			return (skip_word(p, end));
		}
		p++;
	} while (depth > 0);
	return (p);
}

/* -- Scalars, checked -- */

/* What is left; the functions below stop at the first byte that is wrong. */
struct scan {
	const char *at;
	const char *end;
};

/* Go past the next byte if it is this one. */
static bool
take(struct scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return (false);
	s->at++;
	return (true);
}

static bool
take_digits(struct scan *s)
{
	const char *from = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (s->at > from);
}

static bool
take_number(struct scan *s)
{
	(void)take(s, '-');
	if (!take(s, '0') && !take_digits(s))
		return (false);
	if (take(s, '.') && !take_digits(s))
		return (false);
	if (!take(s, 'e') && !take(s, 'E'))
		return (true);
	if (!take(s, '+'))
		(void)take(s, '-');
	return (take_digits(s));
}

static bool
take_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) >= len && memcmp(s->at, word, len) == 0) {
		s->at += len;
		return (true);
	}
	while (take(s, *word)) /* as far as it goes */
		word++;
	return (false);
}

/* Past the backslash. */
static bool
take_escape(struct scan *s)
{
	if (take(s, 'u')) {
		for (int i = 0; i < 4; i++, s->at++)
			if (s->at == s->end || hex_value(s->at, 1) == -1)
				return (false);
		return (true);
	}
	if (s->at == s->end || *s->at == '\0' ||
	    strchr("\"\\/bfnrt", *s->at) == NULL)
		return (false);
	s->at++;
	return (true);
}

/* Bytes in a word, each with that value; and each with its top bit only. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define TOPS EACH(UINT64_C(0x80))

/*
 * The top bits of those of the eight bytes that are a quote, a backslash or a
 * control character. By the usual subtraction: a byte below n borrows into its
 * top bit, unless that was set; above the first one that is, others may seem to
 * be.
 */
static uint64_t
ends_of_run(uint64_t word)
{
	uint64_t quote = word ^ EACH('"'), escape = word ^ EACH('\\');

	return ((((word - EACH(UINT64_C(0x20))) & ~word) |
		    ((quote - EACH(UINT64_C(1))) & ~quote) |
		    ((escape - EACH(UINT64_C(1))) & ~escape)) &
		TOPS);
}

/* Past what stands in a string as it is. */
static const char *
skip_run(const char *p, const char *end)
{
	uint64_t word, ends;

	for (; (size_t)(end - p) >= sizeof(word); p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		if ((ends = ends_of_run(le64toh(word))) != 0)
			return (p + __builtin_ctzll(ends) / 8);
	}
	while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
		p++;
	return (p);
}

static bool
take_string(struct scan *s)
{
	const char *p = s->at + 1;

	for (;; p = s->at) {
		s->at = p = skip_run(p, s->end);
		if (!take(s, '\\'))
			return (take(s, '"'));
		if (!take_escape(s))
			return (false);
	}
}

enum json_scan_rc
json_scan_scalar(const char *p, const char *end, const char **ret_end)
{
	struct scan s = { p, end };
	bool right;

	switch (p < end ? *p : '\0') {
	case '"':
		right = take_string(&s);
		break;
	case 't':
		right = take_word(&s, "true");
		break;
	case 'f':
		right = take_word(&s, "false");
		break;
	case 'n':
		right = take_word(&s, "null");
		break;
	default:
		right = take_number(&s);
		break;
	}
	*ret_end = s.at;
	if (right)
		return (JSON_SCAN_OK);
	return (s.at == end ? JSON_SCAN_CUT : JSON_SCAN_BAD);
}

/* -- Text -- */

static bool
is_surrogate(uint32_t code)
{
	return (code >= 0xd800 && code <= 0xdfff);
}

/* The four digits after "\u", which is at p; -1 if this is none such. */
static long
read_unit(const char *p, const char *end)
{
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return (-1);
	return (hex_value(p + 2, 4));
}

size_t
json_scan_escape(const char *p, const char *end, uint32_t *ret_code)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	long unit = read_unit(p, end), low;
	const char *name;

	if (unit == -1) {
		if (end - p < 2 || p[1] == '\0' ||
		    (name = strchr(names, p[1])) == NULL)
			return (0);
		*ret_code = (unsigned char)values[name - names];
		return (2);
	}
	*ret_code = (uint32_t)unit;
	if (unit < 0xd800 || unit > 0xdbff)
		return (6);
	low = read_unit(p + 6, end);
	if (low < 0xdc00 || low > 0xdfff)
		return (6);
	*ret_code =
	    (uint32_t)(0x10000 + ((unit - 0xd800) << 10) + low - 0xdc00);
	return (12);
}

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
 * Decode what stands between the quotes. Returns 0, or -1 if it has no clean
 * text. Goes on when out is full: whether the text is clean decides in which
 * form it has to fit.
 */
static int
decode_string(const char *p, const char *end, struct sink *out)
{
	char bytes[UTF8_MAX];
	const char *run;
	uint32_t code;
	size_t n;

	while (p < end) {
		run = p;
		while (p < end && *p != '\\' && (unsigned char)*p < 0x80)
			p++;
		sink_put(out, run, (size_t)(p - run));
		if (p == end)
			break;
		n = *p == '\\' ? json_scan_escape(p, end, &code)
			       : utf8_next(p, (size_t)(end - p), &code);
		if (n == 0 || code == 0 || is_surrogate(code))
			return (-1);
		sink_put(out, bytes, utf8_put(code, bytes));
		p += n;
	}
	return (0);
}

/* The token itself, with '?' for what is not UTF-8. */
static void
copy_token(const char *p, const char *end, struct sink *out)
{
	uint32_t code;
	size_t len;

	while (p < end && !out->full) {
		len = utf8_next(p, (size_t)(end - p), &code);
		sink_put(out, len == 0 ? "?" : p, len == 0 ? 1 : len);
		p += len == 0 ? 1 : len;
	}
}

int
json_scan_text(const char *token, size_t len, size_t size, char *ret_text)
{
	struct sink out = { ret_text, size - 1, false };
	const char *end = token + len;
	bool string = token[0] == '"';

	assert(size > 0 && size <= INT_MAX);
	if (!string && token[0] != '-' && (token[0] < '0' || token[0] > '9'))
		return (-1);
	if (!string || decode_string(token + 1, end - 1, &out) == -1) {
		out = (struct sink){ ret_text, size - 1, false };
		copy_token(token, end, &out);
	}
	if (out.full)
		return (-1);
	*out.at = '\0';
	return ((int)(out.at - ret_text));
}
