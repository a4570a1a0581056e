#include "store/base/hex.h"

#include <stdbool.h>

void
hex_encode(const void *bytes, size_t len, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++) {
		*ret_text++ = digits[p[i] >> 4];
		*ret_text++ = digits[p[i] & 15];
	}
	*ret_text = '\0';
}

/* The value of one digit in lower case, or -1. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (-1);
}

int
hex_decode(const char *text, size_t len, void *ret_bytes)
{
	unsigned char *p = ret_bytes;
	int high, low;

	for (size_t i = 0; i < len; i++) {
		/* One after the other: text may end after the first. */
		if ((high = hex_digit(text[2 * i])) == -1 ||
		    (low = hex_digit(text[2 * i + 1])) == -1)
			return (-1);
		p[i] = (unsigned char)(high << 4 | low);
	}
	return (0);
}

long
hex_value(const char *text, size_t n)
{
	long value = 0;
	int digit;

	for (; n > 0; n--, text++) {
		bool capital = *text >= 'A' && *text <= 'F';

		digit = hex_digit((char)(capital ? *text - 'A' + 'a' : *text));
		if (digit == -1)
			return (-1);
		value = value * 16 + digit;
	}
	return (value);
}
