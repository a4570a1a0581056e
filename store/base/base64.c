#include <stdint.h>

#include "store/base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64_encode(const void *bytes, size_t len, char *ret_text)
{
	const unsigned char *p = bytes;
	char *out = ret_text;
	uint32_t group;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = len < 3 ? len : 3;
		group = (uint32_t)p[0] << 16;
		group |= n > 1 ? (uint32_t)p[1] << 8 : 0;
		group |= n > 2 ? p[2] : 0u;
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = n > 1 ? digits[group >> 6 & 63] : '=';
		*out++ = n > 2 ? digits[group & 63] : '=';
	}
	*out = '\0';
	return ((size_t)(out - ret_text));
}

/* The six bits of a digit, or -1. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	if (c == '+' || c == '-')
		return (62);
	if (c == '/' || c == '_')
		return (63);
	return (-1);
}

int
base64_decode(const char *text, size_t len, void *ret_bytes, size_t *ret_len)
{
	unsigned char *out = ret_bytes;
	uint32_t bits = 0;
	unsigned nbits = 0;
	int value;

	/* Padding only fills the last group. */
	if (len > 0 && len % 4 == 0 && text[len - 1] == '=')
		len -= text[len - 2] == '=' ? 2 : 1;
	if (len % 4 == 1)
		return (-1);
	for (size_t i = 0; i < len; i++) {
		if ((value = digit_value(text[i])) == -1)
			return (-1);
		bits = bits << 6 | (uint32_t)value;
		nbits += 6;
		if (nbits >= 8) {
			nbits -= 8;
			*out++ = (unsigned char)(bits >> nbits);
			bits &= (1u << nbits) - 1;
		}
	}
	if (bits != 0)
		return (-1);
	*ret_len = (size_t)(out - (unsigned char *)ret_bytes);
	return (0);
}
