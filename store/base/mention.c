#include "store/base/mention.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/hex.h"
#include "store/base/json_scan.h"
#include "store/base/utf8.h"

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

/* Undo all escapes; nothing grows by that. Returns the length. */
static size_t
undo_escapes(const char *text, size_t len, char *ret_text)
{
	const char *end = text + len;
	char *out = ret_text;
	uint32_t code;
	size_t n;
	long c;

	for (const char *p = text; p < end;) {
		if (*p == '\\' && p + 1 < end) {
			if ((n = json_scan_escape(p, end, &code)) > 0) {
				out += utf8_put(code, out);
			} else {
				*out++ = p[1];
				n = 2;
			}
			p += n;
		} else if (*p == '%' && end - p > 2 &&
			   (c = hex_value(p + 1, 2)) != -1) {
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
