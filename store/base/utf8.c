#include "store/base/utf8.h"

#include <stdio.h>

/* By length: how a first byte looks, and the least value worth that length. */
static const struct {
	unsigned char mask;
	unsigned char lead;
	uint32_t least;
} forms[] = {
	{ 0x80, 0x00, 0 },
	{ 0xe0, 0xc0, 0x80 },
	{ 0xf0, 0xe0, 0x800 },
	{ 0xf8, 0xf0, 0x10000 },
};

size_t
utf8_next(const char *text, size_t len, uint32_t *ret_code)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t code;
	size_t n;

	for (n = 0; n < sizeof(forms) / sizeof(forms[0]); n++) {
		if (n < len && (p[0] & forms[n].mask) == forms[n].lead)
			break;
	}
	if (n == sizeof(forms) / sizeof(forms[0]))
		return (0);

	code = p[0] & (unsigned char)~forms[n].mask;
	for (size_t i = 1; i <= n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (0);
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < forms[n].least || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return (0);
	*ret_code = code;
	return (n + 1);
}

size_t
utf8_put(uint32_t code, char ret_bytes[UTF8_MAX])
{
	size_t n = 0;

	while (n < sizeof(forms) / sizeof(forms[0]) - 1 &&
	       code >= forms[n + 1].least)
		n++;
	for (size_t i = n; i > 0; i--) {
		ret_bytes[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	ret_bytes[0] = (char)(forms[n].lead | code);
	return (n + 1);
}

bool
utf8_is_plain(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return (false);
	if (code < 0x61c)
		return (true);
	return (code != 0x61c && !(code >= 0x200e && code <= 0x200f) &&
		!(code >= 0x2028 && code <= 0x202e) &&
		!(code >= 0x2066 && code <= 0x206f) && code != 0xfeff &&
		!(code >= 0xfff9 && code <= 0xfffb) &&
		!(code >= 0xe0000 && code <= 0xe007f));
}

void
utf8_escape(uint32_t code, char ret_text[UTF8_ESCAPE_MAX])
{
	if (code < 0x10000) {
		(void)snprintf(ret_text, UTF8_ESCAPE_MAX, "\\u%04x",
		    (unsigned)code & 0xffff);
		return;
	}
	code -= 0x10000;
	(void)snprintf(ret_text, UTF8_ESCAPE_MAX, "\\u%04x\\u%04x",
	    (unsigned)(0xd800 | (code >> 10 & 0x3ff)),
	    (unsigned)(0xdc00 | (code & 0x3ff)));
}
