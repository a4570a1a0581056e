#include "server/utf8.h"

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
